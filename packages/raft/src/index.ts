export type { Raft, ReconfigureTarget } from './api.ts'
export type { Membership } from './core/configuration.ts'
export type { RaftRole } from './core/state.ts'
export {
  AlreadyBootstrappedError,
  ClientForgottenError,
  CommandTooLargeError,
  DataLossNotAcceptedError,
  GroupOpenError,
  IdentityLostError,
  type LogFacts,
  MembershipConflictError,
  NoLeaderError,
  NothingToRecoverError,
  OutcomeUnknownError,
  OverloadedError,
  RaftFailedError,
  ReadTimeoutError,
  ReconfigurationPendingError,
  ResultForgottenError,
  TooManyGroupsError,
  TransferFailedError,
  WitnessError,
  WitnessMismatchError,
  WitnessRoleError,
} from './errors.ts'
export type { Explanation, Finding, FindingCode, FindingSubject } from './findings.ts'
export type { GroupHost, GroupMember } from './groups/group-host.ts'
export { RAFT_GROUPS_DEFAULTS, type RaftGroupsOptions } from './groups/groups-options.ts'
export { type GroupOptions, RaftGroups, type RaftGroupsPorts, type RaftGroupsStatus } from './groups/raft-groups.ts'
export type { Applied, ApplyContext, SnapshotDecoder, SnapshotInParts, StateMachine } from './machine.ts'
export type {
  BoundedReadOptions,
  CallOptions,
  ClientCall,
  ProposeOptions,
  RaftOptions,
  ReadConsistency,
  ReadOptions,
  ReconfigureOptions,
  UnboundedReadOptions,
} from './options.ts'
export type { RaftPorts } from './ports.ts'
export { RaftNode } from './raft-node.ts'
export { type RecoverOptions, type RecoverPorts, type Recovery, recover } from './recover.ts'
export { RAFT_DEFAULTS } from './resolve-options.ts'
export type { FollowerStatus, MembershipChange, RaftEvent, RaftStatus } from './status.ts'
