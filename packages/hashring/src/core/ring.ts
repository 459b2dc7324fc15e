import { RingFormatError } from '../errors.ts'
import {
  checkNode,
  checkVirtualNodes,
  RING_DEFAULTS,
  type RingHash,
  type RingKey,
  type RingNode,
  type RingNodeOptions,
  type RingOptions,
} from '../options.ts'
import { compareIds, diffRings, type RingDiff } from './diff.ts'
import { parseContent, serializeContent } from './format.ts'
import { murmur3Bytes, murmur3String } from './murmur3.ts'
import { firstPointAt, type Points, placePoints } from './points.ts'
import { preferenceList } from './preference.ts'
import { type RingStats, ringStats } from './stats.ts'
import { xxHash64 } from './xxhash64.ts'

/** The default hash: MurmurHash3 x86 32-bit with seed 0. */
export const murmur3: RingHash = Object.freeze({
  name: 'murmur3-x86-32',
  hash: (key: RingKey): number => (typeof key === 'string' ? murmur3String(key) : murmur3Bytes(key)),
})

interface ZoneTable {
  readonly ofNode: Uint32Array
  readonly sizes: readonly number[]
}

function zoneTable(nodes: readonly RingNode[]): ZoneTable {
  const indexes = new Map<string | undefined, number>()
  const sizes: number[] = []
  const ofNode = new Uint32Array(nodes.length)
  for (const [i, { zone }] of nodes.entries()) {
    const index = indexes.get(zone) ?? sizes.length
    indexes.set(zone, index)
    sizes[index] = (sizes[index] ?? 0) + 1
    ofNode[i] = index
  }
  return { ofNode, sizes }
}

/**
 * A consistent-hash ring (Karger et al. 1997) with weighted virtual nodes. It never changes: `with` and `without` make new
 * rings. Two rings of the same nodes, weights, zones, `virtualNodes` and hash are equal in all they say, in whatever
 * order the nodes came.
 */
export class Ring {
  /** Ordered by id. */
  readonly nodes: readonly RingNode[]
  readonly virtualNodes: number
  readonly #hash: RingHash
  readonly #points: Points
  readonly #zones: ZoneTable
  readonly #ids: readonly string[]
  #checksum: string | undefined

  /** Use `createRing`. The nodes must be checked, distinct and ordered by id. */
  constructor(nodes: readonly RingNode[], virtualNodes: number, hash: RingHash) {
    this.nodes = Object.freeze(nodes)
    this.virtualNodes = virtualNodes
    this.#hash = hash
    this.#points = placePoints(nodes, virtualNodes, hash)
    this.#zones = zoneTable(nodes)
    this.#ids = nodes.map((node) => node.id)
  }

  /** Where `key` lies on the circle: a whole number from 0 to 2^32 - 1. The ranges of {@link Ring.diff} speak of it. */
  position(key: RingKey): number {
    return this.#hash.hash(key)
  }

  /** The id of the node that owns `key`; `undefined` on an empty ring. Allocates nothing. */
  owner(key: RingKey): string | undefined {
    const { positions, nodeIndexes } = this.#points
    if (positions.length === 0) return undefined
    return this.#ids[nodeIndexes[firstPointAt(positions, this.#hash.hash(key))] as number]
  }

  /**
   * The preference list of `key`: `count` distinct nodes, or all when there are fewer, the owner first. Zones are spread
   * first: no zone appears a second time before every zone with nodes left has appeared.
   */
  owners(key: RingKey, count: number): string[] {
    if (!Number.isInteger(count) || count < 1) throw new RangeError(`count must be a whole number from 1, got ${count}`)
    const { ofNode, sizes } = this.#zones
    const list = preferenceList(this.#points, ofNode, sizes, this.#hash.hash(key), count)
    return list.map((index) => this.#ids[index] as string)
  }

  /** Whether a node of this id is in the ring. */
  has(id: string): boolean {
    return this.#ids.includes(id)
  }

  /** A ring that has the node `id` as described; a node of that id is replaced. */
  with(id: string, options: RingNodeOptions = {}): Ring {
    const node = checkNode({ id, weight: options.weight ?? RING_DEFAULTS.weight, zone: options.zone })
    return this.#next([...this.nodes.filter((known) => known.id !== id), node])
  }

  /** A ring without the node `id`; this ring when it has no such node. */
  without(id: string): Ring {
    return this.has(id) ? this.#next(this.nodes.filter((node) => node.id !== id)) : this
  }

  #next(nodes: RingNode[]): Ring {
    return new Ring(
      nodes.sort((a, b) => compareIds(a.id, b.id)),
      this.virtualNodes,
      this.#hash,
    )
  }

  /**
   * What changes its owner from this ring to `next`: the exact ranges of positions, from whom, to whom, and the share.
   * Throws a RangeError when the two rings place keys with different hash functions.
   */
  diff(next: Ring): RingDiff {
    if (next.#hash.name !== this.#hash.name) {
      throw new RangeError(`cannot compare a ring over "${this.#hash.name}" with one over "${next.#hash.name}"`)
    }
    return diffRings({ nodes: this.nodes, points: this.#points }, { nodes: next.nodes, points: next.#points })
  }

  /** How evenly the positions are spread, measured exactly. */
  stats(): RingStats {
    return ringStats({ nodes: this.nodes, points: this.#points }, this.virtualNodes)
  }

  /** The full content as one canonical text, for `parseRing`. */
  serialize(): string {
    return serializeContent({ hashName: this.#hash.name, virtualNodes: this.virtualNodes, nodes: this.nodes })
  }

  /** XXH64 of the serialized form, as 16 hexadecimal digits: equal rings have equal checksums. Not a signature. */
  get checksum(): string {
    this.#checksum ??= xxHash64(new TextEncoder().encode(this.serialize())).toString(16).padStart(16, '0')
    return this.#checksum
  }
}

/**
 * Makes a ring. Throws a RangeError when an id, weight, zone or `virtualNodes` is out of its limits, or a zone names a node that
 * is not there. A ring may be empty.
 */
export function createRing(options: RingOptions): Ring {
  const zones = new Map(Object.entries(options.zones ?? {}))
  const nodes = Object.entries(options.nodes).map(([id, weight]) => checkNode({ id, weight, zone: zones.get(id) }))
  const ids = new Set(nodes.map((node) => node.id))
  for (const id of zones.keys()) {
    if (!ids.has(id)) throw new RangeError(`zones names ${JSON.stringify(id)}, which is not one of the nodes`)
  }
  const virtualNodes = checkVirtualNodes(options.virtualNodes ?? RING_DEFAULTS.virtualNodes)
  return new Ring(
    nodes.sort((a, b) => compareIds(a.id, b.id)),
    virtualNodes,
    options.hash ?? murmur3,
  )
}

/**
 * Reads a ring that `serialize` wrote. Throws RingFormatError (`DSYS_HASHRING_FORMAT`) on anything else, and when the ring was made
 * with another hash function than `hash` (default MurmurHash3 x86 32-bit).
 */
export function parseRing(text: string, options: { readonly hash?: RingHash } = {}): Ring {
  const hash = options.hash ?? murmur3
  const content = parseContent(text)
  if (content.hashName !== hash.name)
    throw new RingFormatError(`it uses hash "${content.hashName}", not "${hash.name}"`)
  if (new Set(content.nodes.map((node) => node.id)).size !== content.nodes.length) {
    throw new RingFormatError('it names a node twice')
  }
  try {
    const nodes = content.nodes.map(checkNode).sort((a, b) => compareIds(a.id, b.id))
    return new Ring(nodes, checkVirtualNodes(content.virtualNodes), hash)
  } catch (cause) {
    throw new RingFormatError('a value is out of its limits', cause)
  }
}
