export { type BoundedLoadPlacement, createBoundedLoad } from './core/bounded-load.ts'
export type { RingDiff, RingMove, RingRange } from './core/diff.ts'
export { createJump, type JumpPlacement, jumpBucket } from './core/jump.ts'
export { createKetama, type KetamaRing, ketamaHash } from './core/ketama.ts'
export { createMaglev, type MaglevPlacement } from './core/maglev.ts'
export { murmur3 } from './core/murmur3.ts'
export { parsePlacement } from './core/parse-placement.ts'
export { createRendezvous, type RendezvousPlacement } from './core/rendezvous.ts'
export { createRing, parseRing, type Ring } from './core/ring.ts'
export type { RingNodeStats, RingStats } from './core/stats.ts'
export {
  createPartitionTable,
  type PartitionTable,
  parsePartitionTable,
  type TableChange,
} from './core/table/partition-table.ts'
export { type PlanChange, type PlanStep, plan } from './core/table/plan.ts'
export type { ReplicaMove, TableDiff, TableMove } from './core/table/table-diff.ts'
export type { TableNodeStats, TableStats } from './core/table/table-stats.ts'
export { PlacementFormatError } from './errors.ts'
export {
  type FollowedEvent,
  type FollowedMember,
  type FollowOptions,
  followMembers,
  type MemberSource,
  type PlacementChanged,
  ringFrom,
} from './follow.ts'
export {
  type BoundedLoadOptions,
  type JumpOptions,
  type KetamaOptions,
  type MaglevOptions,
  type NodesOptions,
  type PartitionTableOptions,
  PLACEMENT_DEFAULTS,
  type PlacementHash,
  type PlacementKey,
  type PlacementNode,
  type PlacementNodeOptions,
  type RendezvousOptions,
  type RingOptions,
} from './options.ts'
export type {
  Placement,
  PlacementDiff,
  PlacementMove,
  PlacementNodeStats,
  PlacementStats,
  PlacementStrategy,
} from './placement.ts'
