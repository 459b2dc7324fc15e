import { DsysError } from '@dsys/runtime'

/** Something did not happen within its virtual time (`DSYS_SIMULATION_DEADLINE`). The simulation stands where it was then. */
export class DeadlineError extends DsysError {
  /** What was waited for. */
  readonly waitedFor: string
  readonly withinMs: number

  constructor(waitedFor: string, withinMs: number, report: string, hint: string) {
    super(`not within ${withinMs} ms of virtual time: ${waitedFor}\n${report}`, {
      code: 'DSYS_SIMULATION_DEADLINE',
      retryable: false,
      outcome: 'unknown',
      hint,
    })
    this.waitedFor = waitedFor
    this.withinMs = withinMs
  }
}

/** A node has no service, since it does not run or has not started yet (`DSYS_SIMULATION_NODE_DOWN`). Nothing was done. */
export class NodeDownError extends DsysError {
  readonly node: string

  constructor(
    node: string,
    state: string,
    hint = 'Start it with `await cluster.restart(id)`, or ask a node that runs: `cluster.running` has their ids.',
  ) {
    super(`${node} has no service: it is ${state}`, {
      code: 'DSYS_SIMULATION_NODE_DOWN',
      retryable: true,
      outcome: 'not-applied',
      hint,
    })
    this.node = node
  }
}

/** The service of a node could not be started (`DSYS_SIMULATION_START_FAILED`); `cause` says why. Its process has ended. */
export class StartFailedError extends DsysError {
  readonly node: string

  constructor(node: string, cause: unknown) {
    super(`${node} could not start: ${cause instanceof Error ? cause.message : String(cause)}`, {
      code: 'DSYS_SIMULATION_START_FAILED',
      retryable: true,
      outcome: 'unknown',
      hint: 'Look at the cause. After a fault of the disk a start may fail until the fault is over.',
      cause,
    })
    this.node = node
  }
}

/** A node whose disk is lost has not been given a new one (`DSYS_SIMULATION_NODE_DOWN`). Nothing was done. */
export class NodeLostError extends NodeDownError {
  constructor(node: string) {
    super(
      node,
      'gone for good, since its disk is lost',
      "A service that survives it may have the node back with an empty disk: `await cluster.restart(id, { disk: 'lost' })`.",
    )
  }
}

/**
 * A voter of a Raft group was started again on an empty disk (`DSYS_SIMULATION_DISK_LOST`). It did not start: it has forgotten whom
 * it voted for and what it acknowledged, so the group could elect two leaders in a term and lose what was committed.
 */
export class DiskLostError extends DsysError {
  readonly node: string

  constructor(node: string) {
    super(`${node} was a voter, and its disk is lost with its votes and its log`, {
      code: 'DSYS_SIMULATION_DISK_LOST',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Leave it down: the others go on as long as they are a majority. What replaces it needs an id that was never used.',
    })
    this.node = node
  }
}

/** A kind of fault was asked for that cannot happen in this cluster (`DSYS_SIMULATION_FAULT_IMPOSSIBLE`). No fault was begun. */
export class FaultImpossibleError extends DsysError {
  readonly kind: string

  constructor(kind: string, why: string) {
    super(`the fault "${kind}" cannot happen here: ${why}`, {
      code: 'DSYS_SIMULATION_FAULT_IMPOSSIBLE',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Leave it out of `kinds`, or give the cluster more `nodes`.',
    })
    this.kind = kind
  }
}

/** A simulation was used after its end (`DSYS_SIMULATION_ENDED`). Nothing was done. */
export class SimulationEndedError extends DsysError {
  constructor() {
    super('this cluster has ended', {
      code: 'DSYS_SIMULATION_ENDED',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Use it inside of the block that holds `await using cluster`, and await every call.',
    })
  }
}
