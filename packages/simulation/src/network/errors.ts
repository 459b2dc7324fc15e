import { DsysError } from '@dsys/runtime'

/** The broker of a simulated node was away for all of `connectTimeoutMs` (`DSYS_SIMULATION_UNREACHABLE`). It has not started. */
export class SimUnreachableError extends DsysError {
  constructor(timeoutMs: number) {
    super(`the simulated broker was away for ${timeoutMs} ms`, {
      code: 'DSYS_SIMULATION_UNREACHABLE',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Start again, as whoever watches over a process does; or end the outage earlier.',
    })
  }
}
