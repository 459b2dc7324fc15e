import { badRequest, pathNotFound, urlTooLong } from './http-error.ts'

/** What the path and the query of a request to a keyspace mean. */
export interface KvTarget {
  readonly keyspace: string
  /** Text of ASCII characters as it is, all else as bytes. */
  readonly key: string | Uint8Array
  readonly stale: boolean
  readonly timeoutMs: number | undefined
}

/** Everything under this prefix is a keyspace and a key. */
export const KV_PREFIX = '/v1/kv/'
const MAX_URL_CHARACTERS = 4_096
const MAX_TIMEOUT_MS = 60_000
const PERCENT = 0x25
const ASCII = /^[\x21-\x7e]*$/

/** @param url the target of the request as it came: Node gives each byte of it as one character. */
export function parseKvTarget(url: string): KvTarget {
  if (url.length > MAX_URL_CHARACTERS) throw urlTooLong(MAX_URL_CHARACTERS)
  const queryAt = url.indexOf('?')
  const path = queryAt === -1 ? url : url.slice(0, queryAt)
  const slashAt = path.startsWith(KV_PREFIX) ? path.indexOf('/', KV_PREFIX.length) : -1
  if (slashAt === -1) throw pathNotFound(path)
  const keyspace = percentDecoded(path.slice(KV_PREFIX.length, slashAt))
  const key = percentDecoded(path.slice(slashAt + 1))
  const query = queryAt === -1 ? NO_QUERY : parseQuery(url.slice(queryAt + 1))
  return { keyspace: typeof keyspace === 'string' ? keyspace : Buffer.from(keyspace).toString('utf8'), key, ...query }
}

const NO_QUERY = Object.freeze({ stale: false, timeoutMs: undefined })

/** RFC 3986 §2.1, but to bytes: what they mean is up to the one who chose the key. A plus sign is a plus sign. */
function percentDecoded(text: string): string | Uint8Array {
  if (!text.includes('%')) return ASCII.test(text) ? text : Buffer.from(text, 'latin1')
  const source = Buffer.from(text, 'latin1')
  const target = Buffer.allocUnsafe(source.length)
  let length = 0
  for (let i = 0; i < source.length; i++) {
    let byte = source[i] as number
    if (byte === PERCENT) {
      byte = hexDigit(source[i + 1]) * 16 + hexDigit(source[i + 2])
      if (Number.isNaN(byte))
        throw badRequest('a % in the path is not followed by two hex digits', 'Send % itself as %25.')
      i += 2
    }
    target[length] = byte
    length += 1
  }
  return target.subarray(0, length)
}

function hexDigit(character: number | undefined): number {
  if (character === undefined) return Number.NaN
  if (character >= 0x30 && character <= 0x39) return character - 0x30
  const lower = character | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : Number.NaN
}

/** @throws HttpError for a parameter that there is not, or one out of its range. */
export function parseQuery(query: string): { stale: boolean; timeoutMs: number | undefined } {
  let stale = false
  let timeoutMs: number | undefined
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === 'consistency') stale = parseConsistency(value)
    else if (name === 'timeoutMs') timeoutMs = parseTimeout(value)
    else throw badRequest(`the query parameter ${JSON.stringify(name)} is not known`, 'Use consistency or timeoutMs.')
  }
  return { stale, timeoutMs }
}

function parseConsistency(value: string): boolean {
  if (value === 'stale') return true
  if (value === 'linearizable') return false
  throw badRequest(`consistency ${JSON.stringify(value)} is not known`, 'Use stale or linearizable.')
}

function parseTimeout(value: string): number {
  const timeoutMs = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN
  if (timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs
  throw badRequest(
    `timeoutMs ${JSON.stringify(value)} is out of range`,
    `Use a whole number from 1 to ${MAX_TIMEOUT_MS}.`,
  )
}
