export { MemoryLogDisk, type MemoryLogDiskOptions } from './memory-log-disk.ts'
export { MemoryLogStorage, type MemoryLogStoragePorts } from './memory-log-storage.ts'
export { MemoryStateStorage } from './memory-state-storage.ts'
