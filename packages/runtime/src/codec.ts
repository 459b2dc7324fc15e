/** Turns a value into bytes and back. `decode(encode(value))` equals `value`; `decode` throws on bytes it cannot read. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** JSON in UTF-8. What JSON cannot carry (undefined, dates, bigint, cycles) is lost or throws as JSON.stringify does. */
export function json<T>(): Codec<T> {
  return {
    encode: (value) => encoder.encode(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(decoder.decode(bytes)) as T,
  }
}

/** Text in UTF-8. `decode` throws a TypeError on bytes that are not UTF-8. */
export const utf8: Codec<string> = Object.freeze({
  encode: (value: string) => encoder.encode(value),
  decode: (bytes: Uint8Array) => decoder.decode(bytes),
})

/** The bytes themselves. */
export const rawBytes: Codec<Uint8Array> = Object.freeze({
  encode: (value: Uint8Array) => value,
  decode: (bytes: Uint8Array) => bytes,
})
