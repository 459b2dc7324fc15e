import { ActorForgotError, CounterExhaustedError } from '../errors.ts'
import { type Actor, checkActorId, type Dot, isCounter, MAX_COUNTER } from './actor.ts'
import { type Causality, causalityOf } from './causality.ts'
import { discardUpTo, isEntryWithin, joinEntries, type SetEntry } from './set-entry.ts'
import { clockOfSorted, orderOf, type VectorClock } from './vector-clock.ts'

/** A value that nothing known has overwritten, with the event that wrote it. */
export interface Sibling<V> extends Dot {
  readonly value: V
}

/** What a reader gets: all values that nothing known has overwritten, and what it passes along when it writes. */
export interface Reading<V> {
  readonly values: readonly V[]
  readonly context: VectorClock
}

let unchecked: <V>(entries: readonly SetEntry<V>[]) => DottedVersionSet<V>

/**
 * The versions of one key at one replica: its siblings, and all writes that are known, by a counter for each replica that has taken a write. However
 * many clients write, there is one entry for each such replica. A value: every method that changes gives another set, or the same object where
 * nothing changes, so `next === set` says that there is nothing to store.
 *
 * A set never takes two writes for concurrent that are not, and the other way round, as long as
 * - the set that `update` gives is durable at the replica before anybody hears of the write, and
 * - no actor gives a dot twice, see {@link Actor}: a replica that forgot something is a new actor.
 *
 * Source: N. Preguiça, C. Baquero, P. S. Almeida, V. Fonte, R. Gonçalves, "Dotted Version Vectors: Logical Clocks for Optimistic
 * Replication", 2010; P. S. Almeida, C. Baquero, R. Gonçalves, N. Preguiça, V. Fonte, "Scalable and Accurate Causality Tracking for Eventually Consistent
 * Stores", DAIS 2014. More than there, siblings of one actor need not be its last events, so any of them can be dropped alone.
 */
export class DottedVersionSet<V> {
  /** By actor, sorted by UTF-16 code units. */
  readonly entries: readonly SetEntry<V>[]
  #context: VectorClock | undefined

  private constructor(entries: readonly SetEntry<V>[]) {
    this.entries = entries
  }

  static {
    unchecked = (entries) => new DottedVersionSet(entries)
  }

  /** The set of a key of which nothing was ever heard. */
  static empty<V>(): DottedVersionSet<V> {
    return EMPTY as DottedVersionSet<V>
  }

  /** All writes that are known: what a reader has seen, and what it passes along when it writes. */
  get context(): VectorClock {
    this.#context ??= clockOfSorted(
      this.entries.map(({ actor }) => actor),
      this.entries.map(({ counter }) => counter),
    )
    return this.#context
  }

  /** By actor, and of each actor the newest first: the same order at every replica. */
  get values(): V[] {
    return this.entries.flatMap(({ siblings }) => siblings.map(({ value }) => value))
  }

  /** The values with the dots of their writes, in the order of {@link values}. */
  get siblings(): Sibling<V>[] {
    return this.entries.flatMap(({ actor, siblings }) =>
      siblings.map(({ counter, value }) => ({ actor, counter, value })),
    )
  }

  /** How many siblings there are. */
  get size(): number {
    let size = 0
    for (const { siblings } of this.entries) size += siblings.length
    return size
  }

  /** The values and the context, for a reader. */
  read(): Reading<V> {
    return { values: this.values, context: this.context }
  }

  /**
   * The set after a write that this replica takes: `value` in place of all that `context` covers, beside what it does not cover.
   * The dot of the write is `(actor.id, next.context.get(actor.id))`.
   *
   * Make the set durable here before anybody hears of the write; else this actor could give the dot again after a crash.
   *
   * @param context what the writer has read: the `context` of a set, merged where it has read several. Empty where it has read nothing: then the
   * value becomes a sibling of all others.
   * @throws ActorForgotError (`DSYS_CLOCK_ACTOR_FORGOT`) when the context has more writes of this actor than it knows itself.
   * @throws CounterExhaustedError (`DSYS_CLOCK_COUNTER_EXHAUSTED`) after 2^53 - 1 writes.
   * @throws RangeError for an id that is no id, or a floor that is no counter. Whatever is thrown, nothing has changed.
   */
  update(actor: Actor, context: VectorClock, value: V): DottedVersionSet<V> {
    const { id } = actor
    const given = this.#given(actor)
    const known = context.get(id)
    if (known > given) throw new ActorForgotError(id, given, known)
    if (given >= MAX_COUNTER) throw new CounterExhaustedError(id)
    const counter = given + 1
    const rest = this.discard(context).entries
    const at = rest.findIndex((entry) => entry.actor >= id)
    const own = rest[at]?.actor === id ? rest[at] : undefined
    if (own === undefined) checkActorId(id)
    const next: SetEntry<V> = { actor: id, counter, siblings: [{ counter, value }, ...(own?.siblings ?? [])] }
    return unchecked(rest.toSpliced(at < 0 ? rest.length : at, own === undefined ? 0 : 1, next))
  }

  /**
   * The set without the values that `context` covers, and with the knowledge that these writes are over: a deletion by a reader
   * who has seen them. No dot is given; what is concurrent stays. What is left when no value is, the context, is what keeps the deleted
   * values from coming back from another replica.
   */
  discard(context: VectorClock): DottedVersionSet<V> {
    const { actors, counters } = context
    const entries: SetEntry<V>[] = []
    let isSame = true
    let i = 0
    let j = 0
    while (i < this.entries.length || j < actors.length) {
      const entry = this.entries[i]
      const actor = actors[j]
      const order = orderOf(entry?.actor, actor)
      if (order <= 0) i++
      const seen = order >= 0 ? (counters[j++] as number) : 0
      const next =
        order <= 0 ? discardUpTo(entry as SetEntry<V>, seen) : { actor: actor as string, counter: seen, siblings: [] }
      isSame &&= next === entry
      entries.push(next)
    }
    return isSame ? this : unchecked(entries)
  }

  /**
   * The set that knows what either of the two knows: a value stays when both have it, or one has it and the other has never heard
   * of it. Commutative, associative and idempotent, so replicas that have heard the same are equal in whatever order they did.
   */
  sync(other: DottedVersionSet<V>): DottedVersionSet<V> {
    if (this === other) return this
    const entries: SetEntry<V>[] = []
    let isOurs = true
    let isTheirs = true
    let i = 0
    let j = 0
    while (i < this.entries.length || j < other.entries.length) {
      const ours = this.entries[i]
      const theirs = other.entries[j]
      const order = orderOf(ours?.actor, theirs?.actor)
      if (order <= 0) i++
      if (order >= 0) j++
      const next =
        order === 0
          ? joinEntries(ours as SetEntry<V>, theirs as SetEntry<V>)
          : ((order < 0 ? ours : theirs) as SetEntry<V>)
      isOurs &&= next === ours
      isTheirs &&= next === theirs
      entries.push(next)
    }
    if (isOurs) return this
    return isTheirs ? other : unchecked(entries)
  }

  /**
   * Whether the other set has all writes of this one, and has discarded all that this one has: whether `this.sync(other)` says no more
   * than `other`.
   */
  isWithin(other: DottedVersionSet<V>): boolean {
    if (this === other) return true
    let j = 0
    for (const entry of this.entries) {
      while (j < other.entries.length && (other.entries[j] as SetEntry<V>).actor < entry.actor) j++
      const theirs = other.entries[j]
      if (theirs?.actor !== entry.actor || !isEntryWithin(entry, theirs)) return false
    }
    return true
  }

  /** How what this set has heard stands to what the other one has: `equal` sets have the same values and the same context. */
  compare(other: DottedVersionSet<V>): Causality {
    return causalityOf(this.isWithin(other), other.isWithin(this))
  }

  /**
   * The set with the greatest value alone, by `order`; all others are discarded. For keyspaces in which the last writer wins; how many
   * were discarded is `set.size - 1`.
   *
   * Every replica has to use the same order. It must be total, and **a write must be greater than all that its context covers**: with timestamps
   * of a {@link HybridClock} that has observed those of the values it replaces. With an order that goes against causality replicas can
   * discard each other's value, so that none is left.
   */
  keepGreatest(order: (a: V, b: V) => number): DottedVersionSet<V> {
    if (this.size <= 1) return this
    const greatest = this.siblings.reduce((best, each) => (order(each.value, best.value) > 0 ? each : best))
    const entries = this.entries.map((entry) => {
      const siblings = entry.siblings.filter(
        ({ counter }) => entry.actor === greatest.actor && counter === greatest.counter,
      )
      return siblings.length === entry.siblings.length ? entry : { ...entry, siblings }
    })
    return unchecked(entries)
  }

  /**
   * The set without the entries of actors that `isRetired` names and that have no value left. It is sound only when each such actor will
   * never write again, every replica of the key has confirmed the very same set (`compare` is `equal`), so that all forget the same, and
   * no older set is under way between them. Where a value turns up that this set had discarded, it comes back. Never prune by age or size. A client that passes an
   * old context brings the entry back, which does no harm.
   */
  prune(isRetired: (actor: string) => boolean): DottedVersionSet<V> {
    const entries = this.entries.filter(({ actor, siblings }) => siblings.length > 0 || !isRetired(actor))
    return entries.length === this.entries.length ? this : unchecked(entries)
  }

  /** The same set of other values, for instance after decoding them. */
  map<W>(change: (value: V) => W): DottedVersionSet<W> {
    return unchecked(
      this.entries.map(({ actor, counter, siblings }) => ({
        actor,
        counter,
        siblings: siblings.map((each) => ({ counter: each.counter, value: change(each.value) })),
      })),
    )
  }

  /**
   * Whether `heard`, a context from another replica or a client, has a write of this actor that the actor itself does not know of: proof that
   * its memory is older than what it has answered, or that two processes are one actor. Ask before {@link sync} with what others
   * send; on `true` go on as a new actor before the next write. That `false` proves nothing: nobody may have told yet.
   */
  hasForgotten(actor: Actor, heard: VectorClock): boolean {
    return heard.get(actor.id) > this.#given(actor)
  }

  /** The largest counter that the actor is known to have given. */
  #given(actor: Actor): number {
    if (!isCounter(actor.floor)) throw new RangeError(`a floor must be from 0 to 2^53 - 1, got ${actor.floor}`)
    const own = this.entries.find((entry) => entry.actor === actor.id)
    return Math.max(own?.counter ?? 0, actor.floor)
  }
}

/** A set of entries that are what they should be, and that nobody changes any more. */
export function setOfSorted<V>(entries: readonly SetEntry<V>[]): DottedVersionSet<V> {
  return entries.length === 0 ? DottedVersionSet.empty() : unchecked(entries)
}

const EMPTY: DottedVersionSet<unknown> = unchecked([])
