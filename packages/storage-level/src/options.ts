import type { Clock, Logger, Meter } from '@dsys/runtime'
import type { OpenEngine } from './engine.ts'

/** What a {@link LevelStateStorage} may do. `systemRuntime()` gives what it needs. */
export interface LevelStateStoragePorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: Meter
  /** What keeps the pairs. Default: LevelDB. Another one is for tests that make it fail. */
  readonly engine?: OpenEngine
}

/** Options of a {@link LevelStateStorage}. */
export interface LevelStateStorageOptions {
  /** The folder of this storage and of nothing else, made when it is missing. */
  readonly directory: string
  /** What a write waits for that does not say it itself: the disk, or, with `false`, the operating system. Default true. */
  readonly durable?: boolean
  /** The longest key, in bytes, from 1 to `maxBatchBytes`. Default 4 KiB. */
  readonly maxKeyBytes?: number
  /** The longest value, in bytes, from 1 to `maxBatchBytes`. Default 8 MiB. */
  readonly maxValueBytes?: number
  /** The most that one batch may have in keys, values and 32 bytes for each change. From 1 KiB to 256 MiB. Default 16 MiB. */
  readonly maxBatchBytes?: number
  /** How many bytes of waiting batches share one write and one sync; one batch may be larger. From 1 byte to 256 MiB. Default 1 MiB. */
  readonly maxGroupBytes?: number
  /** How many bytes may wait to be written. What comes on top is refused. From `maxBatchBytes` to 4 GiB. Default 64 MiB. */
  readonly maxWaitingBytes?: number
  /** Memory for blocks that were read, in bytes, from 0 to 1 GiB. Default 32 MiB. */
  readonly cacheBytes?: number
  /**
   * How much of the newest is held in memory, and read again at a start, before it becomes a table, in bytes, from 64 KiB to 1 GiB. Twice as much may be
   * held. Default 16 MiB.
   */
  readonly writeBufferBytes?: number
}

/** The options with every default filled in. */
export type LevelStateStorageSettings = Required<LevelStateStorageOptions>

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/** The defaults of {@link LevelStateStorageOptions}. */
export const LEVEL_STATE_STORAGE_DEFAULTS: Readonly<Omit<LevelStateStorageSettings, 'directory'>> = Object.freeze({
  durable: true,
  maxKeyBytes: 4 * KIB,
  maxValueBytes: 8 * MIB,
  maxBatchBytes: 16 * MIB,
  maxGroupBytes: MIB,
  maxWaitingBytes: 64 * MIB,
  cacheBytes: 32 * MIB,
  writeBufferBytes: 16 * MIB,
})

/** What is counted for each change beside its bytes. */
export const CHANGE_BYTES = 32

/** Fills in the defaults. Throws RangeError for a value that cannot work. */
export function settingsOf(options: LevelStateStorageOptions): LevelStateStorageSettings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const settings: LevelStateStorageSettings = {
    ...LEVEL_STATE_STORAGE_DEFAULTS,
    directory: options.directory,
    ...Object.fromEntries(given),
  }
  const { maxBatchBytes } = settings
  if (settings.directory === '') throw new RangeError('directory is the path of a folder, got an empty text')
  const bounds = {
    maxBatchBytes: [KIB, 256 * MIB],
    maxKeyBytes: [1, maxBatchBytes],
    maxValueBytes: [1, maxBatchBytes],
    maxGroupBytes: [1, 256 * MIB],
    maxWaitingBytes: [maxBatchBytes, 4 * GIB],
    cacheBytes: [0, GIB],
    writeBufferBytes: [64 * KIB, GIB],
  } as const
  for (const [name, [least, most]] of Object.entries(bounds)) {
    const value = settings[name as keyof typeof bounds]
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue
    throw new RangeError(`${name} is a whole number of bytes from ${least} to ${most}, got ${value}`)
  }
  return settings
}
