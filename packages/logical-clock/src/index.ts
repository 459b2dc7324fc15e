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
export { HybridClock } from './core/hybrid-clock.ts'
export {
  compareTimestamps,
  type HybridTimestamp,
  MAX_TIMESTAMP_COUNTER,
  MAX_TIMESTAMP_MS,
  packTimestamp,
  readTimestampCounter,
  readTimestampMs,
  unpackTimestamp,
  writeTimestamp,
} from './core/hybrid-timestamp.ts'
export type { SetEntry, Written } from './core/set-entry.ts'
export { VectorClock } from './core/vector-clock.ts'
export {
  ActorForgotError,
  BoundNotReservedError,
  ClockAheadError,
  ClockFormatError,
  ClockTooLargeError,
  CounterExhaustedError,
  RemoteAheadError,
} from './errors.ts'
export { CLOCK_LIMITS, type ClockLimits, HYBRID_CLOCK_DEFAULTS, type HybridClockOptions } from './options.ts'
