import type { Clock, Logger, Meter, Random } from '@dsys/runtime'
import type { Disk } from '@dsys/storage'

/** What a {@link FileLogStorage} may do. `systemRuntime()` gives all of it but the disk. */
export interface FileLogStoragePorts {
  /** Default: the real one, with `directory` as a path of the operating system. */
  readonly disk?: Disk
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly meter: Meter
}

/** Options of a {@link FileLogStorage}. */
export interface FileLogStorageOptions {
  /**
   * The folder of this node, made when it is missing. A path of the operating system; with a `disk` of your own, a folder of
   * that disk.
   */
  readonly directory: string
  /**
   * Size of one file of the write-ahead log, in bytes, from 4 KiB; made in advance. A larger write gets a larger file.
   * Default 16 MiB.
   */
  readonly segmentBytes?: number
  /** How many bytes of waiting writes share one sync; one write may be larger. Default 1 MiB. */
  readonly maxBatchBytes?: number
  /**
   * When the files of the write-ahead log take more than this, groups that have a few entries in the oldest of them, and are seldom written, have these written
   * anew, so that the files can go. In bytes, from `segmentBytes`; what is less than four files is taken as four. A group with more live entries than a quarter
   * of a file, or than `maxBatchBytes` where that is more, keeps its files whatever this says, until it is compacted. Default 256 MiB.
   */
  readonly rewriteAfterBytes?: number
  /**
   * When nothing was written for this long, an empty batch is, and the end mark: they prove that the batch before was durable, so that
   * damage to it is not taken for a write that a crash cut off. Milliseconds, more than 0. A stop and a start do it at once. Default 100.
   */
  readonly sealAfterMs?: number
}

/** The options with every default filled in. */
export type FileLogStorageSettings = Required<FileLogStorageOptions>

/** The defaults of {@link FileLogStorageOptions}. */
export const FILE_LOG_STORAGE_DEFAULTS: Readonly<Omit<FileLogStorageSettings, 'directory'>> = Object.freeze({
  segmentBytes: 16 * 1024 * 1024,
  maxBatchBytes: 1024 * 1024,
  rewriteAfterBytes: 256 * 1024 * 1024,
  sealAfterMs: 100,
})

/** The largest single write. More than this in one call is a RangeError. */
export const MAX_WRITE_BYTES: number = 256 * 1024 * 1024

const MIN_SEGMENT_BYTES = 4 * 1024
const MAX_SEAL_AFTER_MS = 60_000

/** Fills in the defaults. Throws RangeError for a value that cannot work. */
export function settingsOf(options: FileLogStorageOptions): FileLogStorageSettings {
  const settings: FileLogStorageSettings = {
    directory: options.directory,
    segmentBytes: options.segmentBytes ?? FILE_LOG_STORAGE_DEFAULTS.segmentBytes,
    maxBatchBytes: options.maxBatchBytes ?? FILE_LOG_STORAGE_DEFAULTS.maxBatchBytes,
    rewriteAfterBytes:
      options.rewriteAfterBytes ?? Math.max(FILE_LOG_STORAGE_DEFAULTS.rewriteAfterBytes, options.segmentBytes ?? 0),
    sealAfterMs: options.sealAfterMs ?? FILE_LOG_STORAGE_DEFAULTS.sealAfterMs,
  }
  const { segmentBytes, maxBatchBytes, rewriteAfterBytes, sealAfterMs } = settings
  if (!Number.isSafeInteger(segmentBytes) || segmentBytes < MIN_SEGMENT_BYTES || segmentBytes > MAX_WRITE_BYTES) {
    throw new RangeError(`segmentBytes is ${MIN_SEGMENT_BYTES} to ${MAX_WRITE_BYTES}, got ${segmentBytes}`)
  }
  if (!Number.isSafeInteger(maxBatchBytes) || maxBatchBytes < 1 || maxBatchBytes > MAX_WRITE_BYTES) {
    throw new RangeError(`maxBatchBytes is 1 to ${MAX_WRITE_BYTES}, got ${maxBatchBytes}`)
  }
  if (!Number.isSafeInteger(rewriteAfterBytes) || rewriteAfterBytes < segmentBytes) {
    throw new RangeError(`rewriteAfterBytes is segmentBytes (${segmentBytes}) or more, got ${rewriteAfterBytes}`)
  }
  if (!(sealAfterMs > 0 && sealAfterMs <= MAX_SEAL_AFTER_MS)) {
    throw new RangeError(`sealAfterMs is more than 0 and at most ${MAX_SEAL_AFTER_MS}, got ${sealAfterMs}`)
  }
  return settings
}
