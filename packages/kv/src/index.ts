export type { CreateCommand, DeleteCommand, KvCommand, KvResult, PutCommand, UpdateCommand } from './core/command.ts'
export { MAX_KEY_BYTES } from './core/key.ts'
export { kvMachine } from './core/machine.ts'
export type { KeyspaceState, KvState, StoredEntry } from './core/state.ts'
export { FormatError, KeyInvalidError, KeyspaceUnknownError, ValueTooLargeError } from './errors.ts'
export type {
  CreateResult,
  DeleteResult,
  Entry,
  Key,
  LinearizableKeyspace,
  PutResult,
  UpdateResult,
} from './keyspace.ts'
export { type KeyspaceStatistics, Kv, type KvPorts } from './kv.ts'
export type { KeyspaceDeclaration, KvOptions } from './options.ts'
