import { DsysError } from '@dsys/runtime'
import type { RealCall } from './real-calls.ts'

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

/** A question to all nodes, and none of them runs (`DSYS_SIMULATION_NODE_DOWN`). Nothing was done. */
export class NobodyRunsError extends DsysError {
  constructor(ids: readonly string[]) {
    super(`there is nobody to ask: of ${ids.join(', ')} none runs`, {
      code: 'DSYS_SIMULATION_NODE_DOWN',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Start them with `await cluster.restartAll()`.',
    })
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
      "Have it back with an empty disk: `await cluster.restart(id, { disk: 'lost' })`. A Raft group must then remove and add it before it counts.",
    )
  }
}

/** A body that was run for many seeds has failed for one (`DSYS_SIMULATION_SEED_FAILED`); `cause` says how. */
export class SeedFailedError extends DsysError {
  readonly seed: number

  constructor(seed: number, commit: string | undefined, cause: unknown) {
    const at = commit === undefined ? '' : ` at commit ${commit}`
    super(`seed ${seed}${at}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      code: 'DSYS_SIMULATION_SEED_FAILED',
      retryable: false,
      outcome: 'unknown',
      hint: `\`forSeeds([${seed}], …)\` runs it alone and gives the same again, as long as the code is the same.`,
      cause,
    })
    this.seed = seed
  }
}

/** The same seed and the same calls gave another run the second time (`DSYS_SIMULATION_NOT_DETERMINISTIC`). */
export class NotDeterministicError extends DsysError {
  readonly seed: number

  constructor(seed: number, difference: string, place: string | undefined) {
    super(`seed ${seed} gave ${difference}\n${place ?? 'The events that were kept do not differ.'}`, {
      code: 'DSYS_SIMULATION_NOT_DETERMINISTIC',
      retryable: false,
      outcome: 'unknown',
      hint: 'Something other than the seed decides: look at what the code does right before the first event that differs.',
    })
    this.seed = seed
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

/**
 * Code that ran in virtual time asked the process itself for the time, for a timer or for chance (`DSYS_SIMULATION_REAL_WORLD`). It was
 * given what it asked for, so the run is no other than without the guard, but it will not be the same again.
 */
export class RealWorldError extends DsysError {
  /** The node at work; undefined where it was none. */
  readonly node: string | undefined
  /** What was called: `Date.now()`. */
  readonly call: string

  constructor({ call, instead }: RealCall, node: string | undefined) {
    super(`${node ?? 'code of no node'} called ${call} in virtual time, so the run is not the same twice`, {
      code: 'DSYS_SIMULATION_REAL_WORLD',
      retryable: false,
      outcome: 'unknown',
      hint: `Use ${instead} instead. A cluster with \`strict: false\` lets it be.`,
    })
    this.node = node
    this.call = call
  }
}

/**
 * A promise was rejected while virtual time moved, and nobody handles that (`DSYS_SIMULATION_UNHANDLED`); `cause` says what it was. It is of
 * the node that was at work, unless something outside of the simulation went wrong between two of its steps.
 */
export class UnhandledRejectionError extends DsysError {
  /** The node that was at work last; undefined where it was none. */
  readonly node: string | undefined

  constructor(reason: unknown, node: string | undefined) {
    const what = reason instanceof Error ? reason.message : String(reason)
    super(`nobody handles a rejection${node === undefined ? '' : ` that came after a step of ${node}`}: ${what}`, {
      code: 'DSYS_SIMULATION_UNHANDLED',
      retryable: false,
      outcome: 'unknown',
      hint: 'A real process ends over it. Await the promise, or catch what it throws.',
      cause: reason,
    })
    this.node = node
  }
}
