import type { PlacementKey, PlacementNode, PlacementNodeOptions } from './options.ts'

/** What goes from one owner to another. */
export interface PlacementMove {
  /** `undefined` when the earlier placement was empty. */
  readonly from: string | undefined
  /** `undefined` when the later placement is empty. */
  readonly to: string | undefined
  /** Share of all keys, from 0 to 1. */
  readonly share: number
}

/** How the owners of two placements differ. */
export interface PlacementDiff {
  /** Share of all keys whose owner changes, from 0 to 1. */
  readonly movedShare: number
  /** One entry for each pair of owners, ordered by `from`, then `to`. */
  readonly moves: readonly PlacementMove[]
  /** Whether the shares are exact; else they are counted over 65,536 positions, and off by about 1/256 of the root of a share. */
  readonly isExact: boolean
}

/** How one node fares. */
export interface PlacementNodeStats {
  readonly id: string
  readonly weight: number
  readonly zone: string | undefined
  /** Share of all keys that it owns, from 0 to 1. */
  readonly share: number
  /** The share that its weight entitles it to. */
  readonly fairShare: number
}

/** How evenly a placement spreads the keys. */
export interface PlacementStats {
  readonly nodes: readonly PlacementNodeStats[]
  /** The greatest `share / fairShare` of a node: 1 is perfect, 0 means an empty placement. */
  readonly peakToFair: number
  /** The smallest `share / fairShare` of a node. */
  readonly lowToFair: number
  /** See {@link PlacementDiff.isExact}. */
  readonly isExact: boolean
}

/**
 * Which nodes have which keys: what all strategies have in common. A placement never changes; `with` and `without` make new ones. It
 * is a value: equal content gives equal answers, on every machine.
 */
export interface Placement {
  /** Which strategy it is. */
  readonly strategy: PlacementStrategy
  /** Ordered by id. */
  readonly nodes: readonly PlacementNode[]
  /** XXH64 of the serialized form, as 16 hexadecimal digits: equal placements have equal checksums. Not a signature. */
  readonly checksum: string
  /** The id of the node that owns `key`; `undefined` when there are no nodes. */
  owner(key: PlacementKey): string | undefined
  /**
   * The preference list of `key`: `count` distinct nodes, or as many as there are, the owner first. No zone appears a second time before
   * every zone with nodes left has appeared. Throws a RangeError unless `count` is a whole number from 1.
   */
  owners(key: PlacementKey, count: number): string[]
  /** Whether a node of this id is in it. */
  has(id: string): boolean
  /** One that has the node `id` as described; a node of that id is replaced. */
  with(id: string, options?: PlacementNodeOptions): Placement
  /** One without the node `id`; this one when it has no such node. */
  without(id: string): Placement
  /** What changes its owner from this placement to `next`. Throws a RangeError when they cannot be compared: other strategy or other hash function. */
  diff(next: Placement): PlacementDiff
  /** How evenly the keys are spread. */
  stats(): PlacementStats
  /** The full content as one canonical text, for `parsePlacement`. */
  serialize(): string
}

/** The names of the strategies, as a serialized placement has them. */
export type PlacementStrategy =
  | 'ring'
  | 'partition-table'
  | 'ketama'
  | 'rendezvous'
  | 'jump'
  | 'maglev'
  | 'bounded-load'
