import { type Token, token } from '@dsys/di'
import type { LogStorage } from './log-storage.ts'
import type { StateStorage } from './state-storage.ts'

/** Where the node's Raft logs live. */
export const LOG_STORAGE: Token<LogStorage> = token('dsys.LogStorage')
/** Where the node's local state lives. */
export const STATE_STORAGE: Token<StateStorage> = token('dsys.StateStorage')
