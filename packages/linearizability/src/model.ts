/**
 * A sequential specification: what one client alone could see. A plain object without state of its own.
 *
 * States are never changed in place. When they are plain JSON, {@link equals} and {@link hash} can be left out.
 */
export interface Model<State, Input, Output> {
  readonly name: string

  /** The state before the first operation. */
  init(): State

  /**
   * The states that the operation may lead to from `state`, none when it cannot return `output` there.
   *
   * An `output` of `undefined` is that of an operation whose outcome is unknown. The answer is then every state that it may leave
   * behind when it takes effect, whatever it would have returned; that it never takes effect is the business of the checker.
   */
  step(state: State, input: Input, output: Output | undefined, key: string): readonly State[]

  /**
   * Whether the operation with this output never changes anything, in any state: a read, a compare-and-set that was refused. The
   * checker puts such operations wherever they first fit, and drops those of unknown outcome. By default nothing is read-only.
   */
  readOnly?(input: Input, output: Output | undefined): boolean

  /**
   * The part of the history that the operation belongs to. Parts are judged apart, each from {@link init}, so no operation of one
   * may depend on another part. Default: its key.
   */
  partition?(key: string, input: Input): string

  /**
   * For speed alone: something by which an operation can say which state it needs, for instance the value of a register. An order
   * that leaves a mark which later operations need and which nothing can bring back is given up at once. Default: no marks.
   */
  readonly marks?: {
    /** The mark of a state; `undefined` when it has none, or when what is known of it leaves more than one. */
    of(state: State): Mark | undefined
    /** The mark that the state must have where the operation takes effect, if it must have one. */
    needed(input: Input, output: Output | undefined): Mark | undefined
    /**
     * The mark that the operation can bring back. Every mark that a state can have again, after it had another, is named here by every
     * operation that can lead to it; with marks that only grow, by none.
     */
    given(input: Input, output: Output | undefined): Mark | undefined
  }

  /**
   * For speed alone: what can be told from all operations of a part together, those that returned and those of unknown outcome. Default:
   * nothing.
   */
  foresight?(operations: readonly RecordedOperation<Input, Output>[]): Foresight<State, Input, Output>

  /** Default: whether they are the same JSON. */
  equals?(a: State, b: State): boolean

  /** Equal states have equal hashes: a whole number, taken as 32 bits. Default: a hash of the state as JSON. */
  hash?(state: State): number

  /**
   * What is wrong with an operation that was recorded, before anything is judged; `output` is `undefined` unless it returned. Default:
   * nothing is checked.
   */
  problem?(input: unknown, output: unknown): string | undefined

  /** The operation in a few characters, for pictures. Default: JSON. */
  describe?(input: Input, output: Output | undefined, key: string): string

  /** The state in a few characters, for pictures. Default: JSON. */
  describeState?(state: State): string
}

/** An operation as it was recorded; its output is `undefined` when its outcome is unknown, and then its end says nothing. */
export interface RecordedOperation<Input, Output> {
  readonly key: string
  readonly input: Input
  readonly output: Output | undefined
  /** Where in the history: indices of events. */
  readonly invokedAt: number
  readonly endedAt: number
}

/** See {@link Model.foresight}. */
export interface Foresight<State, Input, Output> {
  /**
   * Whether anybody can have seen the effect of this operation of unknown outcome. It is left out when nobody can, so every order that
   * has it must remain one without it.
   */
  isSeen?(input: Input): boolean
  /** Whether it is certain, without any search, that there is no order. Default: false. */
  readonly isHopeless?: boolean
  /** For states that only ever go on. */
  readonly progress?: {
    /** How far a state is, at least. Never less behind an operation than before it. */
    of(state: State): number
    /** How far the state can be before the operation at most; `undefined` when that does not matter. */
    latest(input: Input, output: Output | undefined): number | undefined
  }
  /** Whether an order can have this state behind one of its operations. What is given up is every order that comes through it. */
  isOpen?(state: State): boolean
}

/** See {@link Model.marks}. */
export type Mark = string | number

/** A model whose types are not known: what a program gets that chooses one by its name. */
export type AnyModel = Model<unknown, unknown, unknown>

/** No state: the operation cannot have returned that here. */
export const IMPOSSIBLE: readonly never[] = Object.freeze([])
