import { DsysError } from '@dsys/runtime'

/** No leader could be reached before the deadline (`DSYS_RAFT_NO_LEADER`). The proposal or read was not carried out. */
export class NoLeaderError extends DsysError {
  constructor(group: string, timeoutMs: number) {
    super(`group "${group}" had no leader that could be reached within ${timeoutMs} ms`, {
      code: 'DSYS_RAFT_NO_LEADER',
      retryable: true,
      outcome: 'not-applied',
      hint: 'A majority of the voters must run and reach each other; explain() of each says what is missing. Then try again.',
    })
  }
}

/**
 * The deadline passed, or this node stopped, while a proposal was on its way (`DSYS_RAFT_OUTCOME_UNKNOWN`). It may have
 * been applied, or may still be.
 */
export class OutcomeUnknownError extends DsysError {
  constructor(group: string, why: string) {
    super(`the outcome of a proposal to group "${group}" is unknown: ${why}`, {
      code: 'DSYS_RAFT_OUTCOME_UNKNOWN',
      retryable: false,
      outcome: 'unknown',
      hint: 'Read the state before you propose again, unless doing it twice is harmless; or propose as a client, see openClient().',
    })
  }
}

/**
 * The group does not know the client of a proposal (`DSYS_RAFT_CLIENT_FORGOTTEN`): it was used least lately of too many, or is of another
 * group. Whether the command was applied before, nobody can say any more; it will not be from now on.
 */
export class ClientForgottenError extends DsysError {
  readonly client: string

  constructor(group: string, client: string) {
    super(`group "${group}" does not know the client ${client}`, {
      code: 'DSYS_RAFT_CLIENT_FORGOTTEN',
      retryable: false,
      outcome: 'unknown',
      hint: 'Read the state to learn what was applied, then go on with a client from openClient().',
    })
    this.client = client
  }
}

/**
 * The group keeps no result for a sequence that is so far back (`DSYS_RAFT_RESULT_FORGOTTEN`): its client has said that it has seen it, or has
 * had too many others since. Whether the command was applied before, nobody can say any more; it will not be from now on.
 */
export class ResultForgottenError extends DsysError {
  readonly client: string
  readonly sequence: number

  constructor(group: string, client: string, sequence: number) {
    super(`group "${group}" keeps no result for command ${sequence} of client ${client} any more`, {
      code: 'DSYS_RAFT_RESULT_FORGOTTEN',
      retryable: false,
      outcome: 'unknown',
      hint: 'Read the state to learn whether it was applied. Try again sooner, with fewer commands of a client under way.',
    })
    this.client = client
    this.sequence = sequence
  }
}

/** A read was not answered before the deadline (`DSYS_RAFT_READ_TIMEOUT`). */
export class ReadTimeoutError extends DsysError {
  constructor(group: string, timeoutMs: number) {
    super(`a read of group "${group}" was not confirmed within ${timeoutMs} ms`, {
      code: 'DSYS_RAFT_READ_TIMEOUT',
      retryable: true,
      outcome: 'not-applied',
      hint: 'The leader could not reach a majority in time; its explain() says whom. Try again, or read with consistency "stale".',
    })
  }
}

/** Too much is waiting already (`DSYS_RAFT_OVERLOADED`). Nothing was done. */
export class OverloadedError extends DsysError {
  /** @param what waits, and how much of it where that is known. */
  constructor(group: string, what: string) {
    super(`group "${group}" has ${what} waiting: one more would be too much`, {
      code: 'DSYS_RAFT_OVERLOADED',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Slow down and try again, or raise the limit if the memory is there.',
    })
  }
}

/** An encoded command is over the limit (`DSYS_RAFT_COMMAND_TOO_LARGE`). Nothing was done. */
export class CommandTooLargeError extends DsysError {
  readonly commandBytes: number
  readonly maxCommandBytes: number

  constructor(commandBytes: number, maxCommandBytes: number) {
    super(`a command of ${commandBytes} bytes is over the limit of ${maxCommandBytes}`, {
      code: 'DSYS_RAFT_COMMAND_TOO_LARGE',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Split the command, or raise maxCommandBytes on every node (the transport limits it too).',
    })
    this.commandBytes = commandBytes
    this.maxCommandBytes = maxCommandBytes
  }
}

/** Leadership did not move to the target in time (`DSYS_RAFT_TRANSFER_FAILED`). The group is as it was, or elects anew. */
export class TransferFailedError extends DsysError {
  constructor(group: string, why: string) {
    super(`leadership of group "${group}" was not transferred: ${why}`, {
      code: 'DSYS_RAFT_TRANSFER_FAILED',
      retryable: true,
      outcome: 'unknown',
      hint: "Look at status() for the followers' matchIndex; a follower that is far behind cannot take over.",
    })
  }
}

/**
 * The group is not what the caller took it for, or another change has taken the place of this one
 * (`DSYS_RAFT_MEMBERSHIP_CONFLICT`).
 */
export class MembershipConflictError extends DsysError {
  constructor(group: string) {
    super(`the members of group "${group}" are not those that were expected`, {
      code: 'DSYS_RAFT_MEMBERSHIP_CONFLICT',
      retryable: false,
      outcome: 'unknown',
      hint: 'Somebody else changes the group too. Look at status() on its leader, decide anew, and say what you expect.',
    })
  }
}

/** What the log of a node says of its group. */
export interface LogFacts {
  /** Who counts by the newest configuration; nobody where there is none. */
  readonly voters: readonly string[]
  readonly term: number
  readonly lastIndex: number
}

/** The node is of a group already, or has voted in one (`DSYS_RAFT_ALREADY_BOOTSTRAPPED`). Nothing was changed. */
export class AlreadyBootstrappedError extends DsysError {
  readonly voters: readonly string[]
  readonly term: number
  readonly lastIndex: number

  constructor(group: string, { voters, term, lastIndex }: LogFacts) {
    const named = voters.length === 0 ? 'no voters' : `the voters ${voters.join(', ')}`
    super(
      `group "${group}" is there already: this node has ${named}, term ${term}, and a log that ends at ${lastIndex}`,
      {
        code: 'DSYS_RAFT_ALREADY_BOOTSTRAPPED',
        retryable: false,
        outcome: 'not-applied',
        hint:
          'A restart needs no bootstrap. To change the members use reconfigure(); where a majority is lost for ever, recover(). A node ' +
          'that has only voted learns the rest from its leader.',
      },
    )
    this.voters = voters
    this.term = term
    this.lastIndex = lastIndex
  }
}

/** `recover` was not told that data may be lost (`DSYS_RAFT_DATA_LOSS_NOT_ACCEPTED`). Nothing was changed. */
export class DataLossNotAcceptedError extends DsysError {
  /** The voters of the log, the term of its last entry and its index: by the last two, in this order, survivors are compared. */
  readonly voters: readonly string[]
  readonly lastTerm: number
  readonly lastIndex: number

  constructor(group: string, voters: readonly string[], last: { readonly term: number; readonly index: number }) {
    super(
      `group "${group}" was not recovered: the log ends at index ${last.index} of term ${last.term}, and whatever a majority of ` +
        `${voters.join(', ')} has acknowledged beyond would be lost`,
      {
        code: 'DSYS_RAFT_DATA_LOSS_NOT_ACCEPTED',
        retryable: false,
        outcome: 'not-applied',
        hint: 'Take the survivor with the highest term, then index. Say acceptDataLoss: true only if a majority never comes back.',
      },
    )
    this.voters = voters
    this.lastTerm = last.term
    this.lastIndex = last.index
  }
}

/** The log holds no group (`DSYS_RAFT_NOTHING_TO_RECOVER`). Nothing was changed. */
export class NothingToRecoverError extends DsysError {
  constructor(group: string) {
    super(`the log of group "${group}" is empty, or has no voters`, {
      code: 'DSYS_RAFT_NOTHING_TO_RECOVER',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Look at the name of the group and the folder of the log. A new group is made by bootstrap().',
    })
  }
}

/** A call that needs data was made at a witness, which has none (`DSYS_RAFT_WITNESS`). Nothing was done. */
export class WitnessError extends DsysError {
  constructor(group: string, what: string) {
    super(`this node is a witness of group "${group}", which holds no data: it ${what}`, {
      code: 'DSYS_RAFT_WITNESS',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Ask a voter that holds data; the witnesses of a group are in status().witnesses.',
    })
  }
}

/**
 * A node would become a witness, or cease to be one, while it is of the group (`DSYS_RAFT_WITNESS_ROLE`). The group is as it was.
 */
export class WitnessRoleError extends DsysError {
  constructor(group: string) {
    super(
      `a member of group "${group}" would become a witness, or a witness a member with data, without leaving first`,
      {
        code: 'DSYS_RAFT_WITNESS_ROLE',
        retryable: false,
        outcome: 'not-applied',
        hint: 'Remove the node from the group, give it an empty disk and a new id, and add it as what it shall be.',
      },
    )
  }
}

/** A node is made as a witness and its group or its log says otherwise, or the other way round (`DSYS_RAFT_WITNESS_MISMATCH`). */
export class WitnessMismatchError extends DsysError {
  constructor(why: string) {
    super(why, {
      code: 'DSYS_RAFT_WITNESS_MISMATCH',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Make the node with the option witness as reconfigure() names it. To change it, remove it and add another with an empty disk.',
    })
  }
}

/**
 * The group knows this node by another disk (`DSYS_RAFT_IDENTITY_LOST`): its log was lost or replaced, and with it votes and entries that
 * others count on. It stops, with this as the cause of its failure; nothing that it said has counted.
 */
export class IdentityLostError extends DsysError {
  constructor(group: string, id: string) {
    super(`group "${group}" knows the node ${id} by another disk than the one that it has now`, {
      code: 'DSYS_RAFT_IDENTITY_LOST',
      retryable: false,
      outcome: 'not-applied',
      hint: `Remove ${id} by reconfigure() on another node, start it again without voters, and add it by reconfigure(). Or give it back its own disk.`,
    })
  }
}

/** A reconfiguration was not done before the deadline (`DSYS_RAFT_RECONFIGURATION_PENDING`). If a leader has taken it, it goes on. */
export class ReconfigurationPendingError extends DsysError {
  constructor(group: string, timeoutMs: number) {
    super(`the reconfiguration of group "${group}" was not done within ${timeoutMs} ms`, {
      code: 'DSYS_RAFT_RECONFIGURATION_PENDING',
      retryable: true,
      outcome: 'unknown',
      hint: 'New voters must run and catch up first; see status() on the leader. Asking for the same again is harmless.',
    })
  }
}

/** The node stopped itself because it could not go on safely (`DSYS_RAFT_FAILED`); `cause` says why. */
export class RaftFailedError extends DsysError {
  constructor(group: string, cause: unknown) {
    super(`the node of group "${group}" has stopped itself`, {
      code: 'DSYS_RAFT_FAILED',
      retryable: false,
      outcome: 'unknown',
      hint:
        cause instanceof IdentityLostError
          ? cause.hint
          : 'Look at the cause: mostly a failing disk or a state machine that threw. Mend it and restart the node.',
      cause,
    })
  }
}

/** The group is open on this node already (`DSYS_RAFT_GROUP_OPEN`). Nothing was done. */
export class GroupOpenError extends DsysError {
  constructor(group: string) {
    super(`group "${group}" is open on this node already`, {
      code: 'DSYS_RAFT_GROUP_OPEN',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Take the one that is open, by get(), or close() it first.',
    })
  }
}

/** As many groups are open on this node as may (`DSYS_RAFT_TOO_MANY_GROUPS`). Nothing was done. */
export class TooManyGroupsError extends DsysError {
  constructor(maxGroups: number) {
    super(`${maxGroups} groups are open on this node, as many as may`, {
      code: 'DSYS_RAFT_TOO_MANY_GROUPS',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Close one, or raise maxGroups if the memory is there.',
    })
  }
}
