/** Turns a value into bytes and back. `decode(encode(value))` equals `value`; `decode` throws on bytes it cannot read. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

const encoder = new TextEncoder()
// A byte order mark is a character like any other: without ignoreBOM, decode(encode(text)) would lose it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * JSON in UTF-8, and no bytes for `undefined`. What JSON cannot carry (dates, maps, bigint, cycles, `undefined` inside of
 * something) is lost or throws as with JSON.stringify.
 */
export function json<T>(): Codec<T> {
  return {
    encode: (value) => encoder.encode(JSON.stringify(value)),
    decode: (bytes) => (bytes.length === 0 ? undefined : JSON.parse(decoder.decode(bytes))) as T,
  }
}

/** Text in UTF-8. `decode` throws a TypeError on bytes that are not UTF-8; `encode` turns a lone surrogate into U+FFFD. */
export const utf8: Codec<string> = Object.freeze({
  encode: (value: string) => encoder.encode(value),
  decode: (bytes: Uint8Array) => decoder.decode(bytes),
})

/** The bytes themselves. */
export const rawBytes: Codec<Uint8Array> = Object.freeze({
  encode: (value: Uint8Array) => value,
  decode: (bytes: Uint8Array) => bytes,
})
