import type { PlacementHash, PlacementKey, PlacementNode, PlacementNodeOptions } from '../options.ts'
import type {
  Placement,
  PlacementDiff,
  PlacementMove,
  PlacementNodeStats,
  PlacementStats,
  PlacementStrategy,
} from '../placement.ts'
import { assertSameHash, otherStrategy } from './comparable.ts'
import { compareIds } from './compare-ids.ts'
import { type Content, serializeContent } from './format.ts'
import { signedPosition } from './murmur3.ts'
import type { NodeSet } from './nodes.ts'
import { checkCount, spread } from './preference.ts'
import { ratiosOf } from './stats.ts'
import { checksumOf } from './xxhash64.ts'

/** Positions that are looked at where there are no ranges to compute with. */
const SAMPLES = 65_536

/**
 * What the strategies share that compute an owner from the position of a key. Their shares are measured by asking: exactly where every key belongs to one of
 * few slots, else over evenly spaced positions.
 */
export abstract class MeasuredPlacement implements Placement {
  abstract readonly strategy: PlacementStrategy
  protected readonly set: NodeSet
  protected readonly hash: PlacementHash
  /** How many slots there are, if every position of one has the same owners. */
  protected readonly slots: number | undefined
  #checksum: string | undefined

  constructor(set: NodeSet, hash: PlacementHash, slots?: number) {
    this.set = set
    this.hash = hash
    this.slots = slots
  }

  /** The index of the node that owns a position. There is at least one node. */
  protected abstract indexAt(position: number): number
  /** The indexes of nodes in the order of preference for a position, the owner first; they may repeat, and all come at some time. */
  protected abstract candidatesAt(position: number): Iterable<number>
  /** What it is made of, besides its nodes and the hash. */
  protected abstract fields(): Content
  protected abstract made(set: NodeSet): this

  get nodes(): readonly PlacementNode[] {
    return this.set.nodes
  }

  owner(key: PlacementKey): string | undefined {
    return this.set.size === 0 ? undefined : this.set.ids[this.indexAt(signedPosition(this.hash, key) >>> 0)]
  }

  owners(key: PlacementKey, count: number): string[] {
    checkCount(count)
    if (this.set.size === 0) return []
    const list = spread(this.candidatesAt(this.hash.hash(key)), this.set.zones, count)
    return list.map((index) => this.set.ids[index] as string)
  }

  has(id: string): boolean {
    return this.set.has(id)
  }

  with(id: string, options: PlacementNodeOptions = {}): this {
    return this.made(this.set.with(id, options))
  }

  without(id: string): this {
    return this.has(id) ? this.made(this.set.without(id)) : this
  }

  diff(next: Placement): PlacementDiff {
    if (!(next instanceof MeasuredPlacement) || next.strategy !== this.strategy || next.slots !== this.slots) {
      throw otherStrategy(this, next)
    }
    assertSameHash(this.hash, next.hash)
    const counts = new Map<string, { from: string | undefined; to: string | undefined; count: number }>()
    const total = this.slots ?? SAMPLES
    let moved = 0
    for (let i = 0; i < total; i++) {
      const [from, to] = [this.#idAt(i, total), next.#idAt(i, total)]
      if (from === to) continue
      moved += 1
      const pair = JSON.stringify([from ?? null, to ?? null])
      const move = counts.get(pair) ?? { from, to, count: 0 }
      counts.set(pair, move)
      move.count += 1
    }
    const moves = [...counts.values()].map(({ from, to, count }): PlacementMove => ({ from, to, share: count / total }))
    moves.sort((a, b) => compareIds(a.from, b.from) || compareIds(a.to, b.to))
    return { movedShare: moved / total, moves, isExact: this.slots !== undefined }
  }

  /** The owner of the i-th of `total` slots or samples: of the position in the middle of it. */
  #idAt(i: number, total: number): string | undefined {
    if (this.set.size === 0) return undefined
    return this.set.ids[this.indexAt(Math.floor(((i + 0.5) * 2 ** 32) / total))]
  }

  stats(): PlacementStats {
    const total = this.slots ?? SAMPLES
    const counts = new Map<string | undefined, number>()
    for (let i = 0; i < total; i++) {
      const id = this.#idAt(i, total)
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    const { totalWeight } = this.set
    const nodes = this.nodes.map(
      (node): PlacementNodeStats => ({
        ...node,
        share: (counts.get(node.id) ?? 0) / total,
        fairShare: node.weight / totalWeight,
      }),
    )
    return { nodes, ...ratiosOf(nodes), isExact: this.slots !== undefined }
  }

  serialize(): string {
    return serializeContent(this.strategy, { hash: this.hash.name, ...this.fields() }, this.nodes)
  }

  get checksum(): string {
    this.#checksum ??= checksumOf(this.serialize())
    return this.#checksum
  }
}
