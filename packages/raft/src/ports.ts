import type { Runtime } from '@dsys/runtime'
import type { LogStorage } from '@dsys/storage'
import type { Transport } from '@dsys/transport'
import type { GroupHost } from './groups/group-host.ts'
import type { StateMachine } from './machine.ts'

/** What a RaftNode may do, and the state machine that it replicates. The caller starts and stops transport and log. */
export interface RaftPorts<State, Command, Result> extends Runtime {
  readonly transport: Transport
  readonly log: LogStorage
  readonly machine: StateMachine<State, Command, Result>
  /** What the group shares with others of this node: given by a `RaftGroups`, and by nobody else. */
  readonly host?: GroupHost
}
