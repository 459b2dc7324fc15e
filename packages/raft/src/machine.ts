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
  /**
   * The whole state in one piece, for snapshots. Encoding and decoding it holds up everything else on this node, some
   * milliseconds for each MiB, and while it is encoded or read it is in memory twice: enough for a state that is small. Give
   * `snapshot` where it may grow.
   */
  readonly stateCodec?: Codec<State>
  /** Snapshots in parts, which hold up nothing, whatever the size of the state. It takes the place of `stateCodec`. */
  readonly snapshot?: SnapshotInParts<State>
}

/** How a state is written and read in parts, between which the node does everything else that it has to do. */
export interface SnapshotInParts<State> {
  /**
   * The state as it is now, in parts. Called between two commands, and must be quick, as nothing else happens meanwhile; the parts are
   * asked for one by one, later, while `apply` goes on. So they must come from something that `apply` does not change: a persistent structure,
   * one that copies what it changes, or a copy of what changes in place, made here: the body of a generator runs later. One view at a time is read, and one may be given up before its end:
   * then the `return` of its iterator is called.
   *
   * Make parts of 16 KiB to 256 KiB: each is encoded, and decoded, without a break. Their bytes must depend on the state alone, and must not
   * change once they are given.
   */
  freeze(state: State): Iterable<Uint8Array>
  /** Begins to read a snapshot. */
  decoder(): SnapshotDecoder<State>
}

/** Reads one snapshot, part by part. It may be dropped before the end. Throw whatever says why a part cannot be read. */
export interface SnapshotDecoder<State> {
  /**
   * Takes the next part: the same ones that {@link SnapshotInParts.freeze} gave, in the same order. From a machine that had only
   * `stateCodec` there is one.
   */
  add(part: Uint8Array): void
  /** The state, after the last part. Must be quick. */
  finish(): State
}

/** Where in the log a command stands: `index` and `position` together are those of no other command that the group applies. */
export interface ApplyContext {
  /** Of the entry; the commands of one `proposeAll` share it. */
  readonly index: number
  readonly term: number
  /** Which of the commands of its entry it is, from 0; that of a `propose` is the only one. */
  readonly position: number
}

/** What {@link StateMachine.apply} returns. */
export interface Applied<State, Result> {
  readonly state: State
  /** Kept for retries, and written into snapshots later: so it must share nothing with the state that a later `apply` changes in place. */
  readonly result: Result
}
