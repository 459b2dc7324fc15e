/** XXH64 (Yann Collet, xxHash specification 0.1.1), for the checksum only: exact 64-bit arithmetic, not speed. */

const P1 = 0x9e3779b185ebca87n
const P2 = 0xc2b2ae3d27d4eb4fn
const P3 = 0x165667b19e3779f9n
const P4 = 0x85ebca77c2b2ae63n
const P5 = 0x27d4eb2f165667c5n

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value)
const rotate = (value: bigint, by: bigint): bigint => u64((value << by) | (value >> (64n - by)))
const round = (lane: bigint, input: bigint): bigint => u64(rotate(u64(lane + input * P2), 31n) * P1)
const mergeLane = (hash: bigint, lane: bigint): bigint => u64((hash ^ round(0n, lane)) * P1 + P4)

function stripes(view: DataView, seed: bigint): bigint {
  let a = u64(seed + P1 + P2)
  let b = u64(seed + P2)
  let c = seed
  let d = u64(seed - P1)
  for (let at = 0; at + 32 <= view.byteLength; at += 32) {
    a = round(a, view.getBigUint64(at, true))
    b = round(b, view.getBigUint64(at + 8, true))
    c = round(c, view.getBigUint64(at + 16, true))
    d = round(d, view.getBigUint64(at + 24, true))
  }
  const sum = u64(rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n))
  return [a, b, c, d].reduce(mergeLane, sum)
}

function avalanche(value: bigint): bigint {
  let hash = u64((value ^ (value >> 33n)) * P2)
  hash = u64((hash ^ (hash >> 29n)) * P3)
  return hash ^ (hash >> 32n)
}

/** The XXH64 of `bytes`. */
export function xxHash64(bytes: Uint8Array, seed = 0n): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = bytes.length
  let hash = u64((length >= 32 ? stripes(view, seed) : seed + P5) + BigInt(length))
  let at = length & ~31
  for (; at + 8 <= length; at += 8) {
    hash = u64(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4)
  }
  if (at + 4 <= length) {
    hash = u64(rotate(u64(hash ^ (BigInt(view.getUint32(at, true)) * P1)), 23n) * P2 + P3)
    at += 4
  }
  for (; at < length; at++) {
    hash = u64(rotate(u64(hash ^ (BigInt(view.getUint8(at)) * P5)), 11n) * P1)
  }
  return avalanche(hash)
}

/** The checksum of a placement: XXH64 of its serialized form, as 16 hexadecimal digits. */
export function checksumOf(text: string): string {
  return xxHash64(new TextEncoder().encode(text)).toString(16).padStart(16, '0')
}
