import { type Module, type Token, token } from '@dsys/di'
import { KV } from '@dsys/kv/di'
import { MEMBERSHIP } from '@dsys/membership/di'
import { RAFT } from '@dsys/raft/di'
import { CLOCK, LOGGER } from '@dsys/runtime/di'
import { LOG_STORAGE } from '@dsys/storage/di'
import { TRANSPORT } from '@dsys/transport/di'
import { DsysNode } from './dsys-node.ts'

/** The node: all its parts behind start, stop and status. */
export const NODE: Token<DsysNode> = token('dsys.Node')

/** Registers the node over the scope's transport, log storage, membership, Raft group and keyspaces. */
export function node(): Module {
  return (scope) => {
    scope.register(
      NODE,
      (parts) =>
        new DsysNode({
          clock: parts.get(CLOCK),
          logger: parts.get(LOGGER),
          transport: parts.get(TRANSPORT),
          log: parts.get(LOG_STORAGE),
          membership: parts.get(MEMBERSHIP),
          raft: parts.get(RAFT),
          kv: parts.get(KV),
        }),
    )
  }
}
