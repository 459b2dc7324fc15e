import { checkWhole, type MaglevOptions, PLACEMENT_DEFAULTS, type PlacementHash } from '../options.ts'
import type { Content } from './format.ts'
import { MeasuredPlacement } from './measured.ts'
import { murmur3 } from './murmur3.ts'
import { NodeSet } from './nodes.ts'

const MAX_SLOTS = 2 ** 20
const NOBODY = 0xffffffff

/** In which order a node wants the slots: from `offset` on, in steps of `skip`. */
export interface Preference {
  readonly offset: number
  readonly skip: number
}

/**
 * Who has each slot (Eisenbud et al. 2016, "populating the lookup table"): in turns, each node takes the first slot that it wants and that is free. A
 * node with half the greatest weight takes every second turn. Slots are prime in number, so every node wants all of them.
 */
export function populate(preferences: readonly Preference[], weights: readonly number[], slots: number): Uint32Array {
  const table = new Uint32Array(slots).fill(NOBODY)
  const most = weights.reduce((max, weight) => Math.max(max, weight), 0)
  const credits = weights.map(() => 0)
  const wanted = preferences.map(({ offset }) => offset)
  for (let filled = 0; filled < slots; ) {
    for (let node = 0; node < preferences.length && filled < slots; node++) {
      credits[node] = (credits[node] as number) + (weights[node] as number)
      if ((credits[node] as number) < most) continue
      credits[node] = (credits[node] as number) - most
      const { skip } = preferences[node] as Preference
      let slot = wanted[node] as number
      while (table[slot] !== NOBODY) slot = (slot + skip) % slots
      table[slot] = node
      wanted[node] = (slot + skip) % slots
      filled += 1
    }
  }
  return table
}

/**
 * Maglev hashing: a lookup is one hash and one read of a table. Shares are even to within a slot for equal weights; a join or leave moves a few more slots
 * than it must.
 */
export class MaglevPlacement extends MeasuredPlacement {
  readonly strategy = 'maglev'
  readonly #table: Uint32Array
  readonly #slots: number

  constructor(set: NodeSet, hash: PlacementHash, slots: number) {
    super(set, hash, slots)
    if (set.size >= slots) throw new RangeError(`${set.size} nodes need more than ${slots} slots`)
    this.#slots = slots
    const preferences = set.ids.map((id) => preferenceOf(id, hash, slots))
    this.#table =
      set.size === 0
        ? new Uint32Array(0)
        : populate(
            preferences,
            set.nodes.map(({ weight }) => weight),
            slots,
          )
  }

  #slotOf(position: number): number {
    return Math.floor((position * this.#slots) / 2 ** 32)
  }

  protected indexAt(position: number): number {
    return this.#table[this.#slotOf(position)] as number
  }

  /** Those who have the slots behind it; and whoever has none at all, in the order of ids. */
  protected *candidatesAt(position: number): Generator<number> {
    const first = this.#slotOf(position)
    for (let i = 0; i < this.#slots; i++) yield this.#table[(first + i) % this.#slots] as number
    yield* this.set.ids.keys()
  }

  protected fields(): Content {
    return { slots: this.#slots }
  }

  protected made(set: NodeSet): this {
    return new MaglevPlacement(set, this.hash, this.#slots) as this
  }
}

/** Offset and skip are hashes of two names that no other node has: 0 or 1 in four bytes, then the id. */
function preferenceOf(id: string, hash: PlacementHash, slots: number): Preference {
  const bytes = new TextEncoder().encode(id)
  const hashes = [0, 1].map((number) => {
    const name = new Uint8Array(4 + bytes.length)
    name[0] = number
    name.set(bytes, 4)
    return hash.hash(name)
  })
  return { offset: (hashes[0] as number) % slots, skip: ((hashes[1] as number) % (slots - 1)) + 1 }
}

/** Throws a RangeError unless a table of so many slots can be populated. */
export function checkSlots(slots: number): number {
  checkWhole('slots', slots, MAX_SLOTS)
  let isPrime = slots > 2
  for (let divisor = 2; divisor * divisor <= slots && isPrime; divisor++) isPrime = slots % divisor !== 0
  if (!isPrime) throw new RangeError(`slots must be a prime number above 2, got ${slots}`)
  return slots
}

/** Makes a placement by Maglev hashing. Throws a RangeError when a value is out of its limits, or `slots` is not prime or not above the number of nodes. */
export function createMaglev(options: MaglevOptions): MaglevPlacement {
  const slots = checkSlots(options.slots ?? PLACEMENT_DEFAULTS.maglevSlots)
  return new MaglevPlacement(NodeSet.fromOptions(options), options.hash ?? murmur3, slots)
}
