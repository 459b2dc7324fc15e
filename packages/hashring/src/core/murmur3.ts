import type { PlacementHash, PlacementKey } from '../options.ts'

/**
 * MurmurHash3 x86 32-bit (Austin Appleby, public domain), over bytes and, without building them, over the UTF-8 form of a
 * string. A string and its UTF-8 bytes give the same value. Neither function allocates.
 */

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

function mixWord(hash: number, word: number): number {
  let k = Math.imul(word, C1)
  k = (k << 15) | (k >>> 17)
  const mixed = hash ^ Math.imul(k, C2)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** Mixes the last one to three bytes, then the length, and spreads every bit over the result. */
function finish(hash: number, tail: number, byteLength: number): number {
  let h = hash
  if (tail !== 0) {
    let k = Math.imul(tail, C1)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, C2)
  }
  h ^= byteLength
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** The hash of `bytes`, from 0 to 2^32 - 1. */
export function murmur3Bytes(bytes: Uint8Array, seed = 0): number {
  return signedBytes(bytes, seed) >>> 0
}

/** The same 32 bits with a sign: engines give such a number back without making an object for it. */
function signedBytes(bytes: Uint8Array, seed: number): number {
  const length = bytes.length
  const end = length & ~3
  let hash = seed | 0
  let i = 0
  for (; i < end; i += 4) {
    const low = (bytes[i] as number) | ((bytes[i + 1] as number) << 8)
    hash = mixWord(hash, low | ((bytes[i + 2] as number) << 16) | ((bytes[i + 3] as number) << 24))
  }
  let tail = 0
  for (let shift = 0; i < length; i++, shift += 8) tail |= (bytes[i] as number) << shift
  return finish(hash, tail, length)
}

/** The hash of the UTF-8 form of `text`. A lone surrogate counts as U+FFFD, as it does for TextEncoder. */
export function murmur3String(text: string, seed = 0): number {
  return signedString(text, seed) >>> 0
}

function signedString(text: string, seed: number): number {
  const length = text.length
  let hash = seed | 0
  let i = 0
  for (; i + 4 <= length; i += 4) {
    const a = text.charCodeAt(i)
    const b = text.charCodeAt(i + 1)
    const c = text.charCodeAt(i + 2)
    const d = text.charCodeAt(i + 3)
    if ((a | b | c | d) > 0x7f) return murmur3Utf8(text, i, hash)
    hash = mixWord(hash, a | (b << 8) | (c << 16) | (d << 24))
  }
  let tail = 0
  for (let shift = 0, at = i; at < length; at++, shift += 8) {
    const unit = text.charCodeAt(at)
    if (unit > 0x7f) return murmur3Utf8(text, i, hash)
    tail |= unit << shift
  }
  return finish(hash, tail, length)
}

/** Goes on from unit `start`, before which everything was ASCII and whole words: so units counted bytes until here. */
function murmur3Utf8(text: string, start: number, state: number): number {
  let hash = state
  let byteLength = start
  let word = 0
  for (let i = start; i < text.length; i++) {
    let point = text.codePointAt(i) as number
    if (point > 0xffff) i += 1
    else if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
    for (let at = 0; at < size; at++) {
      word |= utf8Byte(point, size, at) << ((byteLength & 3) * 8)
      byteLength += 1
      if ((byteLength & 3) === 0) {
        hash = mixWord(hash, word)
        word = 0
      }
    }
  }
  return finish(hash, word, byteLength)
}

function utf8Byte(point: number, size: number, at: number): number {
  const bits = point >>> ((size - 1 - at) * 6)
  if (at > 0) return 0x80 | (bits & 0x3f)
  return size === 1 ? bits : ((0xf00 >>> size) & 0xff) | bits
}

/** The default hash: MurmurHash3 x86 32-bit with seed 0. */
export const murmur3: PlacementHash = Object.freeze({
  name: 'murmur3-x86-32',
  hash: (key: PlacementKey): number => (typeof key === 'string' ? murmur3String(key) : murmur3Bytes(key)),
})

/** What `hash` gives for `key`, as 32 bits with a sign: so that no engine makes an object for it on its way to the caller, who takes the sign off. */
export function signedPosition(hash: PlacementHash, key: PlacementKey): number {
  if (hash !== murmur3) return hash.hash(key) | 0
  return typeof key === 'string' ? signedString(key, 0) : signedBytes(key, 0)
}
