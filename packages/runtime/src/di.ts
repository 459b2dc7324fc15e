import { type Module, type Token, token } from '@dsys/di'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { Meter } from './meter.ts'
import type { Random } from './random.ts'
import { type Runtime, systemRuntime } from './system-runtime.ts'

export const CLOCK: Token<Clock> = token('dsys.Clock')
export const RANDOM: Token<Random> = token('dsys.Random')
export const LOGGER: Token<Logger> = token('dsys.Logger')
export const METER: Token<Meter> = token('dsys.Meter')

/** Registers the four runtime ports: those of this process, but for what `overrides` names. */
export function runtime(overrides: Partial<Runtime> = {}): Module {
  const ports = systemRuntime(overrides)
  return (scope) => {
    scope.register(CLOCK, () => ports.clock)
    scope.register(RANDOM, () => ports.random)
    scope.register(LOGGER, () => ports.logger)
    scope.register(METER, () => ports.meter)
  }
}
