import { InvariantError } from '@dsys/runtime'
import { type Assignment, EMPTY } from './assignment.ts'

const FAR = 0x3fffffff
const NOWHERE = -1
/** Of a vertex, on average. Few are visited more than twice, unless a cycle costs less than nothing, which cannot be. */
const MAX_VISITS = 64

/**
 * The search for the cheapest way to bring a table nearer to its bounds, in the residual network of a flow: a way begins where a replica is
 * too many or a slot is empty, goes over exchanges within partitions, and ends at a node with room. A node that takes a partition costs one
 * copy, unless it held it before; one that gives up what it was to get new saves one. ALGORITHM.md draws the network.
 *
 * Vertices, by number: the nodes; the pool; each partition, which stands for its extra places; each slot, which stands for the zone of its
 * node within its partition (of several slots of one zone the first one stands for it); and each partition once more, for the places
 * that some zone lacks in it.
 */
export class Search {
  readonly #table: Assignment
  readonly #distance: Int32Array
  readonly #parent: Int32Array
  readonly #queued: Uint8Array
  readonly #pool: number
  readonly #firstPartition: number
  readonly #firstSlot: number
  readonly #firstGap: number
  /** By zone: nodes that a copy could still bring nearer. */
  #open: number[][] = []
  #queue: number[] = []
  /** Ways longer than this are not looked for. */
  #limit = FAR
  #found = NOWHERE

  constructor(table: Assignment) {
    this.#table = table
    const { partitions, width } = table.problem
    this.#pool = table.counts.length
    this.#firstPartition = this.#pool + 1
    this.#firstSlot = this.#firstPartition + partitions
    this.#firstGap = this.#firstSlot + partitions * width
    const vertices = this.#firstGap + partitions
    this.#distance = new Int32Array(vertices)
    this.#parent = new Int32Array(vertices)
    this.#queued = new Uint8Array(vertices)
  }

  /**
   * Looks for a way that costs at most `limit` and takes the first one that it meets; without a limit, for a cheapest one. Returns what it costs,
   * after the table was changed accordingly; `undefined` when there is none.
   */
  improve(empty: readonly number[], limit: number = FAR): number | undefined {
    this.#begin(empty, limit)
    for (let at = 0; at < this.#queue.length; at++) {
      if (limit !== FAR && this.#found !== NOWHERE) break
      if (at > this.#distance.length * MAX_VISITS) throw new InvariantError('hashring: ways get cheaper without end')
      const vertex = this.#queue[at] as number
      this.#queued[vertex] = 0
      this.#expand(vertex)
    }
    const end = this.#found === NOWHERE ? this.#nearestEnd() : this.#found
    if (end === NOWHERE) return undefined
    const cost = this.#distance[end] as number
    this.#follow(end)
    return cost
  }

  #begin(empty: readonly number[], limit: number): void {
    const table = this.#table
    const { width, zones, rule } = table.problem
    this.#distance.fill(FAR)
    this.#queued.fill(0)
    this.#queue = []
    this.#limit = limit
    this.#found = NOWHERE
    this.#open = zones.sizes.map((): number[] => [])
    for (let node = 0; node < table.counts.length; node++) this.#open[zones.ofNode[node] as number]?.push(node)
    for (let node = 0; node < table.counts.length; node++) if (table.isOver(node)) this.#reach(node, 0, NOWHERE)
    if (table.poolIsOver) this.#reach(this.#pool, 0, NOWHERE)
    let last = NOWHERE
    for (const slot of empty) {
      const partition = Math.floor(slot / width)
      if (partition === last) continue
      last = partition
      if (table.extrasOf(partition) < rule.extra) this.#reach(this.#firstPartition + partition, 0, NOWHERE)
      for (const [zone, least] of rule.least.entries()) {
        if (table.ofZone(partition, zone) >= least) continue
        this.#parent[this.#firstGap + partition] = NOWHERE
        this.#copyTo(partition, zone, 0, this.#firstGap + partition)
      }
    }
  }

  /** Notes a shorter way to `vertex`. */
  #reach(vertex: number, distance: number, parent: number): void {
    if (distance >= (this.#distance[vertex] as number) || distance > this.#limit) return
    this.#distance[vertex] = distance
    this.#parent[vertex] = parent
    if (this.#queued[vertex] === 0) {
      this.#queued[vertex] = 1
      this.#queue.push(vertex)
    }
    if (this.#limit !== FAR && this.#found === NOWHERE && this.#isEnd(vertex)) this.#found = vertex
  }

  #isEnd(vertex: number): boolean {
    if (vertex < this.#pool) return this.#table.isShort(vertex)
    return vertex === this.#pool && this.#table.poolHasRoom
  }

  #nearestEnd(): number {
    let best = NOWHERE
    let shortest = FAR
    for (let vertex = 0; vertex <= this.#pool; vertex++) {
      const distance = this.#distance[vertex] as number
      if (distance < shortest && this.#isEnd(vertex)) {
        best = vertex
        shortest = distance
      }
    }
    return best
  }

  #expand(vertex: number): void {
    const distance = this.#distance[vertex] as number
    if (vertex < this.#pool) this.#expandNode(vertex, distance)
    else if (vertex === this.#pool) this.#expandPool(distance)
    else if (vertex < this.#firstSlot) this.#expandPartition(vertex - this.#firstPartition, distance)
    else this.#expandSlot(vertex - this.#firstSlot, distance)
  }

  /** A node with one replica too many keeps it at the cost of the pool, or gives up one of its partitions. */
  #expandNode(node: number, distance: number): void {
    const table = this.#table
    const { width, zones, quotas } = table.problem
    if ((table.counts[node] as number) < (quotas.most[node] as number)) this.#reach(this.#pool, distance, node)
    const zone = zones.ofNode[node] as number
    for (const slot of table.held[node] as number[]) {
      const partition = Math.floor(slot / width)
      const cost = table.heldBefore(partition, node) ? 0 : -1
      this.#reach(this.#firstSlot + table.firstOfZone(partition, zone), distance + cost, node)
    }
  }

  /** The pool takes room back from a node above its least. */
  #expandPool(distance: number): void {
    const { counts, problem } = this.#table
    for (let node = 0; node < counts.length; node++) {
      if ((counts[node] as number) > (problem.quotas.least[node] as number)) this.#reach(node, distance, this.#pool)
    }
  }

  /** A zone that lost a node in a partition gets another one, or leaves the place to another zone where it has its extra one. */
  #expandSlot(slot: number, distance: number): void {
    const table = this.#table
    const { width, zones, rule } = table.problem
    const partition = Math.floor(slot / width)
    const zone = zones.ofNode[table.rows[slot] as number] as number
    const vertex = this.#firstSlot + slot
    this.#copyTo(partition, zone, distance, vertex)
    if (table.ofZone(partition, zone) > (rule.least[zone] as number)) {
      this.#reach(this.#firstPartition + partition, distance, vertex)
    }
  }

  /** The extra place of a partition may go to any zone that has none yet. */
  #expandPartition(partition: number, distance: number): void {
    const { rule } = this.#table.problem
    for (const [zone, most] of rule.most.entries()) {
      const open = this.#open[zone] as number[]
      if (open.length === 0 && !this.#hasOldOf(partition, zone)) continue
      if (this.#table.ofZone(partition, zone) < most) {
        this.#copyTo(partition, zone, distance, this.#firstPartition + partition)
      }
    }
  }

  #hasOldOf(partition: number, zone: number): boolean {
    const { old, oldWidth, zones } = this.#table.problem
    for (let at = partition * oldWidth; at < (partition + 1) * oldWidth; at++) {
      const node = old[at] as number
      if (node !== EMPTY && zones.ofNode[node] === zone) return true
    }
    return false
  }

  /** A node of the zone that does not hold the partition takes it. */
  #copyTo(partition: number, zone: number, distance: number, from: number): void {
    const table = this.#table
    const { old, oldWidth, zones } = table.problem
    for (let at = partition * oldWidth; at < (partition + 1) * oldWidth; at++) {
      const node = old[at] as number
      if (node === EMPTY || zones.ofNode[node] !== zone || table.slotOf(partition, node) !== EMPTY) continue
      this.#reach(node, distance, from)
    }
    if (distance + 1 > this.#limit) return
    // Nodes already as near as a copy brings them leave the list: so each search looks at each node a few times, not once for every partition.
    const open = this.#open[zone] as number[]
    let kept = 0
    for (const node of open) {
      if ((this.#distance[node] as number) > distance + 1 && table.slotOf(partition, node) === EMPTY) {
        this.#reach(node, distance + 1, from)
      }
      if ((this.#distance[node] as number) > 1) open[kept++] = node
    }
    open.length = kept
  }

  /** Makes the exchanges on the way to `end`, the last one first. */
  #follow(end: number): void {
    const table = this.#table
    const exchanges: { partition: number; from: number; to: number }[] = []
    let vertex = end
    while (vertex !== NOWHERE) {
      if (vertex >= this.#pool) {
        vertex = this.#parent[vertex] as number
        continue
      }
      const to = vertex
      let before = this.#parent[to] as number
      if (before === NOWHERE) break
      if (before === this.#pool) {
        vertex = before
        continue
      }
      const partition = this.#partitionOf(before)
      while (before !== NOWHERE && before > this.#pool) before = this.#parent[before] as number
      exchanges.push({ partition, from: before, to })
      // A way visits each node once.
      if (exchanges.length > this.#pool) throw new InvariantError('hashring: a way leads in a circle')
      vertex = before
    }
    for (const { partition, from } of exchanges) if (from !== NOWHERE) table.take(table.slotOf(partition, from))
    for (const { partition, to } of exchanges) table.put(table.slotOf(partition, EMPTY), to)
  }

  #partitionOf(vertex: number): number {
    if (vertex >= this.#firstGap) return vertex - this.#firstGap
    if (vertex < this.#firstSlot) return vertex - this.#firstPartition
    return Math.floor((vertex - this.#firstSlot) / this.#table.problem.width)
  }
}
