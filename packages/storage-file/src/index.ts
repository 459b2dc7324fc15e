export { FileLogStorage } from './file-log-storage.ts'
export { bumpGeneration } from './generation.ts'
export { nodeDisk } from './node/node-disk.ts'
export { FILE_LOG_STORAGE_DEFAULTS, type FileLogStorageOptions, type FileLogStoragePorts } from './options.ts'
