export type { Engine, OpenEngine, StoredChange, StoredPairs, StoredRange } from './engine.ts'
export { LevelStateStorage } from './level-state-storage.ts'
export { LEVEL_STATE_STORAGE_DEFAULTS, type LevelStateStorageOptions, type LevelStateStoragePorts } from './options.ts'
