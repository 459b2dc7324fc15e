export { MalformedError } from './bytes.ts'
export type { RestoredState } from './core/begin.ts'
export type { CoreConfig } from './core/config.ts'
export { CONFIGURATION_KIND, type Configuration, type Membership } from './core/configuration.ts'
export { decodeConfiguration, decodePlaced, encodeConfiguration, encodePlaced } from './core/configuration-codec.ts'
export type { PlacedConfiguration } from './core/configurations.ts'
export type { RaftLog } from './core/log.ts'
export type {
  AppendAccepted,
  AppendRejected,
  AppendRequest,
  CommitNotice,
  Envelope,
  HeartbeatRequest,
  HeartbeatResponse,
  LogEndRequest,
  LogEndResponse,
  Message,
  SleepRequest,
  SleepResponse,
  SnapshotChunk,
  SnapshotProgress,
  TimeoutNow,
  VoteRequest,
  VoteResponse,
} from './core/messages.ts'
export type { WriteEffect } from './core/outbox.ts'
export type { Progress, ProgressState } from './core/progress.ts'
export { type Effects, type ProposalRefusal, RaftCore } from './core/raft-core.ts'
export type { ReconfigureRefusal, ReconfigureResult } from './core/reconfiguration.ts'
export { NO_OP_KIND } from './core/roles.ts'
export type { Sleep } from './core/sleep.ts'
export type { InstallResult } from './core/snapshots.ts'
export type { CoreEvent, CoreView, RaftRole } from './core/state.ts'
export { STRIPPED_KIND } from './core/witness.ts'
export {
  type DriverMessage,
  decodeFrame,
  encodeFrame,
  type ForwardedItem,
  type ForwardRefused,
  type ForwardRequest,
  incarnationIn,
  type ReadIndexRefused,
  type ReadIndexRequest,
  type ReadIndexResponse,
  type ReconfigureAccepted,
  type ReconfigureRefused,
  type WireMessage,
} from './wire.ts'
export type { ReconfigureRequest } from './wire-members.ts'
