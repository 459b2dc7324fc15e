import { InvariantError } from '@dsys/runtime'
import type { Clock } from './clock.ts'
import { type Actor, type Dot, MAX_COUNTER } from './dot.ts'

/** What a replica has seen of one actor, as data. */
export interface SeenRow {
  readonly actor: Actor
  /** All dots from 1 to this were seen. */
  readonly base: number
  /**
   * Ranges of dots above the base that were seen too: first and last, first and last. They ascend, and between any two, and between the base and
   * the first, at least one dot is missing.
   */
  readonly spans: readonly number[]
}

interface Row {
  readonly actor: Actor
  base: number
  readonly spans: number[]
}

/**
 * The causal context of a partition on one replica: of each actor, which of its dots were seen here. Seen means stored, or known to be replaced.
 *
 * It changes in place, as it is asked and added to with every write. What it holds is as much as there are actors and holes; with no message
 * lost and none overtaken, one number for each actor.
 */
export class Seen {
  /** Sorted by actor. */
  readonly #rows: Row[] = []
  readonly #byActor = new Map<Actor, Row>()

  /** What was seen according to `rows`, which {@link Seen.snapshot} gave or a codec has checked. */
  static of(rows: Iterable<SeenRow>): Seen {
    const seen = new Seen()
    seen.join(rows)
    return seen
  }

  /** How many actors it knows of. */
  get size(): number {
    return this.#rows.length
  }

  /** All dots of `actor` from 1 to this were seen. */
  base(actor: Actor): number {
    return this.#byActor.get(actor)?.base ?? 0
  }

  has({ actor, counter }: Dot): boolean {
    const row = this.#byActor.get(actor)
    if (row === undefined) return false
    return counter <= row.base || (row.spans.length > 0 && isWithin(row.spans, counter))
  }

  /** The greatest dot of `actor` that was seen. */
  last(actor: Actor): number {
    const row = this.#byActor.get(actor)
    return row === undefined ? 0 : (row.spans.at(-1) ?? row.base)
  }

  /** Notes a dot. Returns whether it is new. */
  add({ actor, counter }: Dot): boolean {
    const row = this.#rowOf(actor)
    if (counter <= row.base) return false
    if (counter > row.base + 1) return addSpan(row.spans, counter, counter)
    row.base = counter
    absorb(row)
    return true
  }

  /**
   * Notes all that `rows` say. Returns the actors of which something was new. It is sound only where it is known that this replica has, or knows to be
   * replaced, what is behind each of the dots: at the end of a whole sync, from the snapshot that was taken before the sync began.
   */
  join(rows: Iterable<SeenRow>): Actor[] {
    const changed: Actor[] = []
    for (const { actor, base, spans } of rows) {
      const row = this.#rowOf(actor)
      let isNew = base > row.base
      if (isNew) row.base = base
      for (let i = 0; i < spans.length; i += 2) {
        const last = spans[i + 1] as number
        if (last > row.base && addSpan(row.spans, Math.max(spans[i] as number, row.base + 1), last)) isNew = true
      }
      absorb(row)
      if (isNew) changed.push(actor)
    }
    return changed
  }

  /** What was seen of one actor. */
  row(actor: Actor): SeenRow {
    const row = this.#byActor.get(actor)
    return row === undefined ? { actor, base: 0, spans: [] } : copyOf(row, row.spans.length)
  }

  /**
   * What was seen, sorted by actor, as data that stays as it is.
   *
   * @param maxSpans of each actor: the highest ones are left out above it. So it says less than is known, which is sound for whoever joins it.
   * Default: no limit, as what is stored must be whole.
   */
  snapshot(maxSpans: number = Number.POSITIVE_INFINITY): SeenRow[] {
    const rows: SeenRow[] = []
    for (const row of this.#rows) {
      if (row.base > 0 || row.spans.length > 0) rows.push(copyOf(row, Math.min(row.spans.length, 2 * maxSpans)))
    }
    return rows
  }

  equals(other: Seen): boolean {
    const ours = this.snapshot()
    const theirs = other.snapshot()
    return ours.length === theirs.length && ours.every((row, i) => isSameRow(row, theirs[i] as SeenRow))
  }

  /**
   * The clock of a key, filled: joined with the base of every actor. It says the truth of a key of which the object is whole and of now: dots of
   * that key up to a base are in its versions, or were replaced.
   */
  fill(clock: Clock): Clock {
    const filled: Dot[] = []
    let i = 0
    for (const { actor, base } of this.#rows) {
      for (let entry = clock[i]; entry !== undefined && entry.actor < actor; entry = clock[++i]) filled.push(entry)
      const entry = clock[i]
      if (entry?.actor === actor) {
        filled.push(entry.counter >= base ? entry : { actor, counter: base })
        i++
      } else if (base > 0) filled.push({ actor, counter: base })
    }
    for (; i < clock.length; i++) filled.push(clock[i] as Dot)
    return filled
  }

  /** The clock of a key, stripped: without the entries that {@link Seen.fill} brings back. The same one where there are none. */
  strip(clock: Clock): Clock {
    let kept = 0
    for (const { actor, counter } of clock) if (counter > this.base(actor)) kept++
    return kept === clock.length ? clock : clock.filter(({ actor, counter }) => counter > this.base(actor))
  }

  #rowOf(actor: Actor): Row {
    const known = this.#byActor.get(actor)
    if (known !== undefined) return known
    const row: Row = { actor, base: 0, spans: [] }
    this.#byActor.set(actor, row)
    const at = this.#rows.findIndex((other) => other.actor > actor)
    this.#rows.splice(at < 0 ? this.#rows.length : at, 0, row)
    return row
  }
}

const copyOf = ({ actor, base, spans }: Row, length: number): SeenRow => ({
  actor,
  base,
  spans: spans.slice(0, length),
})

const isSameRow = (a: SeenRow, b: SeenRow): boolean =>
  a.actor === b.actor &&
  a.base === b.base &&
  a.spans.length === b.spans.length &&
  a.spans.every((bound, i) => bound === b.spans[i])

/** Takes spans into the base that it has reached. */
function absorb(row: Row): void {
  const { spans } = row
  let taken = 0
  while (taken < spans.length && (spans[taken] as number) <= row.base + 1) {
    row.base = Math.max(row.base, spans[taken + 1] as number)
    taken += 2
  }
  if (taken > 0) spans.splice(0, taken)
  if (row.base > MAX_COUNTER) throw new InvariantError(`a base is ${row.base}, above the greatest counter`)
}

/** The position of the first span that ends at `counter` or above. */
function spanFrom(spans: readonly number[], counter: number): number {
  // What is new is at the end, nearly always.
  if (spans.length === 0 || (spans[spans.length - 1] as number) < counter) return spans.length
  let low = 0
  let high = spans.length / 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((spans[2 * middle + 1] as number) < counter) low = middle + 1
    else high = middle
  }
  return 2 * low
}

function isWithin(spans: readonly number[], counter: number): boolean {
  const first = spans[spanFrom(spans, counter)]
  return first !== undefined && first <= counter
}

/** Puts in the dots from `first` to `last`. Returns whether any of them is new. */
function addSpan(spans: number[], first: number, last: number): boolean {
  // Spans that touch become one, so the search begins at what ends right before.
  const from = spanFrom(spans, first - 1)
  let to = from
  while (to < spans.length && (spans[to] as number) <= last + 1) to += 2
  if (to === from) {
    spans.splice(from, 0, first, last)
    return true
  }
  const start = spans[from] as number
  const end = spans[to - 1] as number
  if (to === from + 2 && start <= first && last <= end) return false
  spans.splice(from, to - from, Math.min(start, first), Math.max(end, last))
  return true
}
