import type { Random } from '@dsys/runtime'
import type { PeerAddress } from '@dsys/transport'

/** A probe of one member: direct until `directDeadlineMs`, then through helpers until `endMs`. */
export interface Probe {
  readonly seq: number
  readonly target: string
  readonly generation: number
  readonly nonce: number | undefined
  readonly incarnation: number
  directDeadlineMs: number
  endMs: number
  indirect: boolean
  /** The transport said that nobody is there. */
  absent: boolean
  readonly helpers: Map<string, 'asked' | 'failed'>
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
 * Whom to probe next: everyone once in a random order, then everyone in a new order (SWIM §4.3). So the time until a member is
 * probed again is bounded. A newcomer is put at a random place of the round that runs.
 */
export class Rotation {
  readonly #random: Random
  readonly #ids: string[] = []
  #next = 0

  constructor(random: Random) {
    this.#random = random
  }

  add(id: string): void {
    if (this.#ids.includes(id)) return
    this.#ids.splice(this.#random.integer(this.#next, this.#ids.length + 1), 0, id)
  }

  remove(id: string): void {
    const index = this.#ids.indexOf(id)
    if (index < 0) return
    this.#ids.splice(index, 1)
    if (index < this.#next) this.#next -= 1
  }

  /** The next id for which `fits` holds; `undefined` when a whole round has none. */
  next(fits: (id: string) => boolean): string | undefined {
    for (let tried = 0; tried < this.#ids.length; tried++) {
      if (this.#next >= this.#ids.length) {
        shuffle(this.#ids, this.#random)
        this.#next = 0
      }
      const id = this.#ids[this.#next++]
      if (id !== undefined && fits(id)) return id
    }
    return undefined
  }
}

function shuffle<T>(items: T[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.integer(0, i + 1)
    const kept = items[i] as T
    items[i] = items[j] as T
    items[j] = kept
  }
}

/** `count` different items at random, or all when there are fewer. */
export function sample<T>(items: Iterable<T>, count: number, random: Random): T[] {
  const pool = [...items]
  const taken = Math.min(count, pool.length)
  for (let i = 0; i < taken; i++) {
    const j = random.integer(i, pool.length)
    const kept = pool[i] as T
    pool[i] = pool[j] as T
    pool[j] = kept
  }
  return pool.slice(0, taken)
}
