export type { CrashReport, UnsyncedFate } from './disk/crash-fate.ts'
export { type FlippedBit, MemoryDisk, type MemoryDiskOptions } from './disk/memory-disk.ts'
export {
  type DiskEffect,
  DiskFaultError,
  type DiskGate,
  type DiskOperation,
  type DiskOutcome,
  PowerLossError,
} from './disk/operation.ts'
export { MemoryLogDisk, type MemoryLogDiskOptions } from './memory-log-disk.ts'
export { MemoryLogStorage, type MemoryLogStoragePorts } from './memory-log-storage.ts'
export { MemoryStateDisk, type MemoryStateDiskOptions } from './memory-state-disk.ts'
export { MemoryStateStorage, type MemoryStateStoragePorts } from './memory-state-storage.ts'
export type { MemoryCrashOptions } from './synced-disk.ts'
