import { type Module, type NodeScope, type Token, token } from '@dsys/di'
import { CLOCK, LOGGER, METER, RANDOM } from '@dsys/runtime/di'
import { LOG_STORAGE } from '@dsys/storage/di'
import { TRANSPORT } from '@dsys/transport/di'
import type { Raft } from './api.ts'
import type { RaftGroupsOptions } from './groups/groups-options.ts'
import { RaftGroups } from './groups/raft-groups.ts'
import type { StateMachine } from './machine.ts'
import type { RaftOptions } from './options.ts'
import type { RaftPorts } from './ports.ts'
import { RaftNode } from './raft-node.ts'

/** The state machine that the node's group replicates. Whoever owns the data registers it, for instance `kv()`. */
// biome-ignore lint/suspicious/noExplicitAny: the types of state, commands and results are between the machine and its owner.
export const STATE_MACHINE: Token<StateMachine<any, any, any>> = token('dsys.StateMachine')

/** The node's member of the group. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
export const RAFT: Token<Raft<any, any, any>> = token('dsys.Raft')

/** The groups of the node, for one that has many. */
export const RAFT_GROUPS: Token<RaftGroups> = token('dsys.RaftGroups')

/** What a node and groups both stand on. */
function portsOf(scope: NodeScope): Omit<RaftPorts<unknown, unknown, unknown>, 'machine'> {
  return {
    clock: scope.get(CLOCK),
    random: scope.get(RANDOM),
    logger: scope.get(LOGGER),
    meter: scope.get(METER),
    transport: scope.get(TRANSPORT),
    log: scope.get(LOG_STORAGE),
  }
}

/** Registers a RaftNode over the scope's transport, log storage and state machine. The id defaults to the transport's. */
export function raft(options: Omit<RaftOptions, 'id'> & { readonly id?: string }): Module {
  return (scope) => {
    scope.register(RAFT, () => {
      const ports = { ...portsOf(scope), machine: scope.get(STATE_MACHINE) }
      return new RaftNode(ports, { ...options, id: options.id ?? ports.transport.self.id })
    })
  }
}

/** Registers a RaftGroups over the scope's transport and log storage; whoever has groups opens them. The id defaults to the transport's. */
export function raftGroups(options: Omit<RaftGroupsOptions, 'id'> & { readonly id?: string } = {}): Module {
  return (scope) => {
    scope.register(RAFT_GROUPS, () => {
      const ports = portsOf(scope)
      return new RaftGroups(ports, { ...options, id: options.id ?? ports.transport.self.id })
    })
  }
}
