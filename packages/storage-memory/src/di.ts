import type { Module } from '@dsys/di'
import { LOG_STORAGE, STATE_STORAGE } from '@dsys/storage/di'
import { MemoryLogStorage, type MemoryLogStoragePorts } from './memory-log-storage.ts'
import { MemoryStateStorage } from './memory-state-storage.ts'

/** Registers the log storage and the state storage in memory. */
export function memoryStorage(ports: MemoryLogStoragePorts = {}): Module {
  return (scope) => {
    scope.register(LOG_STORAGE, () => new MemoryLogStorage(ports))
    scope.register(STATE_STORAGE, () => new MemoryStateStorage())
  }
}
