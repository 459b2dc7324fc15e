import {
  checkNode,
  type NodesOptions,
  PLACEMENT_DEFAULTS,
  type PlacementNode,
  type PlacementNodeOptions,
} from '../options.ts'
import { compareIds } from './compare-ids.ts'

/** Nodes by zone, for spreading lists over zones. */
export interface ZoneTable {
  /** The zone of each node, by number. */
  readonly ofNode: Uint32Array
  /** How many nodes each zone has. */
  readonly sizes: readonly number[]
}

/**
 * The nodes of a placement, ordered by id: so the order in which they came does not show. Immutable; all strategies share it.
 */
export class NodeSet {
  readonly nodes: readonly PlacementNode[]
  readonly ids: readonly string[]
  readonly #indexes: ReadonlyMap<string, number>
  #zones: ZoneTable | undefined

  private constructor(nodes: PlacementNode[]) {
    nodes.sort((a, b) => compareIds(a.id, b.id))
    this.nodes = Object.freeze(nodes)
    this.ids = Object.freeze(nodes.map((node) => node.id))
    this.#indexes = new Map(this.ids.map((id, index) => [id, index]))
  }

  /** Throws a RangeError when an id, weight or zone is out of its limits, or a zone names a node that is not there. */
  static fromOptions(options: NodesOptions): NodeSet {
    const zones = new Map(Object.entries(options.zones ?? {}))
    const ids = new Set(Object.keys(options.nodes))
    for (const id of zones.keys()) {
      if (!ids.has(id)) throw new RangeError(`zones names ${JSON.stringify(id)}, which is not one of the nodes`)
    }
    return new NodeSet(
      Object.entries(options.nodes).map(([id, weight]) => checkNode({ id, weight, zone: zones.get(id) })),
    )
  }

  /** Throws a RangeError when a value is out of its limits or an id occurs twice. */
  static of(nodes: readonly PlacementNode[]): NodeSet {
    const set = new NodeSet(nodes.map(checkNode))
    if (set.#indexes.size !== set.ids.length) throw new RangeError('a node is named twice')
    return set
  }

  get size(): number {
    return this.ids.length
  }

  get zones(): ZoneTable {
    this.#zones ??= zoneTable(this.nodes)
    return this.#zones
  }

  get totalWeight(): number {
    return this.nodes.reduce((sum, node) => sum + node.weight, 0)
  }

  has(id: string): boolean {
    return this.#indexes.has(id)
  }

  indexOf(id: string): number | undefined {
    return this.#indexes.get(id)
  }

  /** With the node `id` as described; a node of that id is replaced. */
  with(id: string, options: PlacementNodeOptions = {}): NodeSet {
    const node = checkNode({ id, weight: options.weight ?? PLACEMENT_DEFAULTS.weight, zone: options.zone })
    return new NodeSet([...this.nodes.filter((known) => known.id !== id), node])
  }

  /** Without the node `id`; the same set when it has no such node. */
  without(id: string): NodeSet {
    return this.has(id) ? new NodeSet(this.nodes.filter((node) => node.id !== id)) : this
  }
}

function zoneTable(nodes: readonly PlacementNode[]): ZoneTable {
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
