import type { Codec } from '@dsys/runtime'

/**
 * A state machine that Raft replicates. `apply` must depend on nothing but its arguments: every node runs it on the same
 * commands in the same order and must arrive at the same state.
 *
 * Commands, results and the state cross wires and disks through codecs, JSON unless said otherwise.
 */
export interface StateMachine<State, Command, Result> {
  /** The state before the first command. */
  initial(): State
  /**
   * Applies one committed command. May change `state` in place and return it. Must not throw: a condition that the caller
   * should learn of is a result. A throw stops the node, as its state cannot be trusted any more.
   */
  apply(state: State, command: Command, context: ApplyContext): Applied<State, Result>
  readonly commandCodec?: Codec<Command>
  readonly resultCodec?: Codec<Result>
  readonly stateCodec?: Codec<State>
}

/** Where in the log a command stands. */
export interface ApplyContext {
  readonly index: number
  readonly term: number
}

/** What {@link StateMachine.apply} returns. */
export interface Applied<State, Result> {
  readonly state: State
  readonly result: Result
}
