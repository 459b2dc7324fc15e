import { MAX_NAME_CHARACTERS } from './core/user-news.ts'

// In UTF-16, one half of a pair that stands alone: no encoding carries it.
const LONE_SURROGATE = /\p{Surrogate}/u

/** Throws TypeError or RangeError unless `name`, a topic or the name of a query, can travel. */
export function checkName(what: string, name: string): void {
  if (typeof name !== 'string') throw new TypeError(`${what} must be a text, got ${typeof name}`)
  if (LONE_SURROGATE.test(name)) throw new TypeError(`${what} ${JSON.stringify(name)} holds half a character`)
  if (name.length < 1 || name.length > MAX_NAME_CHARACTERS)
    throw new RangeError(`${what} must be a name of 1 to ${MAX_NAME_CHARACTERS} characters, got ${name.length}`)
}

/** Throws a TypeError unless `payload` is bytes. */
export function checkPayload(payload: Uint8Array): void {
  if (!(payload instanceof Uint8Array))
    throw new TypeError('a payload must be a Uint8Array; the codecs of @dsys/runtime make one')
}
