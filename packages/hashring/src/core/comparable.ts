import type { PlacementHash } from '../options.ts'
import type { Placement } from '../placement.ts'

/** The error for two placements that have no common measure. */
export function otherStrategy(before: Placement, next: Placement): RangeError {
  return new RangeError(`cannot compare a placement of strategy "${before.strategy}" with one of "${next.strategy}"`)
}

/** Throws a RangeError when two placements put keys at different positions. */
export function assertSameHash(hash: PlacementHash, nextHash: PlacementHash): void {
  if (hash.name !== nextHash.name) {
    throw new RangeError(`cannot compare a placement over "${hash.name}" with one over "${nextHash.name}"`)
  }
}
