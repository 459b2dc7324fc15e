import { PlacementFormatError } from '../../errors.ts'
import {
  checkPartitions,
  checkReplicas,
  type PartitionTableOptions,
  PLACEMENT_DEFAULTS,
  type PlacementHash,
  type PlacementKey,
  type PlacementNode,
  type PlacementNodeOptions,
} from '../../options.ts'
import type { Placement } from '../../placement.ts'
import { assertSameHash, otherStrategy } from '../comparable.ts'
import {
  assertHash,
  assertStrategy,
  type Content,
  nodesField,
  numberField,
  parseContent,
  serializeContent,
  withinLimits,
} from '../format.ts'
import { murmur3, signedPosition } from '../murmur3.ts'
import { NodeSet } from '../nodes.ts'
import { checkCount } from '../preference.ts'
import { checksumOf } from '../xxhash64.ts'
import { zoneRule } from '../zones.ts'
import { EMPTY, type Problem } from './assignment.ts'
import { freshRows } from './fresh.ts'
import { orderPlaces } from './places.ts'
import { fairQuotas } from './quotas.ts'
import { rebalance } from './rebalance.ts'
import { diffTables, type TableDiff, type TableSide } from './table-diff.ts'
import { type TableStats, tableStats } from './table-stats.ts'

/** What changes at once in a partition table. */
export interface TableChange {
  /** Nodes that come, or are there and get another weight or zone. */
  readonly join?: Readonly<Record<string, PlacementNodeOptions>>
  /** Nodes that go. Whoever is not there is passed over. */
  readonly leave?: readonly string[]
  /** Another number of replicas. */
  readonly replicas?: number
}

interface TableContent {
  readonly set: NodeSet
  readonly partitions: number
  readonly replicas: number
  readonly hash: PlacementHash
  /** The holders, as indexes of nodes, `width` for each partition. */
  readonly rows: Int32Array
}

/**
 * A fixed number of partitions, each with its preference list: the placement for data. Every node has the whole number of replicas next to
 * its fair share, replicas of a partition are spread over zones, and a change moves as few replicas as any table with these
 * properties allows. A table depends on the one that it was made from, so a cluster agrees on one and passes it on; see {@link Placement}.
 */
export class PartitionTable implements Placement {
  readonly strategy = 'partition-table'
  /** How many partitions there are. */
  readonly partitions: number
  /** How many replicas each partition shall have. */
  readonly replicas: number
  readonly #set: NodeSet
  readonly #hash: PlacementHash
  readonly #rows: Int32Array
  /** How many replicas each partition has: fewer than it shall where there are fewer nodes. */
  readonly #width: number
  #checksum: string | undefined

  /** Use `createPartitionTable`. */
  constructor({ set, partitions, replicas, hash, rows }: TableContent) {
    this.partitions = partitions
    this.replicas = replicas
    this.#set = set
    this.#hash = hash
    this.#rows = rows
    this.#width = Math.min(replicas, set.size)
  }

  /** Ordered by id. */
  get nodes(): readonly PlacementNode[] {
    return this.#set.nodes
  }

  /** The partition of `key`: a whole number from 0 to `partitions` - 1. Allocates nothing. */
  partition(key: PlacementKey): number {
    return Math.floor(((signedPosition(this.#hash, key) >>> 0) * this.partitions) / 2 ** 32)
  }

  /** The id of the node that comes first for `key`; `undefined` when there are no nodes. Allocates nothing. */
  owner(key: PlacementKey): string | undefined {
    return this.#set.ids[this.#rows[this.partition(key) * this.#width] as number]
  }

  /** The first `count` holders of the partition of `key`: at most `replicas` of them. See {@link Placement.owners}. */
  owners(key: PlacementKey, count: number): string[] {
    checkCount(count)
    return this.holders(this.partition(key)).slice(0, count)
  }

  /** The preference list of a partition. */
  holders(partition: number): string[] {
    if (!Number.isInteger(partition) || partition < 0 || partition >= this.partitions) {
      throw new RangeError(`partition must be a whole number from 0 to ${this.partitions - 1}, got ${partition}`)
    }
    const first = partition * this.#width
    return Array.from(this.#rows.subarray(first, first + this.#width), (node) => this.#set.ids[node] as string)
  }

  has(id: string): boolean {
    return this.#set.has(id)
  }

  /** A table that has the node `id` as described; a node of that id is replaced. */
  with(id: string, options: PlacementNodeOptions = {}): PartitionTable {
    return this.change({ join: { [id]: options } })
  }

  /** A table without the node `id`; this one when it has no such node. */
  without(id: string): PartitionTable {
    return this.has(id) ? this.change({ leave: [id] }) : this
  }

  /**
   * A table after all of `change` at once, whatever order it is written in. It moves as few replicas as possible for the change as a whole, which
   * may be fewer than its parts move one after the other. Throws a RangeError when a value is out of its limits, or a node both comes and goes.
   */
  change(change: TableChange): PartitionTable {
    let set = this.#set
    for (const id of change.leave ?? []) {
      if (change.join !== undefined && Object.hasOwn(change.join, id)) {
        throw new RangeError(`node ${JSON.stringify(id)} cannot come and go in one change`)
      }
      set = set.without(id)
    }
    for (const [id, options] of Object.entries(change.join ?? {})) set = set.with(id, options)
    const replicas = checkReplicas(change.replicas ?? this.replicas)
    const { partitions } = this
    const problem = problemOf(set, partitions, replicas)
    const old = Int32Array.from(this.#rows, (node) => set.indexOf(this.#set.ids[node] as string) ?? EMPTY)
    const withOld = { ...problem, old, oldWidth: this.#width }
    // The first nodes of a table have nobody to spare, so the way that never ends in a corner serves.
    const rows = old.some((node) => node !== EMPTY) ? rebalance(withOld) : fresh(set, problem)
    orderPlaces(rows, withOld)
    return new PartitionTable({ set, partitions, replicas, hash: this.#hash, rows })
  }

  /**
   * What changes from this table to `next`: first owners, and every replica that moves. Throws a RangeError when `next` is no partition table, or has
   * another number of partitions or another hash function.
   */
  diff(next: Placement): TableDiff {
    if (!(next instanceof PartitionTable)) throw otherStrategy(this, next)
    assertSameHash(this.#hash, next.#hash)
    if (next.partitions !== this.partitions) {
      throw new RangeError(`cannot compare a table of ${this.partitions} partitions with one of ${next.partitions}`)
    }
    return diffTables(this.#side(), next.#side())
  }

  #side(): TableSide {
    return {
      partitions: this.partitions,
      width: this.#width,
      holders: (partition) => this.holders(partition),
      zoneOf: (id) => this.nodes[this.#set.indexOf(id) ?? EMPTY]?.zone,
    }
  }

  /** How evenly partitions are spread, exactly. */
  stats(): TableStats {
    const { quotas } = problemOf(this.#set, this.partitions, this.replicas)
    return tableStats(this.nodes, this.#rows, quotas.fair, this.partitions, this.#width)
  }

  /** The full content as one canonical text, for `parsePartitionTable`: it has the holders of every partition. */
  serialize(): string {
    const fields = { hash: this.#hash.name, partitions: this.partitions, replicas: this.replicas }
    return serializeContent('partition-table', { ...fields, holders: Array.from(this.#rows) }, this.nodes)
  }

  get checksum(): string {
    this.#checksum ??= checksumOf(this.serialize())
    return this.#checksum
  }
}

function problemOf(set: NodeSet, partitions: number, replicas: number): Omit<Problem, 'old' | 'oldWidth'> {
  const width = Math.min(replicas, set.size)
  const rule = zoneRule(set.zones.sizes, width)
  return { partitions, width, zones: set.zones, rule, quotas: fairQuotas(set, rule, partitions, width) }
}

function fresh(set: NodeSet, { rule, quotas, partitions, width }: Omit<Problem, 'old' | 'oldWidth'>): Int32Array {
  return freshRows(set, rule, quotas, partitions, width)
}

/**
 * Makes a first table of nodes, whose order does not matter. Later tables come from {@link PartitionTable.change}, `with` and `without`, so that little
 * moves. Throws a RangeError when an id, weight, zone, `partitions` or `replicas` is out of its limits, or a zone names a node that is not
 * there. A table may have no nodes.
 */
export function createPartitionTable(options: PartitionTableOptions): PartitionTable {
  const set = NodeSet.fromOptions(options)
  const partitions = checkPartitions(options.partitions ?? PLACEMENT_DEFAULTS.partitions)
  const replicas = checkReplicas(options.replicas ?? PLACEMENT_DEFAULTS.replicas)
  const problem = problemOf(set, partitions, replicas)
  const rows = fresh(set, problem)
  orderPlaces(rows, { ...problem, old: new Int32Array(0), oldWidth: 0 })
  return new PartitionTable({ set, partitions, replicas, hash: options.hash ?? murmur3, rows })
}

/**
 * Reads a table that `serialize` wrote. Throws PlacementFormatError (`DSYS_HASHRING_FORMAT`) on anything else, and when it was made with
 * another hash function than `hash` (default MurmurHash3 x86 32-bit).
 */
export function parsePartitionTable(text: string, options: { readonly hash?: PlacementHash } = {}): PartitionTable {
  return tableFromContent(parseContent(text), options.hash ?? murmur3)
}

export function tableFromContent(content: Content, hash: PlacementHash): PartitionTable {
  assertStrategy(content, 'partition-table')
  assertHash(content, hash)
  const set = nodesField(content)
  const [partitions, replicas] = withinLimits(() => [
    checkPartitions(numberField(content, 'partitions')),
    checkReplicas(numberField(content, 'replicas')),
  ])
  const rows = rowsField(content, set.size, partitions, Math.min(replicas, set.size))
  return new PartitionTable({ set, partitions, replicas, hash, rows })
}

function rowsField(content: Content, nodes: number, partitions: number, width: number): Int32Array {
  const holders = content['holders']
  if (!Array.isArray(holders)) throw new PlacementFormatError('"holders" is missing or not a list')
  if (holders.length !== partitions * width) {
    throw new PlacementFormatError(
      `it has ${holders.length} holders, not ${width} for each of ${partitions} partitions`,
    )
  }
  const rows = new Int32Array(holders.length)
  for (const [slot, node] of holders.entries()) {
    if (!Number.isInteger(node) || node < 0 || node >= nodes) {
      throw new PlacementFormatError(`a holder is ${JSON.stringify(node)}, which is no node`)
    }
    const first = slot - (slot % width)
    if (rows.subarray(first, slot).includes(node)) {
      throw new PlacementFormatError(`partition ${Math.floor(slot / width)} has a node twice`)
    }
    rows[slot] = node
  }
  return rows
}
