import type { Module } from '@dsys/di'
import { CLOCK, LOGGER, METER } from '@dsys/runtime/di'
import { STATE_STORAGE } from '@dsys/storage/di'
import { LevelStateStorage } from './level-state-storage.ts'
import type { LevelStateStorageOptions } from './options.ts'

/** Registers the state storage in LevelDB. */
export function levelStorage(options: LevelStateStorageOptions): Module {
  return (scope) => {
    scope.register(STATE_STORAGE, (parts) => {
      const ports = { clock: parts.get(CLOCK), logger: parts.get(LOGGER), meter: parts.get(METER) }
      return new LevelStateStorage(ports, options)
    })
  }
}
