import { afterRealMs, warn } from './real-world.ts'
import { outside } from './step-watch.ts'

/** So much real time without a call that moves virtual time looks like a mistake. */
const PATIENCE_MS = 2_000

/**
 * Warns once when something was begun on a cluster and nobody moves its time: then a promise of a service is awaited without
 * `cluster.run`, which never ends.
 */
export class StandStillWatch {
  #callOff: (() => void) | undefined
  #over = false

  /** Something was begun while time stands still. */
  begun(): void {
    if (this.#over || this.#callOff !== undefined) return
    this.#callOff = outside(() => afterRealMs(PATIENCE_MS, () => this.#warn()))
  }

  #warn(): void {
    this.end()
    warn(
      'Virtual time has stood still for 2 s, and something on this cluster waits for it. A promise of a service is awaited by ' +
        '`await cluster.run(promise)`; with `await` alone it waits for ever. Or the cluster was not disposed of: `await using`.',
      'DSYS_SIMULATION_STANDS_STILL',
    )
  }

  /** Time moves. */
  moves(): void {
    this.#callOff?.()
    this.#callOff = undefined
  }

  /** Nobody needs to be warned any more. */
  end(): void {
    this.moves()
    this.#over = true
  }
}
