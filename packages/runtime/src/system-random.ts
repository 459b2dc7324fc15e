import { randomBytes } from 'node:crypto'
import { integerIn, type Random } from './random.ts'

/** Chance from the operating system, fit for secrets. */
export const systemRandom: Random = Object.freeze({
  float: (): number => randomBytes(4).readUInt32LE(0) / 2 ** 32,
  integer: (min: number, max: number): number => integerIn(systemRandom.float(), min, max),
  bytes: (length: number): Uint8Array => new Uint8Array(randomBytes(length)),
  stream: (): Random => systemRandom,
})
