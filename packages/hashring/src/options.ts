/** A key: bytes, or a string that stands for its UTF-8 bytes. Both forms of one key have the same owner. */
export type PlacementKey = string | Uint8Array

/** Places keys, and what stands for nodes, on the circle of 2^32 positions. */
export interface PlacementHash {
  /** Names the function in the serialized form, so that two placements with different functions are never taken for equal. */
  readonly name: string
  /** A whole number from 0 to 2^32 - 1. Must be a pure function that treats a string as its UTF-8 bytes. */
  hash(key: PlacementKey): number
}

/** The nodes of a placement, as options name them. */
export interface NodesOptions {
  /** Weight of each node by its id: a node of weight 2 owns about twice what one of weight 1 owns. More than 0. Ids are 1 to 128 characters. */
  readonly nodes: Readonly<Record<string, number>>
  /** The failure domain of a node by its id. Nodes without one share the unnamed zone. Default: none. */
  readonly zones?: Readonly<Record<string, string>>
}

/** Options of `createPartitionTable`. */
export interface PartitionTableOptions extends NodesOptions {
  /**
   * Into how many partitions the keys are cut, from 1 to 1,048,576. It never changes for a table. More partitions spread finer: a node has
   * the nearest whole number of them, so 100 partitions for each node keep everybody within 1 % of its share. Default 1,024.
   */
  readonly partitions?: number
  /** On how many nodes each partition lies, from 1 to 16; on all where there are fewer. Default 3. */
  readonly replicas?: number
  /** Default MurmurHash3 x86 32-bit. */
  readonly hash?: PlacementHash
}

/** Options of `createRing`. */
export interface RingOptions extends NodesOptions {
  /** Virtual nodes of a node of weight 1, from 1 to 65,536. More give a better balance and a larger table. Default 150. */
  readonly virtualNodes?: number
  /** Default MurmurHash3 x86 32-bit. */
  readonly hash?: PlacementHash
}

/** Options of `createKetama`. An id is what libketama calls the address, as `10.0.1.1:11211`, a weight what it calls memory. */
export type KetamaOptions = NodesOptions

/** Options of `createRendezvous`. */
export interface RendezvousOptions extends NodesOptions {
  /** Default MurmurHash3 x86 32-bit. */
  readonly hash?: PlacementHash
}

/** Options of `createJump`. All weights are 1. */
export interface JumpOptions extends NodesOptions {
  /** Default MurmurHash3 x86 32-bit. */
  readonly hash?: PlacementHash
}

/** Options of `createMaglev`. */
export interface MaglevOptions extends NodesOptions {
  /** Slots of the table: a prime number up to 1,048,573, more than there are nodes. 100 for each node keep shares within 1 %. Default 65,537. */
  readonly slots?: number
  /** Default MurmurHash3 x86 32-bit. */
  readonly hash?: PlacementHash
}

/** Options of `createBoundedLoad`. */
export interface BoundedLoadOptions extends NodesOptions {
  /** How much of its fair share a node may have at most, rounded up to a slot: more than 1, at most 100. Less is more even and moves more. Default 1.25. */
  readonly loadFactor?: number
  /** Into how many slots the keys are cut, from 1 to 1,048,576. Default 16,384. */
  readonly slots?: number
  /** Virtual nodes of a node of weight 1, from 1 to 65,536. Default 150. */
  readonly virtualNodes?: number
  /** Default MurmurHash3 x86 32-bit. */
  readonly hash?: PlacementHash
}

/** What a node brings to a placement. */
export interface PlacementNodeOptions {
  /** See {@link NodesOptions.nodes}. Default 1. */
  readonly weight?: number
  /** See {@link NodesOptions.zones}. Default: the unnamed zone. */
  readonly zone?: string
}

/** One node of a placement. */
export interface PlacementNode {
  readonly id: string
  readonly weight: number
  readonly zone: string | undefined
}

/** The values used where an option is not given. */
export const PLACEMENT_DEFAULTS: {
  readonly weight: number
  readonly virtualNodes: number
  readonly partitions: number
  readonly replicas: number
  readonly maglevSlots: number
  readonly boundedSlots: number
  readonly loadFactor: number
} = Object.freeze({
  weight: 1,
  virtualNodes: 150,
  partitions: 1_024,
  replicas: 3,
  maglevSlots: 65_537,
  boundedSlots: 16_384,
  loadFactor: 1.25,
})

/** Points of one ring, all nodes together. */
export const MAX_POINTS: number = 2 ** 24
const MAX_VIRTUAL_NODES = 65_536
const MAX_ID_LENGTH = 128
const LONE_SURROGATE = /\p{Surrogate}/u

const MAX_PARTITIONS = 2 ** 20
const MAX_REPLICAS = 16

/** Throws a RangeError unless `value` is a whole number from 1 to `most`. */
export function checkWhole(name: string, value: number, most: number): number {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new RangeError(`${name} must be a whole number from 1 to ${most.toLocaleString('en')}, got ${value}`)
  }
  return value
}

export const checkPartitions = (value: number): number => checkWhole('partitions', value, MAX_PARTITIONS)

export const checkReplicas = (value: number): number => checkWhole('replicas', value, MAX_REPLICAS)

/** Throws a RangeError unless `virtualNodes` is within its limits. */
export function checkVirtualNodes(virtualNodes: number): number {
  return checkWhole('virtualNodes', virtualNodes, MAX_VIRTUAL_NODES)
}

/** Throws a RangeError unless `node` is within its limits. */
export function checkNode(node: PlacementNode): PlacementNode {
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
