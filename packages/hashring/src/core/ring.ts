import {
  checkVirtualNodes,
  PLACEMENT_DEFAULTS,
  type PlacementHash,
  type PlacementKey,
  type PlacementNode,
  type PlacementNodeOptions,
  type RingOptions,
} from '../options.ts'
import type { Placement } from '../placement.ts'
import { assertSameHash, otherStrategy } from './comparable.ts'
import { diffRings, type RingDiff } from './diff.ts'
import {
  assertHash,
  assertStrategy,
  type Content,
  nodesField,
  numberField,
  parseContent,
  serializeContent,
  withinLimits,
} from './format.ts'
import { murmur3, signedPosition } from './murmur3.ts'
import { NodeSet } from './nodes.ts'
import { firstPointAt, type Points, placePoints, virtualNodeCount } from './points.ts'
import { checkCount, preferenceList } from './preference.ts'
import { type RingStats, ringStats } from './stats.ts'
import { checksumOf } from './xxhash64.ts'

/**
 * A consistent-hash ring (Karger et al. 1997) with weighted virtual nodes. It never changes: `with` and `without` make new
 * rings. Two rings of the same nodes, weights, zones, `virtualNodes` and hash are equal in all they say, in whatever
 * order the nodes came.
 */
export class Ring implements Placement {
  readonly strategy = 'ring'
  readonly virtualNodes: number
  readonly #set: NodeSet
  readonly #hash: PlacementHash
  readonly #points: Points
  #checksum: string | undefined

  /** Use `createRing`. */
  constructor(set: NodeSet, virtualNodes: number, hash: PlacementHash) {
    this.virtualNodes = virtualNodes
    this.#set = set
    this.#hash = hash
    this.#points = placePoints(set.nodes, virtualNodes, hash)
  }

  /** Ordered by id. */
  get nodes(): readonly PlacementNode[] {
    return this.#set.nodes
  }

  /** Where `key` lies on the circle: a whole number from 0 to 2^32 - 1. The ranges of {@link Ring.diff} speak of it. */
  position(key: PlacementKey): number {
    return this.#hash.hash(key)
  }

  /** The id of the node that owns `key`; `undefined` on an empty ring. Allocates nothing. */
  owner(key: PlacementKey): string | undefined {
    const { positions, nodeIndexes } = this.#points
    if (positions.length === 0) return undefined
    return this.#set.ids[nodeIndexes[firstPointAt(this.#points, signedPosition(this.#hash, key) >>> 0)] as number]
  }

  /**
   * The preference list of `key`: `count` distinct nodes, or all when there are fewer, the owner first. Zones are spread
   * first: no zone appears a second time before every zone with nodes left has appeared.
   */
  owners(key: PlacementKey, count: number): string[] {
    checkCount(count)
    const list = preferenceList(this.#points, this.#set.zones, this.#hash.hash(key), count)
    return list.map((index) => this.#set.ids[index] as string)
  }

  /** Whether a node of this id is in the ring. */
  has(id: string): boolean {
    return this.#set.has(id)
  }

  /** A ring that has the node `id` as described; a node of that id is replaced. */
  with(id: string, options: PlacementNodeOptions = {}): Ring {
    return new Ring(this.#set.with(id, options), this.virtualNodes, this.#hash)
  }

  /** A ring without the node `id`; this ring when it has no such node. */
  without(id: string): Ring {
    return this.has(id) ? new Ring(this.#set.without(id), this.virtualNodes, this.#hash) : this
  }

  /**
   * What changes its owner from this ring to `next`: the exact ranges of positions, from whom, to whom, and the share.
   * Throws a RangeError when `next` is no ring, or places keys with another hash function.
   */
  diff(next: Placement): RingDiff {
    if (!(next instanceof Ring)) throw otherStrategy(this, next)
    assertSameHash(this.#hash, next.#hash)
    return diffRings({ nodes: this.nodes, points: this.#points }, { nodes: next.nodes, points: next.#points })
  }

  /** How evenly the positions are spread, measured exactly. */
  stats(): RingStats {
    return ringStats({ nodes: this.nodes, points: this.#points }, ({ weight }) =>
      virtualNodeCount(weight, this.virtualNodes),
    )
  }

  /** The full content as one canonical text, for `parseRing`. */
  serialize(): string {
    return serializeContent('ring', { hash: this.#hash.name, virtualNodes: this.virtualNodes }, this.nodes)
  }

  /** XXH64 of the serialized form, as 16 hexadecimal digits: equal rings have equal checksums. Not a signature. */
  get checksum(): string {
    this.#checksum ??= checksumOf(this.serialize())
    return this.#checksum
  }
}

/**
 * Makes a ring. Throws a RangeError when an id, weight, zone or `virtualNodes` is out of its limits, or a zone names a node that
 * is not there. A ring may be empty.
 */
export function createRing(options: RingOptions): Ring {
  const virtualNodes = checkVirtualNodes(options.virtualNodes ?? PLACEMENT_DEFAULTS.virtualNodes)
  return new Ring(NodeSet.fromOptions(options), virtualNodes, options.hash ?? murmur3)
}

/**
 * Reads a ring that `serialize` wrote. Throws PlacementFormatError (`DSYS_HASHRING_FORMAT`) on anything else, and when the ring was made
 * with another hash function than `hash` (default MurmurHash3 x86 32-bit).
 */
export function parseRing(text: string, options: { readonly hash?: PlacementHash } = {}): Ring {
  return ringFromContent(parseContent(text), options.hash ?? murmur3)
}

export function ringFromContent(content: Content, hash: PlacementHash): Ring {
  assertStrategy(content, 'ring')
  assertHash(content, hash)
  const virtualNodes = numberField(content, 'virtualNodes')
  const set = nodesField(content)
  return withinLimits(() => new Ring(set, checkVirtualNodes(virtualNodes), hash))
}
