import { canonicalText } from '../json.ts'
import type { AnyModel, Foresight } from '../model.ts'
import { ConfigurationCache } from './configuration-cache.ts'
import { EventList, type SearchOperation } from './event-list.ts'
import { LinearizedSet } from './linearized-set.ts'
import { Marks } from './marks.ts'
import { Progress } from './progress.ts'
import { StateTable } from './state-table.ts'
import { EMPTY_SET, UnknownSets } from './unknown-sets.ts'

/** What is judged as one: operations in the order of their calls, without those that failed. */
export interface SearchProblem {
  readonly model: AnyModel
  readonly operations: readonly SearchOperation[]
}

/** An order of operations, as far as it was taken. */
export interface PartialOrder {
  /** The numbers of the operations, first to last. */
  readonly order: readonly number[]
  /** The state behind each of them. */
  readonly states: readonly unknown[]
}

/** One choice on the path from the first state to the present configuration. */
interface Frame {
  /** A known operation by its index, or one of unknown outcome by its complement (`~index`). */
  readonly choice: number
  /** Which of the states that the operation may lead to. */
  readonly alternative: number
  /** The state and the used unknown operations before. */
  readonly state: number
  readonly used: number
  /** A read that fits: to put it anywhere else is never better, so the search does not come back to it. */
  readonly forced: boolean
}

const READS = 0
const KNOWN = 1
const UNKNOWN = 2

/**
 * The search for a linearization: Wing and Gong's, with Lowe's list and cache, and four rules that leave out orders which cannot be
 * better than another one. ALGORITHM.md explains them and why they are right.
 *
 * It can be stopped after any number of steps and goes on where it was, so that many searches can share a budget.
 */
export class Search {
  readonly #model: AnyModel
  readonly #known: readonly SearchOperation[]
  readonly #unknown: readonly SearchOperation[]
  /** For each unknown operation the one before it that does just the same, which is used first; -1 for none. */
  readonly #twins: Int32Array
  readonly #list: EventList
  /** For each known operation its number among the reads, or the complement of its number among the changes. */
  readonly #ranks: Int32Array
  readonly #changes: LinearizedSet
  readonly #reads: LinearizedSet
  readonly #sets: UnknownSets
  readonly #cache: ConfigurationCache
  readonly #states: StateTable
  readonly #marks: Marks
  readonly #foresight: Foresight<unknown, unknown, unknown>
  readonly #progress: Progress | undefined
  readonly #path: Frame[] = []

  #state: number
  #used: number = EMPTY_SET
  #phase = READS
  /** In the second phase: what may come next, in the order in which it is tried. */
  readonly #candidates: number[] = []
  /** In the first two phases a node of the list, in the last one the index of an unknown operation. */
  #cursor: number
  /** Which of the states of the operation at the cursor comes next. */
  #alternative = 0
  /** In the last phase: where the first operation that is not linearized returns. */
  #firstReturn = 0
  #looks = 0
  #answer: 'yes' | 'no' | undefined

  /** The path that came farthest. Its first `shared` choices are those of the present path. */
  readonly #best = { order: [] as number[], states: [] as number[], blockedAt: -1, known: -1, shared: 0 }

  constructor({ model, operations }: SearchProblem) {
    this.#model = model
    this.#known = operations.filter(({ output }) => output !== undefined)
    this.#foresight = model.foresight?.(operations) ?? {}
    this.#unknown = operations.filter((operation) => operation.output === undefined && this.#isOfUse(operation))
    this.#twins = twinsOf(this.#unknown)
    this.#list = new EventList(this.#known)
    this.#ranks = ranksOf(this.#known)
    const reads = this.#known.filter(({ readOnly }) => readOnly).length
    this.#reads = new LinearizedSet(reads)
    this.#changes = new LinearizedSet(this.#known.length - reads)
    this.#sets = new UnknownSets(this.#unknown.length)
    this.#cache = new ConfigurationCache(this.#changes, this.#reads, this.#sets)
    this.#states = new StateTable(model)
    this.#marks = new Marks(model, [...this.#known, ...this.#unknown])
    this.#state = this.#states.idOf(model.init())
    const { progress, isHopeless } = this.#foresight
    this.#progress = progress && new Progress(progress, this.#known)
    this.#cursor = this.#list.first
    if (isHopeless === true) this.#answer = 'no'
  }

  /** How many operations were looked at so far, and sets compared. */
  get steps(): number {
    return this.#looks + this.#cache.comparisons
  }

  /** Where the return is that no order has come past, as an index of the history; -1 before the search has come to any. */
  get blockedAt(): number {
    return this.#best.blockedAt
  }

  /** The longest order that was found. */
  get longest(): PartialOrder {
    if (this.#answer === 'yes') this.#keepPath()
    return { order: [...this.#best.order], states: this.#best.states.map((id) => this.#states.stateOf(id)) }
  }

  /** Goes on until there is an answer, or until {@link steps} has come to `limit`. */
  run(limit: number): 'yes' | 'no' | undefined {
    while (this.#answer === undefined && this.steps < limit) {
      if (this.#linearized === this.#known.length) this.#answer = 'yes'
      else if (this.#phase === READS) this.#takeReads()
      else if (this.#phase === KNOWN) this.#tryKnown()
      else this.#tryUnknown()
    }
    return this.#answer
  }

  /** Linearizes every read that fits the present state, then asks whether the search was here before. */
  #takeReads(): void {
    const node = this.#cursor
    if (isCall(node)) {
      this.#looks += 1
      const operation = this.#known[node >> 1] as SearchOperation
      const fits = operation.readOnly && this.#staysAt(operation)
      const next = this.#list.after(node)
      if (fits) this.#push(node >> 1, 0, this.#state, true)
      // Its own return was lifted with it.
      this.#cursor = fits && next === node + 1 ? this.#list.after(next) : next
      return
    }
    if (this.#cache.add(this.#state, this.#used)) {
      this.#gather()
      this.#beginPhase(KNOWN, 0)
      return
    }
    const refused = this.#used
    this.#back()
    if (this.#used !== refused) this.#sets.dropLatest(refused)
  }

  #staysAt(operation: SearchOperation): boolean {
    const states = this.#step(this.#state, operation)
    return states.length === 1 && this.#states.idOf(states[0]) === this.#state
  }

  #tryKnown(): void {
    const next = this.#candidates[this.#cursor]
    if (next === undefined) {
      this.#noteBlocked()
      this.#beginPhase(UNKNOWN, 0)
      return
    }
    if (!this.#descend(next)) this.#moveTo(this.#cursor + 1)
  }

  /** What was called before the first return, the one that returns first first: it can wait least. */
  #gather(): void {
    const candidates = this.#candidates
    candidates.length = 0
    let node = this.#list.first
    for (; isCall(node); node = this.#list.after(node)) candidates.push(node >> 1)
    this.#looks += candidates.length
    candidates.sort((a, b) => this.#endOf(a) - this.#endOf(b))
    this.#firstReturn = this.#endOf(node >> 1)
  }

  #endOf(known: number): number {
    return (this.#known[known] as SearchOperation).endedAt
  }

  #tryUnknown(): void {
    const index = this.#cursor
    const operation = this.#unknown[index]
    if (operation === undefined || operation.invokedAt > this.#firstReturn) {
      this.#back()
      return
    }
    if (!this.#isUsable(index) || !this.#descend(~index)) this.#moveTo(index + 1)
  }

  #isOfUse({ input, readOnly }: SearchOperation): boolean {
    return !readOnly && (this.#foresight.isSeen === undefined || this.#foresight.isSeen(input))
  }

  /** Not used yet, while all that are just like it and were called before are. */
  #isUsable(index: number): boolean {
    this.#looks += 1
    const twin = this.#twins[index] as number
    return !this.#sets.has(this.#used, index) && (twin < 0 || this.#sets.has(this.#used, twin))
  }

  /** Linearizes the operation at the cursor, if there is a state left to which that leads and that is worth it. */
  #descend(choice: number): boolean {
    const operation = this.#operationOf(choice)
    this.#looks += 1
    const states = this.#step(this.#state, operation)
    for (let alternative = this.#alternative; alternative < states.length; alternative++) {
      const state = this.#states.idOf(states[alternative])
      // An operation that changes nothing and need not be there is left out.
      if (choice < 0 && state === this.#state) continue
      if (this.#marks.isFatal(this.#states.stateOf(this.#state), operation, states[alternative])) continue
      if (this.#foresight.isOpen?.(states[alternative]) === false) continue
      if (this.#progress?.isFatal(states[alternative], choice) === true) continue
      if (this.#isRedundant(choice, operation, state)) continue
      this.#push(choice, alternative, state, false)
      return true
    }
    return false
  }

  /**
   * Whether the operation comes right behind one of unknown outcome, and leads where another order leads as well: the one without the
   * unknown operation, the one that has it later, or, of two unknown ones, the one with the lower number first.
   */
  #isRedundant(choice: number, operation: SearchOperation, state: number): boolean {
    const top = this.#path.at(-1)
    if (top === undefined || top.choice >= 0) return false
    for (const without of this.#step(top.state, operation)) {
      this.#looks += 1
      const id = this.#states.idOf(without)
      if (id === state) return true
      if (choice < 0 && ~choice > ~top.choice) continue
      for (const later of this.#step(id, this.#operationOf(top.choice))) {
        this.#looks += 1
        if (this.#states.idOf(later) === state) return true
      }
    }
    return false
  }

  #step(state: number, { input, output, key }: SearchOperation): readonly unknown[] {
    return this.#model.step(this.#states.stateOf(state), input, output, key)
  }

  #push(choice: number, alternative: number, state: number, forced: boolean): void {
    this.#marks.linearize(this.#operationOf(choice))
    this.#path.push({ choice, alternative, state: this.#state, used: this.#used, forced })
    if (choice >= 0) {
      this.#list.lift(choice)
      this.#progress?.linearize(choice)
      this.#setOf(choice).add(this.#rankOf(choice))
    } else {
      this.#used = this.#sets.with(this.#used, ~choice)
    }
    this.#state = state
    // Behind a read that was taken the state is the same: those passed over before still do not fit.
    if (!forced) this.#beginPhase(READS, this.#list.first)
  }

  /** Undoes choices up to the latest one that had an alternative, and goes on with what follows it. */
  #back(): void {
    for (;;) {
      const frame = this.#path.pop()
      if (frame === undefined) {
        this.#answer = 'no'
        return
      }
      const { choice, alternative } = frame
      this.#marks.undo(this.#operationOf(choice))
      if (choice >= 0) {
        this.#list.putBack(choice)
        this.#progress?.undo(choice)
        this.#setOf(choice).remove(this.#rankOf(choice))
      }
      this.#state = frame.state
      this.#used = frame.used
      if (this.#path.length < this.#best.shared) this.#best.shared = this.#path.length
      if (frame.forced) continue
      this.#gather()
      this.#beginPhase(choice >= 0 ? KNOWN : UNKNOWN, choice >= 0 ? this.#candidates.indexOf(choice) : ~choice)
      this.#alternative = alternative + 1
      return
    }
  }

  #beginPhase(phase: number, cursor: number): void {
    this.#phase = phase
    this.#moveTo(cursor)
  }

  #moveTo(cursor: number): void {
    this.#cursor = cursor
    this.#alternative = 0
  }

  /** Keeps the path when it came farther than any before it. */
  #noteBlocked(): void {
    const best = this.#best
    const known = this.#linearized
    if (this.#firstReturn < best.blockedAt || (this.#firstReturn === best.blockedAt && known <= best.known)) return
    best.blockedAt = this.#firstReturn
    best.known = known
    this.#keepPath()
  }

  /** Copies what differs from the path that was kept last. */
  #keepPath(): void {
    const { order, states, shared } = this.#best
    order.length = shared
    states.length = shared
    for (let depth = shared; depth < this.#path.length; depth++) {
      order.push(this.#operationOf((this.#path[depth] as Frame).choice).op)
      states.push(this.#path[depth + 1]?.state ?? this.#state)
    }
    this.#best.shared = this.#path.length
  }

  /** How many of the known operations are linearized. */
  get #linearized(): number {
    return this.#changes.size + this.#reads.size
  }

  #setOf(known: number): LinearizedSet {
    return (this.#ranks[known] as number) >= 0 ? this.#reads : this.#changes
  }

  #rankOf(known: number): number {
    const rank = this.#ranks[known] as number
    return rank >= 0 ? rank : ~rank
  }

  #operationOf(choice: number): SearchOperation {
    return (choice >= 0 ? this.#known[choice] : this.#unknown[~choice]) as SearchOperation
  }
}

const isCall = (node: number): boolean => (node & 1) === 0

function ranksOf(known: readonly SearchOperation[]): Int32Array {
  let [reads, changes] = [0, 0]
  return Int32Array.from(known, ({ readOnly }) => (readOnly ? reads++ : ~changes++))
}

function twinsOf(operations: readonly SearchOperation[]): Int32Array {
  const latest = new Map<string, number>()
  return Int32Array.from(operations, ({ key, input }, index) => {
    const text = canonicalText([key, input])
    const twin = latest.get(text) ?? -1
    latest.set(text, index)
    return twin
  })
}
