import type { Random } from '@dsys/runtime'
import type { FaultAtlas, FaultyNode, FaultyWorld, Restore } from '../world.ts'

/** What a fault of a plan works with. */
export interface FaultContext {
  readonly world: FaultyWorld
  readonly atlas: FaultAtlas
  /** The node that the fault is about. */
  readonly id: string
  readonly node: FaultyNode
  /** The others. */
  readonly others: readonly string[]
  /** Chance of this fault alone. */
  readonly random: Random
  readonly forMs: number
  /** Runs `action` once, `afterMs` from now, unless the fault has ended by then. */
  later(afterMs: number, action: () => void): void
}

/**
 * Makes a fault, and returns what ends it. Returns undefined when there was nothing to do it to, for instance no disk:
 * then it does not count.
 */
export type FaultAction = (context: FaultContext) => Restore | undefined

/** The end of several faults at once. */
export function all(restores: readonly Restore[]): Restore {
  return () => {
    for (const restore of restores) restore()
  }
}

/** The end of a fault that is of one moment. */
export const nothing: Restore = () => undefined
