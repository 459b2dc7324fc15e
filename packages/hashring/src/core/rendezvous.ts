import type { PlacementHash, RendezvousOptions } from '../options.ts'
import type { Content } from './format.ts'
import { negativeLog } from './logarithm.ts'
import { MeasuredPlacement } from './measured.ts'
import { mix32 } from './mixing.ts'
import { murmur3 } from './murmur3.ts'
import { NodeSet } from './nodes.ts'

/**
 * Weighted rendezvous: each node draws a number for the key, exponentially distributed with its weight as the rate, and the smallest one wins (Schindelhauer and
 * Schomaker 2005). A draw depends on key, node and weight alone, so a join moves keys only to the newcomer, and a change of weight only to or
 * from that node, to the bit: division by a greater weight never gives a greater number.
 */
export class RendezvousPlacement extends MeasuredPlacement {
  readonly strategy = 'rendezvous'
  readonly #seeds: Uint32Array
  readonly #weights: Float64Array
  readonly #isEven: boolean

  constructor(set: NodeSet, hash: PlacementHash) {
    super(set, hash)
    this.#weights = Float64Array.from(set.nodes, ({ weight }) => weight)
    this.#isEven = this.#weights.every((weight) => weight === this.#weights[0])
    this.#seeds = seedsOf(set.ids, hash)
  }

  /** A number from 0 to 2^32 - 1 that key and node decide. The two seeds of a node, 64 bits, keep nodes apart. */
  #draw(position: number, node: number): number {
    return mix32(mix32(position ^ (this.#seeds[2 * node] as number)) ^ (this.#seeds[2 * node + 1] as number))
  }

  #score(position: number, node: number): number {
    return negativeLog(this.#draw(position, node)) / (this.#weights[node] as number)
  }

  protected indexAt(position: number): number {
    let best = 0
    if (this.#isEven) {
      // The logarithm keeps the order, and equal weights change nothing: the greatest draw wins.
      let most = -1
      for (let node = 0; node < this.set.size; node++) {
        const draw = this.#draw(position, node)
        if (draw <= most) continue
        most = draw
        best = node
      }
      return best
    }
    let least = Number.POSITIVE_INFINITY
    for (let node = 0; node < this.set.size; node++) {
      const score = this.#score(position, node)
      if (score >= least) continue
      least = score
      best = node
    }
    return best
  }

  protected candidatesAt(position: number): number[] {
    const scores = Array.from(this.set.ids, (_, node) => this.#score(position, node))
    return [...scores.keys()].sort((a, b) => (scores[a] as number) - (scores[b] as number) || a - b)
  }

  protected fields(): Content {
    return {}
  }

  protected made(set: NodeSet): this {
    return new RendezvousPlacement(set, this.hash) as this
  }
}

/** Two seeds for each node: the hash of 0 and of 1 in four bytes, then the id. No two pairs of number and id have one name. */
function seedsOf(ids: readonly string[], hash: PlacementHash): Uint32Array {
  const seeds = new Uint32Array(2 * ids.length)
  for (const [node, id] of ids.entries()) {
    const bytes = new TextEncoder().encode(id)
    for (const number of [0, 1]) {
      const name = new Uint8Array(4 + bytes.length)
      name[0] = number
      name.set(bytes, 4)
      seeds[2 * node + number] = hash.hash(name)
    }
  }
  return seeds
}

/** Makes a placement by weighted rendezvous: a lookup costs a few nanoseconds for each node. Throws a RangeError when a value is out of its limits. */
export function createRendezvous(options: RendezvousOptions): RendezvousPlacement {
  return new RendezvousPlacement(NodeSet.fromOptions(options), options.hash ?? murmur3)
}
