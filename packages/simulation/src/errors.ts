import { DsysError } from '@dsys/runtime'

/**
 * Virtual time does not go on: what is due at one instant brings about more that is due at the same one, without end
 * (`DSYS_SIMULATION_STUCK`). The simulation stands at that instant.
 */
export class StuckError extends DsysError {
  /** Who was at work most of the time; undefined where it was no node. */
  readonly node: string | undefined
  readonly atMs: number

  constructor(atMs: number, steps: number, node: string | undefined) {
    const who = node === undefined ? 'something that is no node' : node
    super(`${steps} steps at ${atMs} ms of virtual time, which does not go on: most of the last ones are of ${who}`, {
      code: 'DSYS_SIMULATION_STUCK',
      retryable: false,
      outcome: 'unknown',
      hint: 'Look for a timer of 0 ms, or a call of `afterIo`, that sets itself again. Where that many steps are meant, raise `maxStepsAtOnce`.',
    })
    this.node = node
    this.atMs = atMs
  }
}
