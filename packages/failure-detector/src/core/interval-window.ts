/** Numbers that are only ever appended to, shared by the windows that look at different parts of them. */
interface Tape {
  readonly values: Float64Array
  used: number
}

interface Sums {
  readonly mean: number
  /** The sum of the squares of the distances from the mean. */
  readonly squares: number
}

const FIRST_CAPACITY = 16

/**
 * The last intervals, at most `max` of them, with their mean and spread: a value that never changes.
 *
 * A window and the one after it share a tape and see different parts of it, so adding costs the same however large the window is: a
 * tape is copied only when it is full, or when two windows grow out of the same one.
 */
export class IntervalWindow {
  readonly count: number
  readonly mean: number
  readonly #max: number
  readonly #tape: Tape
  readonly #start: number
  readonly #squares: number
  /** How many were ever added. Sums are taken anew at fixed numbers of them: by the history alone, and never by who shares a tape. */
  readonly #added: number

  private constructor(max: number, tape: Tape, start: number, count: number, sums: Sums, added: number) {
    this.#max = max
    this.#tape = tape
    this.#start = start
    this.count = count
    this.mean = sums.mean
    this.#squares = sums.squares
    this.#added = added
  }

  /** A window of `first` alone: one interval or more, and at most `max`. */
  static of(max: number, first: readonly number[]): IntervalWindow {
    const values = new Float64Array(Math.max(FIRST_CAPACITY, first.length))
    values.set(first)
    const tape = { values, used: first.length }
    return new IntervalWindow(max, tape, 0, first.length, sumsOf(values.subarray(0, first.length)), first.length)
  }

  /** That of all intervals in the window, as of a whole population. */
  get variance(): number {
    return this.#squares / this.count
  }

  /** The window after one more interval, without the oldest one if it was full. */
  add(interval: number): IntervalWindow {
    const isFull = this.count === this.#max
    const dropped = isFull ? (this.#tape.values[this.#start] as number) : undefined
    const start = isFull ? this.#start + 1 : this.#start
    const kept = isFull ? this.count - 1 : this.count
    const [tape, at] = this.#append(start, kept, interval)
    const count = kept + 1
    const added = this.#added + 1
    // Dropping and adding leaves a rounding error each time, so now and then it begins anew from the intervals themselves.
    const isAnew = added % this.#max === 0
    const sums = isAnew ? sumsOf(tape.values.subarray(at, at + count)) : this.#after(dropped, interval)
    return new IntervalWindow(this.#max, tape, at, count, sums, added)
  }

  /** Where the kept ones are followed by one more: the same tape if nothing else was appended to it since, else a copy. */
  #append(start: number, kept: number, interval: number): [tape: Tape, start: number] {
    const tape = this.#tape
    const end = start + kept
    if (end === tape.used && end < tape.values.length) {
      tape.values[end] = interval
      tape.used = end + 1
      return [tape, start]
    }
    const capacity = Math.min(Math.max(2 * (kept + 1), FIRST_CAPACITY), 2 * this.#max)
    const values = new Float64Array(capacity)
    values.set(tape.values.subarray(start, end))
    values[kept] = interval
    return [{ values, used: kept + 1 }, 0]
  }

  /** The sums when an interval is added, in the place of another one where the window was full. */
  #after(dropped: number | undefined, added: number): Sums {
    if (dropped === undefined) {
      const grown = this.mean + (added - this.mean) / (this.count + 1)
      return { mean: grown, squares: this.#squares + (added - this.mean) * (added - grown) }
    }
    const mean = this.mean + (added - dropped) / this.count
    const squares = this.#squares + (added - dropped) * (added - mean + (dropped - this.mean))
    // Rounding must not make it less than nothing: it is under a square root.
    return { mean, squares: Math.max(0, squares) }
  }
}

function sumsOf(values: Float64Array): Sums {
  let sum = 0
  for (const value of values) sum += value
  const mean = sum / values.length
  let squares = 0
  for (const value of values) squares += (value - mean) * (value - mean)
  return { mean, squares }
}
