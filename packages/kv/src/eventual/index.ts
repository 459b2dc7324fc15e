export { type Clock, clockCovers, counterOf, EMPTY_CLOCK, joinClocks } from './core/clock.ts'
export { type Actor, compareDots, type Dot, MAX_ACTOR_BYTES, MAX_COUNTER } from './core/dot.ts'
export {
  contextOf,
  covers,
  type DottedObject,
  EMPTY_KNOWLEDGE,
  expiredContext,
  type HybridTime,
  isExpired,
  type Knowledge,
  mergeTold,
  strip,
  type ToldObject,
  tell,
  type Version,
} from './core/object.ts'
export { compareTimes, lastWritten, mergeSiblings, type VersionPolicy } from './core/resolve.ts'
export { Seen, type SeenRow } from './core/seen.ts'
export {
  type Batch,
  type ClockBehind,
  type Forgotten,
  joinSeen,
  MAX_CONTEXT_DOTS,
  type Made,
  make,
  mustCompareAgain,
  type Received,
  type ReplicaState,
  receive,
  type Write,
} from './core/steps.ts'
