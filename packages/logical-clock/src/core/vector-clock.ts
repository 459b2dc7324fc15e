import { CounterExhaustedError } from '../errors.ts'
import { checkActorId, isCounter, MAX_COUNTER } from './actor.ts'
import { type Causality, causalityOf } from './causality.ts'

let unchecked: (actors: readonly string[], counters: readonly number[]) => VectorClock

/**
 * How many events of each actor are known: all of them up to a counter. A value: every method that changes gives another one,
 * or the same one where nothing changes. As the context of a {@link DottedVersionSet} it says what a reader has seen.
 *
 * Two clocks tell the truth about what was known only if no actor ever counts to one number twice: see {@link Actor}.
 *
 * Source: C. Fidge, "Timestamps in Message-Passing Systems That Preserve the Partial Ordering", 1988; F. Mattern, "Virtual Time and Global
 * States of Distributed Systems", 1989; as a version vector D. S. Parker et al., "Detection of Mutual Inconsistency in Distributed Systems", 1983.
 */
export class VectorClock {
  /** The clock that knows nothing. */
  static readonly empty: VectorClock = new VectorClock([], [])

  /** Sorted by UTF-16 code units, each once. */
  readonly actors: readonly string[]
  /** Those of {@link actors}, by position; each at least 1. */
  readonly counters: readonly number[]

  private constructor(actors: readonly string[], counters: readonly number[]) {
    this.actors = actors
    this.counters = counters
  }

  /**
   * A clock from counters by actor; those of 0 are left out. Throws RangeError for an id that is no id, a counter that is not whole or out of
   * 0 to 2^53 - 1, and an actor named twice.
   */
  static of(counters: Readonly<Record<string, number>> | Iterable<readonly [string, number]>): VectorClock {
    const entries = [...(isIterable(counters) ? counters : Object.entries(counters))]
    entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    entries.forEach(([actor, counter], i) => {
      checkActorId(actor)
      if (!isCounter(counter)) throw new RangeError(`a counter must be from 0 to 2^53 - 1, got ${counter}`)
      if (entries[i + 1]?.[0] === actor) throw new RangeError(`${JSON.stringify(actor)} is named twice`)
    })
    const known = entries.filter(([, counter]) => counter > 0)
    return clockOfSorted(
      known.map(([actor]) => actor),
      known.map(([, counter]) => counter),
    )
  }

  static {
    unchecked = (actors, counters) => new VectorClock(actors, counters)
  }

  /** How many actors it names. */
  get size(): number {
    return this.actors.length
  }

  /** The counter of the last event of `actor` that is known; 0 where none is. */
  get(actor: string): number {
    const at = positionOf(this.actors, actor)
    return at < 0 ? 0 : (this.counters[at] as number)
  }

  /** Whether the event is known. */
  covers(actor: string, counter: number): boolean {
    return counter <= this.get(actor)
  }

  /**
   * The clock after one more event of `actor`. Throws RangeError for an id that is no id, and CounterExhaustedError
   * (`DSYS_CLOCK_COUNTER_EXHAUSTED`) after 2^53 - 1 events.
   */
  increment(actor: string): VectorClock {
    const at = positionOf(this.actors, actor)
    if (at < 0) {
      checkActorId(actor)
      return new VectorClock(this.actors.toSpliced(~at, 0, actor), this.counters.toSpliced(~at, 0, 1))
    }
    const counter = this.counters[at] as number
    if (counter >= MAX_COUNTER) throw new CounterExhaustedError(actor)
    return new VectorClock(this.actors, this.counters.with(at, counter + 1))
  }

  /** The clock that knows what either of the two knows. */
  merge(other: VectorClock): VectorClock {
    if (other.isWithin(this)) return this
    if (this.isWithin(other)) return other
    const actors: string[] = []
    const counters: number[] = []
    let i = 0
    let j = 0
    while (i < this.actors.length || j < other.actors.length) {
      const a = this.actors[i]
      const b = other.actors[j]
      const order = orderOf(a, b)
      actors.push((order <= 0 ? a : b) as string)
      const ours = order <= 0 ? (this.counters[i++] as number) : 0
      const theirs = order >= 0 ? (other.counters[j++] as number) : 0
      counters.push(Math.max(ours, theirs))
    }
    return new VectorClock(actors, counters)
  }

  /** Whether the other clock knows all that this one knows. */
  isWithin(other: VectorClock): boolean {
    if (this === other) return true
    if (this.actors.length > other.actors.length) return false
    let j = 0
    for (let i = 0; i < this.actors.length; i++, j++) {
      const actor = this.actors[i] as string
      while (j < other.actors.length && (other.actors[j] as string) < actor) j++
      if (other.actors[j] !== actor || (other.counters[j] as number) < (this.counters[i] as number)) return false
    }
    return true
  }

  /** How this clock stands to the other one. */
  compare(other: VectorClock): Causality {
    return causalityOf(this.isWithin(other), other.isWithin(this))
  }

  equals(other: VectorClock): boolean {
    return this.isWithin(other) && other.isWithin(this)
  }

  /**
   * The clock without the actors that `isRetired` names. To forget is sound only where all forget: an actor may be named that will never count
   * again, and of which every clock that this one will ever be compared or merged with knows as much, or has forgotten it as well.
   * Elsewhere something that was known becomes unknown: what was overwritten seems concurrent, and comes back. Never prune by age or size.
   */
  prune(isRetired: (actor: string) => boolean): VectorClock {
    const kept = this.actors.map((actor) => !isRetired(actor))
    if (!kept.includes(false)) return this
    return clockOfSorted(
      this.actors.filter((_actor, i) => kept[i]),
      this.counters.filter((_counter, i) => kept[i]),
    )
  }

  /** The counters by actor. `VectorClock.of` makes a clock of it again. */
  toJSON(): Record<string, number> {
    return Object.fromEntries(this.actors.map((actor, i) => [actor, this.counters[i] as number]))
  }
}

/** A clock from arrays that are what they should be, and that nobody changes any more. */
export function clockOfSorted(actors: readonly string[], counters: readonly number[]): VectorClock {
  return actors.length === 0 ? VectorClock.empty : unchecked(actors, counters)
}

/** Where `actor` is in a sorted list; where it is not, the complement of where it would come. */
export function positionOf(actors: readonly string[], actor: string): number {
  let low = 0
  let high = actors.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const found = actors[middle] as string
    if (found === actor) return middle
    if (found < actor) low = middle + 1
    else high = middle
  }
  return ~low
}

/** The order of two actors, where none at all comes last. */
export function orderOf(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0
  if (a === undefined) return 1
  return b === undefined || a < b ? -1 : 1
}

function isIterable<T>(value: object): value is Iterable<T> {
  return Symbol.iterator in value
}
