import { InvariantError } from '@dsys/runtime'
import type { ZoneTable } from '../nodes.ts'
import { EMPTY, type Problem } from './assignment.ts'

/** Divided by every whole number up to the greatest number of replicas, so that shares of places are exact. */
const PARTS = 720_720

/**
 * Puts the holders of every partition in an order, in place: the first one serves first. At each place a node stands in the whole number of
 * partitions next to its share of that place, and no zone comes a second time before every other zone of the partition came.
 * Holders keep the places that they had, as far as that leaves it balanced.
 */
export function orderPlaces(rows: Int32Array, problem: Problem): void {
  for (let place = 0; place < problem.width - 1; place++) new PlaceOrder(rows, problem, place).settle()
}

class PlaceOrder {
  readonly #rows: Int32Array
  readonly #problem: Problem
  readonly #place: number
  /** How many partitions have the node at this place. */
  readonly #counts: Int32Array
  readonly #shares: Float64Array
  /** The slots of each node that may be moved to this place. */
  readonly #slots: number[][]

  constructor(rows: Int32Array, problem: Problem, place: number) {
    this.#rows = rows
    this.#problem = problem
    this.#place = place
    const nodes = problem.quotas.fair.length
    this.#counts = new Int32Array(nodes)
    this.#shares = new Float64Array(nodes)
    this.#slots = Array.from({ length: nodes }, () => [])
    this.#collect()
  }

  /** Slots that the order of zones lets come next: those of the zones that came least often at earlier places. */
  #eligible(partition: number): number[] {
    const { width, zones } = this.#problem
    const first = partition * width + this.#place
    const end = (partition + 1) * width
    let rarest = width
    const times: number[] = []
    for (let slot = first; slot < end; slot++) {
      const seen = this.#seen(partition, zones, this.#rows[slot] as number)
      times.push(seen)
      rarest = Math.min(rarest, seen)
    }
    return times.flatMap((seen, at) => (seen === rarest ? [first + at] : []))
  }

  #seen(partition: number, zones: ZoneTable, node: number): number {
    let seen = 0
    for (let at = 0; at < this.#place; at++) {
      const earlier = this.#rows[partition * this.#problem.width + at] as number
      if (zones.ofNode[earlier] === zones.ofNode[node]) seen += 1
    }
    return seen
  }

  #collect(): void {
    const eligible: number[][] = []
    for (let partition = 0; partition < this.#problem.partitions; partition++) {
      const slots = this.#eligible(partition)
      eligible.push(slots)
      for (const slot of slots) {
        const node = this.#rows[slot] as number
        this.#shares[node] = (this.#shares[node] as number) + PARTS / slots.length
        this.#slots[node]?.push(partition)
      }
    }
    for (const [partition, slots] of eligible.entries()) this.#choose(partition, slots)
  }

  /** Whoever had this place keeps it; else whoever is furthest below its share gets it. */
  #choose(partition: number, slots: readonly number[]): void {
    const { old, oldWidth } = this.#problem
    const before = this.#place < oldWidth ? (old[partition * oldWidth + this.#place] as number) : EMPTY
    let best = slots[0] as number
    let lack = Number.NEGATIVE_INFINITY
    for (const slot of slots) {
      const node = this.#rows[slot] as number
      const share = this.#shares[node] as number
      const own = node === before ? Number.POSITIVE_INFINITY : (share - (this.#counts[node] as number) * PARTS) / share
      if (own <= lack) continue
      best = slot
      lack = own
    }
    const node = this.#rows[best] as number
    this.#counts[node] = (this.#counts[node] as number) + 1
    this.#swap(partition, node)
  }

  /** Brings `node` to the place, and whoever was there to where it stood. */
  #swap(partition: number, node: number): void {
    const target = partition * this.#problem.width + this.#place
    for (let slot = target; ; slot++) {
      if (this.#rows[slot] !== node) continue
      this.#rows[slot] = this.#rows[target] as number
      this.#rows[target] = node
      return
    }
  }

  #least(node: number): number {
    return Math.floor((this.#shares[node] as number) / PARTS)
  }

  #most(node: number): number {
    return Math.ceil((this.#shares[node] as number) / PARTS)
  }

  /** Exchanges places along shortest chains of partitions until every node is next to its share. */
  settle(): void {
    for (let node = 0; node < this.#counts.length; node++) {
      while ((this.#counts[node] as number) > this.#most(node)) {
        this.#pass([node], (end) => (this.#counts[end] as number) < this.#most(end))
      }
    }
    for (let node = 0; node < this.#counts.length; node++) {
      while ((this.#counts[node] as number) < this.#least(node)) {
        const givers = [...this.#counts.keys()].filter((other) => (this.#counts[other] as number) > this.#least(other))
        this.#pass(givers, (end) => end === node)
      }
    }
  }

  /** Takes the place once from one of `starts` and gives it once to the nearest node that `isEnd` names. */
  #pass(starts: readonly number[], isEnd: (node: number) => boolean): void {
    const cameBy = new Map<number, { readonly from: number; readonly partition: number }>()
    const reached = new Set(starts)
    const queue = [...starts]
    const { width } = this.#problem
    for (const from of queue) {
      for (const partition of this.#slots[from] as number[]) {
        if (this.#rows[partition * width + this.#place] !== from) continue
        for (const slot of this.#eligible(partition)) {
          const to = this.#rows[slot] as number
          if (reached.has(to)) continue
          reached.add(to)
          cameBy.set(to, { from, partition })
          if (isEnd(to)) {
            this.#follow(to, cameBy)
            return
          }
          queue.push(to)
        }
      }
    }
    throw new InvariantError('hashring: places cannot be balanced')
  }

  #follow(end: number, cameBy: ReadonlyMap<number, { readonly from: number; readonly partition: number }>): void {
    this.#counts[end] = (this.#counts[end] as number) + 1
    let node = end
    for (let step = cameBy.get(node); step !== undefined; step = cameBy.get(node)) {
      this.#swap(step.partition, node)
      node = step.from
    }
    this.#counts[node] = (this.#counts[node] as number) - 1
  }
}
