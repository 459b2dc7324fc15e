/**
 * The port for chance. Nothing in dsys draws a random number in any other way, so a run replays from one seed.
 */
export interface Random {
  /** A number in [0, 1), with 32 bits of resolution or more. */
  float(): number
  /** An integer in [`min`, `max`), both whole, `min` < `max`, at most 2^32 apart. */
  integer(min: number, max: number): number
  /** `length` bytes. Fit for identifiers; fit for secrets only if the implementation says so. */
  bytes(length: number): Uint8Array
  /**
   * A source of its own for one purpose. In a seeded implementation a further draw in one stream does not shift what the
   * others give; the same name twice gives two sources that start alike.
   */
  stream(name: string): Random
}

/** Scales a draw from [0, 1) to an integer in [`min`, `max`). Throws RangeError when the range is empty or not whole. */
export function integerIn(draw: number, min: number, max: number): number {
  if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min >= max || max - min > 2 ** 32) {
    throw new RangeError(`integer(min, max) takes whole numbers with min < max, at most 2^32 apart; got ${min}, ${max}`)
  }
  return min + Math.floor(draw * (max - min))
}
