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

  constructor(node: string, state: string) {
    super(`${node} has no service: it is ${state}`, {
      code: 'DSYS_SIMULATION_NODE_DOWN',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Start it with `await cluster.restart(id)`, or ask a node that runs: `cluster.running` has their ids.',
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
