export { diskConformance } from './conformance/disk.ts'
export type { DiskFactory, DiskFeature, DiskPlace } from './conformance/disk-place.ts'
export type { LogStorageFactory, LogStorageFeature, LogStoragePlace } from './conformance/log-place.ts'
export { logStorageConformance } from './conformance/log-storage.ts'
export type { TestRunner } from './conformance/runner.ts'
export {
  type StateStorageFactory,
  type StateStoragePlace,
  stateStorageConformance,
} from './conformance/state-storage.ts'
