import type { Buggify } from './buggify.ts'
import type { Clock } from './clock.ts'
import { type Logger, silentLogger } from './logger.ts'
import { type Meter, silentMeter } from './meter.ts'
import type { Random } from './random.ts'
import { systemClock } from './system-clock.ts'
import { systemRandom } from './system-random.ts'

/** The ports that nearly every dsys part takes. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly meter: Meter
  /** Present in a simulation alone. */
  readonly buggify?: Buggify
}

/**
 * The real clock and random source of this process, with a logger and a meter of your choice.
 *
 * @param overrides ports to use in place of the defaults. Logger and meter are silent by default.
 */
export function systemRuntime(overrides: Partial<Runtime> = {}): Runtime {
  return {
    clock: overrides.clock ?? systemClock,
    random: overrides.random ?? systemRandom,
    logger: overrides.logger ?? silentLogger,
    meter: overrides.meter ?? silentMeter,
    ...(overrides.buggify === undefined ? {} : { buggify: overrides.buggify }),
  }
}
