export { type Actor, actorId, type Dot, MAX_ACTOR_BYTES, nodeOfActor, raiseFloor } from './core/actor.ts'
export type { Causality } from './core/causality.ts'
export {
  decodeActor,
  decodeDottedVersionSet,
  decodeVectorClock,
  encodeActor,
  encodeDottedVersionSet,
  encodeVectorClock,
} from './core/clock-codec.ts'
export { DottedVersionSet, type Reading, type Sibling } from './core/dotted-version-set.ts'
export type { SetEntry, Written } from './core/set-entry.ts'
export { VectorClock } from './core/vector-clock.ts'
export { ActorForgotError, ClockFormatError, ClockTooLargeError, CounterExhaustedError } from './errors.ts'
export { CLOCK_LIMITS, type ClockLimits } from './options.ts'
