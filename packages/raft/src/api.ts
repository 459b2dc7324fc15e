import type { Service, SubscribeOptions } from '@dsys/runtime'
import type { Membership } from './core/configuration.ts'
import type { Explanation } from './findings.ts'
import type { CallOptions, ProposeOptions, ReadOptions, ReconfigureOptions } from './options.ts'
import type { RaftEvent, RaftStatus } from './status.ts'

/** Whom a group shall consist of. */
export interface ReconfigureTarget {
  readonly voters: readonly string[]
  /** Default: nobody. */
  readonly learners?: readonly string[]
  /** Those of `voters` that hold no data, and are made with the option `witness`. Default: nobody. */
  readonly witnesses?: readonly string[]
}

/** What a user does with one member of a Raft group. `RaftNode` implements it. */
export interface Raft<State, Command, Result> extends Service {
  /**
   * Replicates `command` and returns what the state machine made of it. Any node takes it and brings it to the leader,
   * again and again while leaders change, and the command is applied at most once. With `client` that holds over calls too: whoever got no
   * answer proposes it again, at whichever node, and has the first result.
   *
   * @throws NoLeaderError, OverloadedError, CommandTooLargeError, NotRunningError (all not applied);
   *   OutcomeUnknownError, RaftFailedError (unknown); with `client` also ClientForgottenError and ResultForgottenError (nothing by this call,
   *   unknown for earlier ones) and RangeError. An aborted signal rejects with its reason: the outcome is unknown.
   */
  propose(command: Command, options?: ProposeOptions): Promise<Result>

  /**
   * Takes a new client into the group, and returns its id, which no other client ever has. Keep it where it survives what the
   * client must survive, together with the sequence of each command that is under way. A client outlives restarts, snapshots and changes of leader and
   * members; the group remembers the 4,096 that were used last.
   *
   * An opening whose outcome is unknown may leave a client that nobody uses, which does no harm.
   *
   * @throws NoLeaderError, OverloadedError, NotRunningError (not applied); OutcomeUnknownError, RaftFailedError (unknown).
   */
  openClient(options?: CallOptions): Promise<string>

  /**
   * Replicates `commands` as one entry of the log and returns their results in the same order. They are applied in their order, with nothing
   * in between, and all of them or none: they share one deadline, one place in the log, and one outcome. Much faster than as many calls of
   * {@link Raft.propose}, each of which is an entry with a promise of its own. No commands have no results, and cost nothing. With `client` they have
   * one sequence together, and whoever proposes them again has the results of the first time.
   *
   * Together, with four bytes for each, they are bounded by `maxCommandBytes`, and they count as one proposal against `maxPending`, and
   * by their bytes against `maxPendingBytes`.
   *
   * @throws as {@link Raft.propose} does, for all of them together.
   */
  proposeAll(commands: readonly Command[], options?: ProposeOptions): Promise<Result[]>

  /**
   * Calls `query` with the state of this node, once that is as fresh as asked for, and returns its answer. `query` must not
   * change the state or keep a reference into it.
   *
   * @throws ReadTimeoutError, NoLeaderError, OverloadedError, NotRunningError, RaftFailedError, WitnessError; RangeError where the options say
   *   no kind of read.
   */
  read<T>(query: (state: State) => T, options?: ReadOptions): Promise<T>

  status(): RaftStatus

  /**
   * Why there is no leader, why entries are not committed, why a learner is not promoted, why reads wait and what is full: as far as this node
   * knows, with what it knows it by. It asks nobody and waits for nothing. Where another node leads, that one knows more. After a stop it says how it stood
   * then; before a start it throws NotRunningError.
   */
  explain(): Explanation

  /**
   * On the leader: brings the target up to date and makes it the leader. Resolves when this node follows it.
   *
   * @param to a voter; by default the one with the most of the log.
   * @throws TransferFailedError.
   */
  transferLeadership(options?: CallOptions & { readonly to?: string }): Promise<void>

  /**
   * Begins a new group of these voters, this node among them. Call it once in the life of a group, on one node, of which no options name
   * voters: the others learn it from this one. Resolves when that is on the disk of this node, which asks for votes then.
   *
   * @throws AlreadyBootstrappedError (the node is of a group already: restart it without this), RangeError, NotRunningError (all not
   *   applied); OutcomeUnknownError, RaftFailedError (unknown).
   */
  bootstrap(target: { readonly voters: readonly string[] }, options?: CallOptions): Promise<void>

  /**
   * Brings the group to these members, and resolves with them when that is committed here. New voters are learners until they have
   * the log, then old and new voters decide together, then the new ones alone (joint consensus): at every moment the group survives
   * the loss of any minority of its voters. It goes on under other leaders, and when the caller gives up. Asking again for the same is
   * harmless; asking for something else before the voters change takes its place.
   *
   * Make a new node with the same `group` and no `voters` before. Stop a removed one after. A leader that is removed hands over.
   *
   * @throws MembershipConflictError, NoLeaderError (not begun), ReconfigurationPendingError (may go on), OverloadedError, RangeError,
   *   NotRunningError, RaftFailedError.
   */
  reconfigure(target: ReconfigureTarget, options?: ReconfigureOptions): Promise<Membership>

  /** First the present state as events: role, leader, and the failure if the node has stopped itself; then each change. */
  events(options?: SubscribeOptions): AsyncIterableIterator<RaftEvent, undefined>

  /** Hands leadership over when this node leads, finishes what it can of the calls under way, and stops. */
  stop(): Promise<void>
}
