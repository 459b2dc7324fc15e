import type { JumpOptions, PlacementHash } from '../options.ts'
import type { Content } from './format.ts'
import { MeasuredPlacement } from './measured.ts'
import { mix32 } from './mixing.ts'
import { murmur3 } from './murmur3.ts'
import { NodeSet } from './nodes.ts'

const HIGH = 0x27bb2ee6
const LOW = 0x87b0b0fd

/**
 * The bucket of a 64-bit key, given by its halves: from 0 to `buckets` - 1 (Lamping and Veach 2014). The multiplication of the paper modulo 2^64 is
 * made of products of halves below 2^53; the quotient is one division of doubles, as there.
 */
export function jumpBucket(keyHigh: number, keyLow: number, buckets: number): number {
  let high = keyHigh >>> 0
  let low = keyLow >>> 0
  let bucket = 0
  for (let next = 0; next < buckets; ) {
    bucket = next
    // key * 2862933555777941757 + 1; the low halves are multiplied in two pieces, so that nothing is rounded.
    const lower = (low & 0xffff) * LOW
    const upper = (low >>> 16) * LOW
    const sum = (upper % 0x10000) * 0x10000 + lower + 1
    high = (Math.imul(low, HIGH) + Math.imul(high, LOW) + Math.floor(upper / 0x10000) + Math.floor(sum / 2 ** 32)) >>> 0
    low = sum % 2 ** 32
    next = Math.floor((bucket + 1) * (2 ** 31 / ((high >>> 1) + 1)))
  }
  return bucket
}

/**
 * Jump consistent hash: no table at all, shares as even as chance makes them. Nodes are numbered in the order of their ids, and only the last one
 * can come or go with the least movement; whoever comes or goes in the middle renumbers all behind it.
 */
export class JumpPlacement extends MeasuredPlacement {
  readonly strategy = 'jump'

  protected indexAt(position: number): number {
    return jumpBucket(mix32(position), position, this.set.size)
  }

  protected *candidatesAt(position: number): Generator<number> {
    yield this.indexAt(position)
    // Other keys drawn from this one; after so many that hardly anybody is missing, all in order.
    for (let draw = 1; draw <= 4 * this.set.size; draw++) {
      yield jumpBucket(mix32(position + Math.imul(draw, 0x9e3779b1)), position ^ draw, this.set.size)
    }
    yield* this.set.ids.keys()
  }

  protected fields(): Content {
    return {}
  }

  protected made(set: NodeSet): this {
    return jumpOf(set, this.hash) as this
  }
}

export function jumpOf(set: NodeSet, hash: PlacementHash = murmur3): JumpPlacement {
  for (const { id, weight } of set.nodes) {
    if (weight !== 1)
      throw new RangeError(`jump has no weights: that of node ${JSON.stringify(id)} must be 1, got ${weight}`)
  }
  return new JumpPlacement(set, hash)
}

/** Makes a placement by jump consistent hash. Throws a RangeError for a weight other than 1, and an id or zone out of its limits. */
export function createJump(options: JumpOptions): JumpPlacement {
  return jumpOf(NodeSet.fromOptions(options), options.hash)
}
