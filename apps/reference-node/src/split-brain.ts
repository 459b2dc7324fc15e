import type { Module, NodeScope } from '@dsys/di'
import { KV } from '@dsys/kv/di'
import {
  ChainedLease,
  keepMajority,
  leaseMajority,
  type SplitBrainOptions,
  type SplitBrainStrategy,
  type SurvivorDecision,
  staticQuorum,
} from '@dsys/membership'
import { splitBrainResolver } from '@dsys/membership/di'
import { json } from '@dsys/runtime'
import { CLOCK } from '@dsys/runtime/di'
import type { NodeConfig } from './config/settings.ts'

/** Where the lease keeps who goes on. Over HTTP it is changed by an admin alone. */
export const SURVIVORS_KEYSPACE = 'dsys-survivors'

/** What the node does with a verdict. */
export type SplitBrainHandlers = Pick<SplitBrainOptions, 'onDown' | 'onSurvive'>

/** The split-brain resolver that the configuration asks for; none where it asks for none. */
export function splitBrain(config: NodeConfig, handlers: SplitBrainHandlers): Module[] {
  if (config.splitBrain === 'off') return []
  const stableAfterMs = config.splitBrainStableMs
  return [splitBrainResolver((scope) => ({ ...handlers, stableAfterMs, strategy: strategyOf(config, scope) }))]
}

function strategyOf({ splitBrain: kind, splitBrainQuorum: quorum }: NodeConfig, scope: NodeScope): SplitBrainStrategy {
  if (kind === 'static-quorum' && quorum !== undefined) return staticQuorum({ quorum })
  if (kind !== 'lease') return keepMajority()
  const register = scope.get(KV).linearizable(SURVIVORS_KEYSPACE, { codec: json<SurvivorDecision>() })
  return leaseMajority(new ChainedLease({ clock: scope.get(CLOCK), register }))
}
