export type { Description } from './core/description.ts'
export type { MemberState, Metadata } from './core/record.ts'
export {
  BroadcastOverloadedError,
  BroadcastTooLargeError,
  IdConflictError,
  MetadataTooLargeError,
  QueryAnswerError,
  QueryOverloadedError,
  QueryTooLargeError,
  SurvivalRecordError,
  TransportFrameTooSmallError,
} from './errors.ts'
export type { IdConflict, Member, MemberEvent, MembershipEvent } from './events.ts'
export {
  type ConflictEvidence,
  type DescribedPart,
  describeEvidence,
  type Evidence,
  type HelperEvidence,
  type ProbeEvidence,
  type ViewEvidence,
} from './evidence.ts'
export {
  MEMBER_FINDING_CODES,
  type MemberExplanation,
  type MemberFinding,
  type MemberFindingCode,
  type MemberFindingSubject,
} from './findings.ts'
export type { MemberIncident } from './history.ts'
export type { MemberFilter } from './member-filter.ts'
export { Membership, type MembershipPorts } from './membership.ts'
export { MEMBERSHIP_DEFAULTS, type MembershipOptions } from './options.ts'
export type { PeerStorage } from './peer-memory.ts'
export {
  ChainedLease,
  type ChainedLeaseOptions,
  type ChainedLeasePorts,
  type RegisterCall,
  type SurvivalRegister,
} from './resolver/chained-lease.ts'
export type { MemberLife, SurvivalLease, SurvivalSide, SurvivalStanding } from './resolver/lease.ts'
export {
  type SplitBrainDecision,
  type SplitBrainOptions,
  type SplitBrainPorts,
  SplitBrainResolver,
  type SplitBrainStatus,
} from './resolver/split-brain-resolver.ts'
export {
  keepMajority,
  leaseMajority,
  type Split,
  type SplitBrainStrategy,
  type StrategyOptions,
  staticQuorum,
} from './resolver/strategy.ts'
export type { SurvivorDecision } from './resolver/survivor-chain.ts'
export type { LocalHealthStatus, MemberAlerts, MembershipStatus, StaleReason, ViewStatus } from './status.ts'
export type { Help, MembershipTopology, Observed, Prober, ProbeUnderWay, SuspicionOf } from './topology.ts'
export type {
  Broadcast,
  BroadcastOptions,
  IncomingQuery,
  Query,
  QueryAnswer,
  QueryHandler,
  QueryOptions,
  QuerySummary,
} from './user-messages.ts'
