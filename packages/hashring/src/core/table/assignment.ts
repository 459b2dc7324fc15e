import type { ZoneTable } from '../nodes.ts'
import type { ZoneRule } from '../zones.ts'
import type { Quotas } from './quotas.ts'

/** No node: an empty slot of a partition, or an old holder that is gone. */
export const EMPTY = -1

/** A table while it is being changed. */
export interface Problem {
  readonly partitions: number
  /** Slots of a partition. */
  readonly width: number
  readonly zones: ZoneTable
  readonly rule: ZoneRule
  readonly quotas: Quotas
  /** The holders before, `oldWidth` in a row, as numbers of the nodes that are there now; {@link EMPTY} for one that is gone. */
  readonly old: Int32Array
  readonly oldWidth: number
}

/**
 * Who holds what, on the way from the old holders to a table that is within all bounds. At all times a partition has no node twice and no
 * more nodes of any zone than the rule allows; slots may be empty and nodes over or under their quotas until the work is done.
 *
 * Quotas are kept in two parts, as a flow network has them: `least` replicas of each node, and one pool with room for the rest that
 * nodes between `least` and `most` share.
 */
export class Assignment {
  readonly problem: Problem
  readonly rows: Int32Array
  readonly counts: Int32Array
  /** Room for replicas above `least`, over all nodes. */
  readonly poolSize: number
  /** How much of it is taken; more than there is while nodes are over their quotas. */
  poolUsed = 0
  /** The partitions of each node, in no order. */
  readonly held: number[][]
  /** Where a slot stands in the list of its node. */
  readonly #places: Int32Array

  constructor(problem: Problem) {
    this.problem = problem
    const { partitions, width, quotas } = problem
    this.rows = new Int32Array(partitions * width).fill(EMPTY)
    this.#places = new Int32Array(partitions * width)
    this.counts = new Int32Array(quotas.fair.length)
    this.held = Array.from(quotas.fair, () => [])
    this.poolSize = partitions * width - quotas.least.reduce((sum, one) => sum + one, 0)
  }

  /** Puts `node` into a slot that is empty. */
  put(slot: number, node: number): void {
    const held = this.held[node] as number[]
    this.rows[slot] = node
    this.#places[slot] = held.length
    held.push(slot)
    this.#count(node, 1)
  }

  /** Empties a slot. */
  take(slot: number): void {
    const node = this.rows[slot] as number
    const held = this.held[node] as number[]
    const last = held.pop() as number
    const place = this.#places[slot] as number
    if (last !== slot) {
      held[place] = last
      this.#places[last] = place
    }
    this.rows[slot] = EMPTY
    this.#count(node, -1)
  }

  #count(node: number, by: number): void {
    this.poolUsed -= this.#inPool(node)
    this.counts[node] = (this.counts[node] as number) + by
    this.poolUsed += this.#inPool(node)
  }

  #inPool(node: number): number {
    const { least, most } = this.problem.quotas
    const floor = least[node] as number
    return Math.max(0, Math.min(this.counts[node] as number, most[node] as number) - floor)
  }

  get poolHasRoom(): boolean {
    return this.poolUsed < this.poolSize
  }

  get poolIsOver(): boolean {
    return this.poolUsed > this.poolSize
  }

  isShort(node: number): boolean {
    return (this.counts[node] as number) < (this.problem.quotas.least[node] as number)
  }

  isOver(node: number): boolean {
    return (this.counts[node] as number) > (this.problem.quotas.most[node] as number)
  }

  /** Whether one more replica brings the node nearer to its quota, or stays within it. */
  hasRoom(node: number): boolean {
    if (this.isShort(node)) return true
    return this.poolHasRoom && (this.counts[node] as number) < (this.problem.quotas.most[node] as number)
  }

  /** Whether the node has a replica too many, by itself or because the pool is over. */
  mustGive(node: number): boolean {
    if (this.isOver(node)) return true
    return this.poolIsOver && (this.counts[node] as number) > (this.problem.quotas.least[node] as number)
  }

  /** The slot of `node` in a partition, or {@link EMPTY}. */
  slotOf(partition: number, node: number): number {
    const { width } = this.problem
    for (let slot = partition * width; slot < (partition + 1) * width; slot++) {
      if (this.rows[slot] === node) return slot
    }
    return EMPTY
  }

  /** Whether `node` held the partition before: then it has the data. */
  heldBefore(partition: number, node: number): boolean {
    const { old, oldWidth } = this.problem
    for (let at = partition * oldWidth; at < (partition + 1) * oldWidth; at++) if (old[at] === node) return true
    return false
  }

  /** How many nodes of a zone hold a partition. */
  ofZone(partition: number, zone: number): number {
    const { width, zones } = this.problem
    let count = 0
    for (let slot = partition * width; slot < (partition + 1) * width; slot++) {
      const node = this.rows[slot] as number
      if (node !== EMPTY && zones.ofNode[node] === zone) count += 1
    }
    return count
  }

  /** How many zones of a partition have one node more than the least that the rule asks of them. */
  extrasOf(partition: number): number {
    const { width, zones, rule } = this.problem
    let extras = 0
    for (let slot = partition * width; slot < (partition + 1) * width; slot++) {
      const node = this.rows[slot] as number
      if (node === EMPTY) continue
      const zone = zones.ofNode[node] as number
      // Counted once for each zone: at its first slot.
      if (this.firstOfZone(partition, zone) !== slot) continue
      if (this.ofZone(partition, zone) > (rule.least[zone] as number)) extras += 1
    }
    return extras
  }

  /** The first slot of a partition that has a node of the zone. */
  firstOfZone(partition: number, zone: number): number {
    const { width, zones } = this.problem
    for (let slot = partition * width; slot < (partition + 1) * width; slot++) {
      const node = this.rows[slot] as number
      if (node !== EMPTY && zones.ofNode[node] === zone) return slot
    }
    return EMPTY
  }

  /** Whether an empty slot of the partition may take one more node of the zone. */
  zoneHasRoom(partition: number, zone: number): boolean {
    const { rule } = this.problem
    const count = this.ofZone(partition, zone)
    if (count < (rule.least[zone] as number)) return true
    return count < (rule.most[zone] as number) && this.extrasOf(partition) < rule.extra
  }

  /** Whether `to` may take the place of `from` in a partition that it does not hold. */
  mayReplace(partition: number, from: number, to: number): boolean {
    const { rule, zones } = this.problem
    const zoneFrom = zones.ofNode[from] as number
    const zoneTo = zones.ofNode[to] as number
    if (zoneFrom === zoneTo) return true
    // Only a zone that has its extra node can give it to another one.
    return (
      this.ofZone(partition, zoneFrom) > (rule.least[zoneFrom] as number) &&
      this.ofZone(partition, zoneTo) < (rule.most[zoneTo] as number)
    )
  }
}
