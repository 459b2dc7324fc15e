export type { RingDiff, RingMove, RingRange } from './core/diff.ts'
export { createRing, murmur3, parseRing, type Ring } from './core/ring.ts'
export type { RingNodeStats, RingStats } from './core/stats.ts'
export { RingFormatError } from './errors.ts'
export {
  RING_DEFAULTS,
  type RingHash,
  type RingKey,
  type RingNode,
  type RingNodeOptions,
  type RingOptions,
} from './options.ts'
