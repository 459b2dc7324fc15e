import { type Module, type Token, token } from '@dsys/di'
import { RAFT, STATE_MACHINE } from '@dsys/raft/di'
import { METER } from '@dsys/runtime/di'
import { kvMachine } from './core/machine.ts'
import { Kv } from './kv.ts'
import type { KvOptions } from './options.ts'

/** The keyspaces of the node. */
export const KV: Token<Kv> = token('dsys.Kv')

/** Registers the keyspaces, and their state machine as the one that the node's Raft group replicates. */
export function kv(options: KvOptions = {}): Module {
  return (scope) => {
    scope.register(STATE_MACHINE, () => kvMachine)
    scope.register(KV, (parts) => new Kv({ raft: parts.get(RAFT), meter: parts.get(METER) }, options))
  }
}
