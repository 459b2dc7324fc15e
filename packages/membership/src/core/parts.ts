import type { Buggify, Random } from '@dsys/runtime'
import type { PeerAddress } from '@dsys/transport'
import type { ResolvedOptions } from '../options.ts'
import type { Courier } from './courier.ts'
import type { CutDetector } from './cut/cut-detector.ts'
import type { Effect } from './effects.ts'
import type { LocalHealth } from './local-health.ts'
import type { MemberRecord } from './record.ts'
import type { VersionRange } from './versions.ts'
import type { Cause, Entry, View } from './view.ts'

/** What the core is made of. */
export interface CoreOptions extends ResolvedOptions {
  readonly self: PeerAddress
  /** Where all its chance comes from: the same seed and inputs give the same effects. */
  readonly seed: number
  /** Different for each process, from 1 to 2^53 - 1. */
  readonly nonce: number
  readonly canBroadcast: boolean
  readonly maxFrameBytes: number
  /** Another number of failed probes than usual until silent helpers prove something; 1 is plain SWIM, in comparisons. */
  readonly silentFailures?: number | undefined
  /** Another range than that of this code, in tests of mixed versions. */
  readonly versions?: VersionRange | undefined
  /** Rare behaviour on demand, in a simulation. */
  readonly buggify?: Buggify | undefined
}

/** What the concerns of one core share. */
export interface CoreParts {
  readonly options: CoreOptions
  readonly self: PeerAddress
  readonly random: Random
  readonly view: View
  readonly courier: Courier
  readonly health: LocalHealth
  /** Where it decides who is removed. */
  readonly cut: () => CutDetector | undefined
  readonly emit: (effect: Effect) => void
  /** Whether rare behaviour is wanted now. */
  readonly buggify: (point: string) => boolean
  /** The one place where the view changes. Every change is news to pass on. */
  readonly apply: (record: MemberRecord, cause: Cause) => boolean
  /** Tells first-hand news to everybody at once where the transport can, else with the gossip that comes next. */
  readonly announce: (record: MemberRecord, nowMs: number) => void
  /** `id` has answered a question of this node. */
  readonly answered: (id: string, nowMs: number) => void
  /** Others suspect a suspected member as well, by what they saw themselves. True when that is news. */
  readonly confirm: (entry: Entry, accusers: readonly string[], nowMs: number) => boolean
}

export const addressOf = ({ record }: Entry): PeerAddress => ({ id: record.id, generation: record.generation })
