import type { ResolvedOptions } from '../../options.ts'

/** So many observers must be out of touch with a member before it is in doubt, and before it is out. */
export interface Watermarks {
  readonly low: number
  readonly high: number
}

export type WatermarkOptions = Pick<ResolvedOptions, 'observers' | 'lowWatermark' | 'highWatermark'>

/**
 * The watermarks for a member with `count` observers that have a voice: the same share of them as of all, rounded up. A cluster of few members has
 * fewer observers than the option says; and who is out has no voice. Where there are three or more, one alone never puts a member in doubt
 * unless the option says so.
 */
export function watermarksFor(options: WatermarkOptions, count: number): Watermarks {
  const share = (mark: number): number => Math.ceil((count * mark) / options.observers)
  const high = Math.max(1, share(options.highWatermark))
  const least = count < 3 ? 1 : Math.min(2, options.lowWatermark)
  return { low: Math.min(high, Math.max(least, share(options.lowWatermark))), high }
}

/** More than half. */
export const majorityOf = (count: number): number => Math.floor(count / 2) + 1
