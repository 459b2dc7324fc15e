export type { Disk, DiskFile, OpenFileOptions } from './disk.ts'
export {
  CorruptionError,
  DirectoryLockedError,
  FileClosedError,
  FileMissingError,
  GroupOpenError,
  ReadFailedError,
  StateCorruptionError,
  StateOverloadedError,
  StateTooLargeError,
  StorageFailedError,
} from './errors.ts'
export {
  appendEntries,
  checkGroupName,
  entriesBehind,
  LogBounds,
  MAX_GROUP_NAME_BYTES,
  MAX_SNAPSHOT_CONTEXT_BYTES,
} from './log-rules.ts'
export type {
  Abstention,
  GroupLog,
  HardState,
  LogEntry,
  LogStorage,
  LogWrite,
  LostEntries,
  OpenGroupOptions,
  RecoveredLog,
  SnapshotMeta,
  StoredSnapshot,
} from './log-storage.ts'
export type { StateChange, StateRange, StateStorage, StateWriteOptions } from './state-storage.ts'
