import type { StateMachine } from '@dsys/raft'
import { applyCommand } from './apply.ts'
import type { KvCommand, KvResult } from './command.ts'
import { commandCodec } from './command-codec.ts'
import { resultCodec } from './result-codec.ts'
import { snapshotParts } from './snapshot-parts.ts'
import { emptyState, type KvState } from './state.ts'

/**
 * The state machine of all linearizable keyspaces of one Raft group, to be given to `RaftNode`. It keeps nothing between
 * calls, so every node, also of one process, may share it.
 */
export const kvMachine: StateMachine<KvState, KvCommand, KvResult> = Object.freeze({
  initial: emptyState,
  apply: (state: KvState, command: KvCommand) => ({ state, result: applyCommand(state, command) }),
  commandCodec,
  resultCodec,
  snapshot: snapshotParts,
})
