import type { Module } from '@dsys/di'
import { CLOCK, LOGGER, METER, RANDOM } from '@dsys/runtime/di'
import type { Disk } from '@dsys/storage'
import { LOG_STORAGE } from '@dsys/storage/di'
import { FileLogStorage } from './file-log-storage.ts'
import type { FileLogStorageOptions } from './options.ts'

/** Options of {@link fileStorage}. */
export interface FileStorageOptions extends FileLogStorageOptions {
  /** Default: the real one, with `directory` as a path of the operating system. */
  readonly disk?: Disk
}

/** Registers the log storage in files. */
export function fileStorage(options: FileStorageOptions): Module {
  const { disk, ...rest } = options
  return (scope) => {
    scope.register(LOG_STORAGE, (parts) => {
      const ports = {
        clock: parts.get(CLOCK),
        random: parts.get(RANDOM),
        logger: parts.get(LOGGER),
        meter: parts.get(METER),
      }
      return new FileLogStorage(disk === undefined ? ports : { ...ports, disk }, rest)
    })
  }
}
