import { ByteReader, ByteWriter, bufferOf, crc32, MalformedError } from '@dsys/runtime/bytes'
import { ContextInvalidError } from '../../errors.ts'
import type { HybridTime, Knowledge } from './object.ts'
import { readKnowledge, writeKnowledge } from './object-codec.ts'

/** The longest token, in bytes before base64url. */
export const MAX_CONTEXT_BYTES = 65_536

/** The most dots that a token names one by one. */
const MAX_DOTS = 1_000

/**
 * version u8 · checksum of the place u32 · checksum of what follows u32 · partition · has time u8, [wall, logical] · knowledge. Numbers are
 * varints. The checksums find damage and mistakes, and nobody who forges.
 */
const VERSION = 1
const HEADER_BYTES = 9
const BASE64URL = /^[A-Za-z0-9_-]*$/

/** Of what a context speaks: it is one key, and of any other it would say what is not true. */
export interface ContextPlace {
  readonly keyspace: string
  readonly partition: number
  /** In its stored form, one character a byte. */
  readonly key: string
}

/** What a reader takes away to write with. */
export interface ClientContext {
  readonly knowledge: Knowledge
  /** The greatest time of what was read. */
  readonly time: HybridTime | undefined
}

/** The context as bytes that mean nothing to who holds them. Throws RangeError above {@link MAX_CONTEXT_BYTES}: that is some thousand actors. */
export function encodeContext(place: ContextPlace, { knowledge, time }: ClientContext): Uint8Array {
  const body = new ByteWriter().varint(place.partition).u8(time === undefined ? 0 : 1)
  if (time !== undefined) body.varint(time.wallMs).varint(time.logical)
  writeKnowledge(body, knowledge)
  const bytes = body.written()
  const length = HEADER_BYTES + bytes.length
  if (length > MAX_CONTEXT_BYTES) throw new RangeError(`a context of ${length} bytes is over ${MAX_CONTEXT_BYTES}`)
  return new ByteWriter(length).u8(VERSION).u32(checksumOf(place)).u32(crc32(bytes)).raw(bytes).written()
}

/** The context of a token. Throws ContextInvalidError (`DSYS_KV_CONTEXT_INVALID`) for one that is damaged, or was read elsewhere. */
export function decodeContext(place: ContextPlace, token: Uint8Array): ClientContext {
  if (token.length > MAX_CONTEXT_BYTES) throw new ContextInvalidError(`it has ${token.length} bytes`)
  try {
    const reader = new ByteReader(token)
    const version = reader.u8()
    if (version !== VERSION) throw new MalformedError(`its version is ${version}`)
    const [of, sum] = [reader.u32(), reader.u32()]
    if (crc32(token.subarray(HEADER_BYTES)) !== sum) throw new MalformedError('its checksum is wrong')
    const partition = reader.varint()
    if (of !== checksumOf(place) || partition !== place.partition)
      throw new MalformedError('it was read of another key')
    const hasTime = reader.u8()
    if (hasTime > 1) throw new MalformedError(`a flag is ${hasTime}`)
    const time = hasTime === 0 ? undefined : { wallMs: reader.varint(), logical: reader.varint() }
    const knowledge = readKnowledge(reader, MAX_DOTS)
    reader.expectEnd()
    return { knowledge, time }
  } catch (error) {
    throw error instanceof MalformedError ? new ContextInvalidError(error.message) : error
  }
}

/** The bytes of a token as text, for a header or a URL. */
export function contextText(token: Uint8Array): string {
  return bufferOf(token).toString('base64url')
}

/** The bytes of a text. Throws ContextInvalidError (`DSYS_KV_CONTEXT_INVALID`) where it is no base64url. */
export function contextBytes(text: string): Uint8Array {
  if (text.length > 2 * MAX_CONTEXT_BYTES) throw new ContextInvalidError(`it has ${text.length} characters`)
  if (!BASE64URL.test(text)) throw new ContextInvalidError('it is not base64url')
  return Buffer.from(text, 'base64url')
}

function checksumOf({ keyspace, key }: ContextPlace): number {
  const name = Buffer.from(keyspace, 'utf8')
  return crc32(Buffer.from(key, 'latin1'), crc32(new ByteWriter(4).u32(name.length).written(), crc32(name)))
}
