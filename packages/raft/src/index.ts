export type { Raft } from './api.ts'
export {
  CommandTooLargeError,
  NoLeaderError,
  OutcomeUnknownError,
  OverloadedError,
  RaftFailedError,
  ReadTimeoutError,
  TransferFailedError,
} from './errors.ts'
export type { Applied, ApplyContext, StateMachine } from './machine.ts'
export type { CallOptions, RaftOptions, ReadConsistency, ReadOptions } from './options.ts'
export type { RaftPorts } from './ports.ts'
export { RaftNode } from './raft-node.ts'
export { RAFT_DEFAULTS } from './resolve-options.ts'
export type { FollowerStatus, RaftEvent, RaftRole, RaftStatus } from './status.ts'
