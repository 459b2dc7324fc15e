import {
  type BoundedLoadOptions,
  checkVirtualNodes,
  checkWhole,
  PLACEMENT_DEFAULTS,
  type PlacementHash,
} from '../options.ts'
import type { Content } from './format.ts'
import { MeasuredPlacement } from './measured.ts'
import { mix32 } from './mixing.ts'
import { murmur3 } from './murmur3.ts'
import { NodeSet } from './nodes.ts'
import { firstPointAt, type Points, placePoints } from './points.ts'

const MAX_SLOTS = 2 ** 20

/** The numbers of a bounded-load placement. */
export interface BoundedLoadShape {
  readonly loadFactor: number
  readonly slots: number
  readonly virtualNodes: number
}

/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2016). The keys are cut into slots; one slot after the other goes to the next node on a
 * ring that has not yet as many as it may have. That order is fixed, so the outcome follows from the nodes alone; a lookup is one hash and one read.
 */
export class BoundedLoadPlacement extends MeasuredPlacement {
  readonly strategy = 'bounded-load'
  readonly #shape: BoundedLoadShape
  readonly #points: Points
  readonly #owners: Uint32Array

  constructor(set: NodeSet, hash: PlacementHash, shape: BoundedLoadShape) {
    super(set, hash, shape.slots)
    this.#shape = shape
    this.#points = placePoints(set.nodes, shape.virtualNodes, hash)
    this.#owners = new Uint32Array(set.size === 0 ? 0 : shape.slots)
    const { totalWeight } = set
    const room = set.nodes.map(({ weight }) => Math.ceil((shape.loadFactor * shape.slots * weight) / totalWeight))
    for (let slot = 0; slot < this.#owners.length; slot++) {
      let at = this.#pointOf(slot)
      while ((room[this.#points.nodeIndexes[at] as number] as number) === 0) at = this.#after(at)
      const node = this.#points.nodeIndexes[at] as number
      room[node] = (room[node] as number) - 1
      this.#owners[slot] = node
    }
  }

  #pointOf(slot: number): number {
    return firstPointAt(this.#points, mix32(Math.imul(slot + 1, 0x9e3779b1)))
  }

  #after(at: number): number {
    return at + 1 === this.#points.positions.length ? 0 : at + 1
  }

  #slotOf(position: number): number {
    return Math.floor((position * this.#shape.slots) / 2 ** 32)
  }

  protected indexAt(position: number): number {
    return this.#owners[this.#slotOf(position)] as number
  }

  /** The owner, then those who come next on the ring. */
  protected *candidatesAt(position: number): Generator<number, never> {
    const slot = this.#slotOf(position)
    yield this.#owners[slot] as number
    for (let at = this.#pointOf(slot); ; at = this.#after(at)) yield this.#points.nodeIndexes[at] as number
  }

  protected fields(): Content {
    return { ...this.#shape }
  }

  protected made(set: NodeSet): this {
    return new BoundedLoadPlacement(set, this.hash, this.#shape) as this
  }
}

/** Throws a RangeError unless all are within their limits. */
export function checkShape({ loadFactor, slots, virtualNodes }: BoundedLoadShape): BoundedLoadShape {
  if (typeof loadFactor !== 'number' || !(loadFactor > 1) || loadFactor > 100) {
    throw new RangeError(`loadFactor must be above 1 and at most 100, got ${loadFactor}`)
  }
  return {
    loadFactor,
    slots: checkWhole('slots', slots, MAX_SLOTS),
    virtualNodes: checkVirtualNodes(virtualNodes),
  }
}

/** Makes a placement with bounded loads: no node has more than `loadFactor` times its fair share of the slots, rounded up. Throws a RangeError when a value is out of its limits. */
export function createBoundedLoad(options: BoundedLoadOptions): BoundedLoadPlacement {
  const shape = checkShape({
    loadFactor: options.loadFactor ?? PLACEMENT_DEFAULTS.loadFactor,
    slots: options.slots ?? PLACEMENT_DEFAULTS.boundedSlots,
    virtualNodes: options.virtualNodes ?? PLACEMENT_DEFAULTS.virtualNodes,
  })
  return new BoundedLoadPlacement(NodeSet.fromOptions(options), options.hash ?? murmur3, shape)
}
