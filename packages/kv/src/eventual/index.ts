export { ContextInvalidError } from '../errors.ts'
export { type Clock, clockCovers, counterOf, EMPTY_CLOCK, joinClocks } from './core/clock.ts'
export {
  type ClientContext,
  type ContextPlace,
  contextBytes,
  contextText,
  decodeContext,
  encodeContext,
  MAX_CONTEXT_BYTES,
} from './core/context-codec.ts'
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
export { decodeSeen, decodeStored, decodeTold, encodeSeen, encodeStored, encodeTold } from './core/object-codec.ts'
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
