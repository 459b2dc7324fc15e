import type { Module } from '@dsys/di'
import { LOG_STORAGE, STATE_STORAGE } from '@dsys/storage/di'
import { MemoryLogStorage, type MemoryLogStoragePorts } from './memory-log-storage.ts'
import type { MemoryStateDisk } from './memory-state-disk.ts'
import { MemoryStateStorage } from './memory-state-storage.ts'

/** Ports of {@link memoryStorage}. */
export interface MemoryStoragePorts extends MemoryLogStoragePorts {
  /** Holds the durable state, and outlives the storage. Default: none, and the state is gone with the storage. */
  readonly stateDisk?: MemoryStateDisk
}

/** Registers the log storage and the state storage in memory. */
export function memoryStorage(ports: MemoryStoragePorts = {}): Module {
  const { stateDisk, ...log } = ports
  const sync = log.sync === undefined ? {} : { sync: log.sync }
  return (scope) => {
    scope.register(LOG_STORAGE, () => new MemoryLogStorage(log))
    scope.register(
      STATE_STORAGE,
      () => new MemoryStateStorage(stateDisk === undefined ? {} : { disk: stateDisk, ...sync }),
    )
  }
}
