/** A key: bytes, or a string that stands for its UTF-8 bytes. Both forms of one key have the same owner. */
export type RingKey = string | Uint8Array

/** Places keys and virtual nodes on the circle of 2^32 positions. */
export interface RingHash {
  /** Names the function in the serialized form, so that two rings with different functions are never taken for equal. */
  readonly name: string
  /** A whole number from 0 to 2^32 - 1. Must be a pure function that treats a string as its UTF-8 bytes. */
  hash(key: RingKey): number
}

/** Options of `createRing`. */
export interface RingOptions {
  /**
   * Weight of each node by its id: a node of weight 2 owns about twice what one of weight 1 owns. More than 0; a node always
   * has at least one virtual node. Ids are 1 to 128 characters.
   */
  readonly nodes: Readonly<Record<string, number>>
  /** The failure domain of a node by its id. Nodes without one share the unnamed zone. Default: none. */
  readonly zones?: Readonly<Record<string, string>>
  /** Virtual nodes of a node of weight 1, from 1 to 65,536. More give a better balance and a larger table. Default 150. */
  readonly virtualNodes?: number
  /** Default MurmurHash3 x86 32-bit. */
  readonly hash?: RingHash
}

/** What a node brings to the ring. */
export interface RingNodeOptions {
  /** See {@link RingOptions.nodes}. Default 1. */
  readonly weight?: number
  /** See {@link RingOptions.zones}. Default: the unnamed zone. */
  readonly zone?: string
}

/** One node of a ring. */
export interface RingNode {
  readonly id: string
  readonly weight: number
  readonly zone: string | undefined
}

/** The values used where an option is not given. */
export const RING_DEFAULTS: { readonly virtualNodes: number; readonly weight: number } = Object.freeze({
  virtualNodes: 150,
  weight: 1,
})

/** Points of one ring, all nodes together. */
export const MAX_POINTS: number = 2 ** 24
const MAX_VIRTUAL_NODES = 65_536
const MAX_ID_LENGTH = 128
const LONE_SURROGATE = /\p{Surrogate}/u

/** Throws a RangeError unless `virtualNodes` is within its limits. */
export function checkVirtualNodes(virtualNodes: number): number {
  if (!Number.isInteger(virtualNodes) || virtualNodes < 1 || virtualNodes > MAX_VIRTUAL_NODES) {
    throw new RangeError(`virtualNodes must be a whole number from 1 to ${MAX_VIRTUAL_NODES}, got ${virtualNodes}`)
  }
  return virtualNodes
}

/** Throws a RangeError unless `node` is within its limits. */
export function checkNode(node: RingNode): RingNode {
  const { id, weight, zone } = node
  if (typeof id !== 'string' || id.length === 0 || id.length > MAX_ID_LENGTH || LONE_SURROGATE.test(id)) {
    throw new RangeError(
      `a node id must be 1 to ${MAX_ID_LENGTH} characters without a lone surrogate: ${JSON.stringify(id)}`,
    )
  }
  if (typeof weight !== 'number' || !Number.isFinite(weight) || weight <= 0) {
    throw new RangeError(`the weight of node ${JSON.stringify(id)} must be a number above 0, got ${weight}`)
  }
  if (zone !== undefined && (typeof zone !== 'string' || zone.length === 0 || LONE_SURROGATE.test(zone))) {
    throw new RangeError(`the zone of node ${JSON.stringify(id)} must be text of at least one character`)
  }
  return Object.freeze({ id, weight, zone })
}
