import type { Random } from '@dsys/runtime'

/** One of `values`, which must not be empty. */
export function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.integer(0, values.length)] as T
}

/** Each of `values` with the chance `share`, in their order. */
export function some<T>(random: Random, values: readonly T[], share: number): T[] {
  return values.filter(() => random.float() < share)
}

/**
 * A delay with a heavy tail: `scaleMs` in the middle, ten times that in one draw of twenty, capped at `maxMs`. A Pareto
 * distribution by division alone, since logarithms and powers differ between engines in the last digit.
 */
export function heavyTailMs(random: Random, scaleMs: number, maxMs: number): number {
  return Math.min((scaleMs * 0.5) / Math.max(random.float(), 1e-9), maxMs)
}
