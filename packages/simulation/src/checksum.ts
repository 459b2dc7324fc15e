/** 32-bit FNV-1a (Fowler, Noll, Vo) over the UTF-16 code units. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** Adds a whole number to a checksum; its low 32 bits count. */
export function mixIn(checksum: number, word: number): number {
  const mixed = Math.imul(checksum ^ word, 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

/** A checksum of all of `bytes` and of their number, 32 bits: to notice that two contents differ, and not against an attacker. */
export function checksumOf(bytes: Uint8Array, start = 0): number {
  const { length } = bytes
  let sum = mixIn(start, length)
  const whole = length - (length % 4)
  for (let i = 0; i < whole; i += 4) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    sum = Math.imul(sum ^ word, 0x85ebca6b)
    sum ^= sum >>> 15
  }
  for (let i = whole; i < length; i++) sum = mixIn(sum, bytes[i] as number)
  return sum >>> 0
}
