import { bufferOf } from '@dsys/runtime/bytes'

/** The longest key, in bytes. */
export const MAX_KEY_BYTES = 1_024

const FIRST_NON_ASCII = 0x80

/**
 * The form in which keys are stored and compared: a string with one character for each byte of the key. It is a cheap map
 * key for any bytes, and its order is the order of the bytes. Text is UTF-8 first, so ASCII is its own stored form.
 *
 * Returns `undefined` for text that is not well-formed (a lone surrogate), which UTF-8 cannot carry.
 */
export function storedKey(key: string | Uint8Array): string | undefined {
  if (typeof key !== 'string') return bufferOf(key).toString('latin1')
  for (let i = 0; i < key.length; i++) {
    if (key.charCodeAt(i) >= FIRST_NON_ASCII) return storedFromText(key)
  }
  return key
}

function storedFromText(key: string): string | undefined {
  return hasLoneSurrogate(key) ? undefined : Buffer.from(key, 'utf8').toString('latin1')
}

function hasLoneSurrogate(text: string): boolean {
  for (const character of text) {
    const codePoint = character.codePointAt(0) as number
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) return true
  }
  return false
}
