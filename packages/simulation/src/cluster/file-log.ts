import type { Clock, Runtime } from '@dsys/runtime'
import type { Disk, LogStorage } from '@dsys/storage'
import { bumpGeneration, FileLogStorage, type FileLogStorageOptions } from '@dsys/storage-file'

/** What the log of one life works with. */
export interface FileLogParts extends Runtime {
  /** The disk of the machine, mounted for this life. */
  readonly disk: Disk
}

/** The write-ahead log of `@dsys/storage-file`, the real one, on the disk of a simulated machine. Not started. */
export function fileLog(parts: FileLogParts, options: FileLogStorageOptions): LogStorage {
  return new FileLogStorage(parts, options)
}

/** The generation of a life that begins, stored as a real node stores it: larger than in every life before on this disk. */
export function storedGeneration(
  parts: { readonly disk: Disk; readonly clock: Clock },
  directory: string,
): Promise<number> {
  return bumpGeneration(parts, { directory })
}
