import type { KetamaOptions, PlacementHash, PlacementKey, PlacementNode, PlacementNodeOptions } from '../options.ts'
import type { Placement } from '../placement.ts'
import { otherStrategy } from './comparable.ts'
import { diffRings, type RingDiff } from './diff.ts'
import { serializeContent } from './format.ts'
import { md5Words } from './md5.ts'
import { NodeSet } from './nodes.ts'
import { firstPointAt, type Points, sortedPoints } from './points.ts'
import { checkCount, preferenceList } from './preference.ts'
import { type RingStats, ringStats } from './stats.ts'
import { checksumOf } from './xxhash64.ts'

/** Digests of a node of average weight; each gives four points. */
const DIGESTS = 40
const utf8 = new TextEncoder()

/** The first four bytes of MD5, the lowest first: where libketama puts a key. */
export const ketamaHash: PlacementHash = Object.freeze({
  name: 'md5-ketama',
  hash: (key: PlacementKey): number => md5Words(typeof key === 'string' ? utf8.encode(key) : key)[0] as number,
})

/** How many digests a node has, in the single precision in which libketama reckons: another rounding would be another ring. */
function digestsOf(weight: number, totalWeight: number, nodes: number): number {
  const share = Math.fround(Math.fround(weight) / Math.fround(totalWeight))
  return Math.floor(Math.fround(share * DIGESTS * nodes))
}

function ketamaPoints(set: NodeSet): Points {
  const { totalWeight } = set
  const keys: number[] = []
  for (const [index, { id, weight }] of set.nodes.entries()) {
    const digests = digestsOf(weight, totalWeight, set.size)
    // The number has no dash, so what stands before the last one is the id: no two pairs have one name.
    for (let number = 0; number < digests; number++) {
      for (const word of md5Words(utf8.encode(`${id}-${number}`))) keys.push(word * 2 ** 21 + index)
    }
  }
  return sortedPoints(Float64Array.from(keys))
}

/**
 * The ring of libketama, point for point, for caches that share keys with clients in other languages. How many points a node has depends on all weights
 * and the number of nodes, so a join may also move a few keys between nodes that stay. Where two points meet, the smaller id has it.
 */
export class KetamaRing implements Placement {
  readonly strategy = 'ketama'
  readonly #set: NodeSet
  readonly #points: Points
  #checksum: string | undefined

  /** Use `createKetama`. */
  constructor(set: NodeSet) {
    this.#set = set
    this.#points = ketamaPoints(set)
  }

  get nodes(): readonly PlacementNode[] {
    return this.#set.nodes
  }

  /** Where `key` lies on the circle. */
  position(key: PlacementKey): number {
    return ketamaHash.hash(key)
  }

  owner(key: PlacementKey): string | undefined {
    const { positions, nodeIndexes } = this.#points
    if (positions.length === 0) return undefined
    return this.#set.ids[nodeIndexes[firstPointAt(this.#points, ketamaHash.hash(key))] as number]
  }

  /** See {@link Placement.owners}; a node whose weight is too small for a point is in no list. */
  owners(key: PlacementKey, count: number): string[] {
    checkCount(count)
    const placed = this.#placed()
    const list = preferenceList(placed.points, placed.set.zones, ketamaHash.hash(key), count)
    return list.map((index) => placed.set.ids[index] as string)
  }

  /** The nodes that have points, and the points as indexes of these. */
  #placed(): { set: NodeSet; points: Points } {
    const present = [...new Set(this.#points.nodeIndexes)].sort((a, b) => a - b)
    if (present.length === this.#set.size) return { set: this.#set, points: this.#points }
    const renumbered = new Map(present.map((index, at) => [index, at]))
    const nodeIndexes = this.#points.nodeIndexes.map((index) => renumbered.get(index) as number)
    const set = NodeSet.of(present.map((index) => this.nodes[index] as PlacementNode))
    return { set, points: { ...this.#points, nodeIndexes } }
  }

  has(id: string): boolean {
    return this.#set.has(id)
  }

  with(id: string, options: PlacementNodeOptions = {}): KetamaRing {
    return new KetamaRing(this.#set.with(id, options))
  }

  without(id: string): KetamaRing {
    return this.has(id) ? new KetamaRing(this.#set.without(id)) : this
  }

  diff(next: Placement): RingDiff {
    if (!(next instanceof KetamaRing)) throw otherStrategy(this, next)
    return diffRings({ nodes: this.nodes, points: this.#points }, { nodes: next.nodes, points: next.#points })
  }

  stats(): RingStats {
    const { totalWeight, size } = this.#set
    return ringStats(
      { nodes: this.nodes, points: this.#points },
      ({ weight }) => 4 * digestsOf(weight, totalWeight, size),
    )
  }

  serialize(): string {
    return serializeContent('ketama', { hash: ketamaHash.name }, this.nodes)
  }

  get checksum(): string {
    this.#checksum ??= checksumOf(this.serialize())
    return this.#checksum
  }
}

/** Makes a ring that agrees with libketama on every key. Throws a RangeError when an id, weight or zone is out of its limits. */
export function createKetama(options: KetamaOptions): KetamaRing {
  return new KetamaRing(NodeSet.fromOptions(options))
}
