import type { Random } from '@dsys/runtime'
import type { PeerAddress } from '@dsys/transport'

/** A probe of one member: direct until `directDeadlineMs`, then through helpers until `endMs`. */
export interface Probe {
  readonly seq: number
  readonly target: string
  readonly generation: number
  readonly nonce: number | undefined
  readonly incarnation: number
  readonly startMs: number
  directDeadlineMs: number
  /** Before this it is not over, though every helper has said that it failed. */
  earliestEndMs: number
  endMs: number
  indirect: boolean
  /** The transport said that nobody is there. */
  absent: boolean
  readonly helpers: Map<string, 'asked' | 'failed' | 'busy'>
}

/** A ping on behalf of somebody else. */
export interface Relay {
  readonly seq: number
  readonly origin: PeerAddress
  readonly originSeq: number
  readonly target: string
  readonly generation: number
  readonly nonce: number | undefined
  deadlineMs: number
  /** The target has answered, and the origin does not know yet. */
  reached: boolean
}

/**
 * Whose turn it is, as for probes: everyone once in a random order, then everyone in a new order (SWIM §4.3). So the time until a member is
 * probed again is bounded. A newcomer is put at a random place of the round that runs.
 *
 * The order is drawn step by step: those before `#next` have had their turn, and the next one is drawn from the others. Each step costs the
 * same, however many there are.
 */
export class Rotation {
  readonly #random: Random
  readonly #ids: string[] = []
  readonly #places = new Map<string, number>()
  #next = 0

  constructor(random: Random) {
    this.#random = random
  }

  get size(): number {
    return this.#ids.length
  }

  /** All of them, in no order. */
  all(): string[] {
    return [...this.#ids]
  }

  add(id: string): void {
    if (this.#places.has(id)) return
    this.#places.set(id, this.#ids.length)
    this.#ids.push(id)
  }

  remove(id: string): void {
    let place = this.#places.get(id)
    if (place === undefined) return
    if (place < this.#next) {
      // The last one of those that had their turn takes its place, and leaves a hole among the others.
      this.#next -= 1
      this.#swap(place, this.#next)
      place = this.#next
    }
    this.#swap(place, this.#ids.length - 1)
    this.#ids.pop()
    this.#places.delete(id)
  }

  /** The next id for which `fits` holds; `undefined` when a whole round has none. */
  next(fits: (id: string) => boolean): string | undefined {
    for (let tried = 0; tried < this.#ids.length; tried++) {
      if (this.#next >= this.#ids.length) this.#next = 0
      this.#swap(this.#next, this.#random.integer(this.#next, this.#ids.length))
      const id = this.#ids[this.#next++]
      if (id !== undefined && fits(id)) return id
    }
    return undefined
  }

  #swap(a: number, b: number): void {
    const [idA, idB] = [this.#ids[a] as string, this.#ids[b] as string]
    this.#ids[a] = idB
    this.#ids[b] = idA
    this.#places.set(idB, a)
    this.#places.set(idA, b)
  }
}
