import type { Message, RaftCore } from '@dsys/raft/core'
import type { Buggify } from '@dsys/runtime'
import type { Aim, LinkTrouble, Restore, Scheduler, Trace } from '@dsys/simulation'
import type { Checker } from './checker.ts'
import type { ClientHistory } from './client-history.ts'
import type { RaftKnobs } from './knobs.ts'
import type { PromiseWatch } from './promise-watch.ts'
import type { Served } from './served.ts'

/** Ways to be a wrong driver, to see that the checks find it. */
export type DriverBug = 'none' | 'vote-not-persisted' | 'durable-too-early'

/** What surrounds the nodes of a run. */
export interface RaftWorld {
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly knobs: RaftKnobs
  readonly ids: readonly string[]
  /** Those of the nodes that are voters from the start. */
  readonly firstVoters: readonly string[]
  /** Those of the nodes that are made as witnesses. */
  readonly witnesses: readonly string[]
  readonly checker: Checker
  /** Absent where no reads ride leases. */
  readonly promises: PromiseWatch | undefined
  readonly history: ClientHistory
  readonly served: Served
  readonly aim: Aim
  /** Whether crashes between any two effects are wanted at all; asking costs time. */
  readonly aimsBetween: boolean
  readonly buggify: Buggify
  readonly bug: DriverBug
  /** The core to run: the real one, or one with a planted bug. */
  readonly Core: typeof RaftCore
  readonly count: (what: string) => void
  /** Whether the node is of a version that draws an incarnation for its disk. */
  readonly identified: (id: string) => boolean
  readonly send: (from: string, to: string, message: Message, incarnation: number | undefined) => void
  readonly trouble: (from: string, to: string, trouble: LinkTrouble) => Restore
}
