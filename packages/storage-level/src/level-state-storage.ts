import { type Counter, type Gauge, type Histogram, Lifecycle, type Logger, type StartOptions } from '@dsys/runtime'
import {
  type StateChange,
  StateCorruptionError,
  type StateRange,
  type StateStorage,
  StateTooLargeError,
  type StateWriteOptions,
  StorageFailedError,
} from '@dsys/storage'
import type { Engine } from './engine.ts'
import { Iteration, readError } from './iteration.ts'
import { openLevel } from './node/level-engine.ts'
import {
  CHANGE_BYTES,
  type LevelStateStorageOptions,
  type LevelStateStoragePorts,
  type LevelStateStorageSettings,
  settingsOf,
} from './options.ts'
import { checkedValue, END_KEY, FIRST_KEY, FORMAT_KEY, FORMAT_VERSION, storedChange, storedKey } from './pairs.ts'
import { type Group, WriteQueue } from './write-queue.ts'

/**
 * {@link StateStorage} on disk, in LevelDB. Each write says whether it waits for the disk; what waits while one write runs shares the next
 * one, and its sync. Reading and writing happen on other threads.
 */
export class LevelStateStorage implements StateStorage {
  readonly #ports: LevelStateStoragePorts
  readonly #settings: LevelStateStorageSettings
  readonly #logger: Logger
  readonly #writeMs: Histogram
  readonly #groupBatches: Histogram
  readonly #writtenBytes: Counter
  readonly #waitingBytes: Gauge
  readonly #queue: WriteQueue
  readonly #lifecycle: Lifecycle
  #engine: Engine | undefined

  constructor(ports: LevelStateStoragePorts, options: LevelStateStorageOptions) {
    this.#settings = settingsOf(options)
    this.#ports = ports
    this.#logger = ports.logger.child({ part: 'storage-level' })
    const { meter } = ports
    this.#writeMs = meter.histogram('dsys_state_write_ms', { unit: 'ms', description: 'Duration of one write' })
    this.#groupBatches = meter.histogram('dsys_state_write_batches', { description: 'Batches that shared one write' })
    this.#writtenBytes = meter.counter('dsys_state_written_bytes', {
      unit: 'bytes',
      description: 'Bytes of the batches',
    })
    this.#waitingBytes = meter.gauge('dsys_state_waiting_bytes', { unit: 'bytes', description: 'Not written yet' })
    this.#queue = new WriteQueue({ ...this.#settings, commit: (group) => this.#commit(group) })
    this.#lifecycle = new Lifecycle('LevelStateStorage', { start: () => this.#start(), stop: () => this.#stop() })
  }

  /**
   * Takes the folder, and reads what a crash has left. Throws DirectoryLockedError when somebody has the folder, StateCorruptionError for damage, ReadFailedError
   * and StorageFailedError when the disk fails.
   */
  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  /** Waits for the writes under way, makes all of them durable, ends the iterations and gives the folder back. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const engine = this.#running()
    const { directory } = this.#settings
    // A copy: the bytes are read on another thread, and belong to the caller.
    const own = storedKey(key)
    let stored: Uint8Array | undefined
    try {
      stored = await engine.get(own)
    } catch (error) {
      this.#lifecycle.assertRunning()
      throw readError(directory, error)
    }
    return stored && checkedValue(directory, own.subarray(1), stored)
  }

  async write(changes: readonly StateChange[], options: StateWriteOptions = {}): Promise<void> {
    this.#running()
    const bytes = this.#sizeOf(changes)
    const written = this.#queue.push(changes.map(storedChange), bytes, options.durable ?? this.#settings.durable)
    this.#waitingBytes.set(this.#queue.waitingBytes)
    await written
  }

  entries(range: StateRange = {}): AsyncIterableIterator<readonly [key: Uint8Array, value: Uint8Array]> {
    const engine = this.#running()
    const { from, to, reverse = false, limit } = range
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw new RangeError(`limit is a whole number from 0, got ${limit}`)
    }
    const source = engine.pairs({
      from: from === undefined ? FIRST_KEY : storedKey(from),
      to: to === undefined ? END_KEY : storedKey(to),
      reverse,
      limit,
    })
    const check = (): void => this.#lifecycle.assertRunning()
    return new Iteration({ directory: this.#settings.directory, source, check })
  }

  #running(): Engine {
    this.#lifecycle.assertRunning()
    if (this.#engine === undefined) throw new TypeError('the engine is not open')
    return this.#engine
  }

  #sizeOf(changes: readonly StateChange[]): number {
    const { maxKeyBytes, maxValueBytes, maxBatchBytes } = this.#settings
    let bytes = 0
    for (const change of changes) {
      const { length } = change.key
      if (length > maxKeyBytes) throw new StateTooLargeError('key', length, maxKeyBytes)
      const valueBytes = change.type === 'put' ? change.value.length : 0
      if (valueBytes > maxValueBytes) throw new StateTooLargeError('value', valueBytes, maxValueBytes)
      bytes += CHANGE_BYTES + length + valueBytes
    }
    if (bytes > maxBatchBytes) throw new StateTooLargeError('batch', bytes, maxBatchBytes)
    return bytes
  }

  async #commit({ changes, bytes, batches, durable }: Group): Promise<void> {
    const { clock } = this.#ports
    const startMs = clock.monotonicMs()
    try {
      // Of an empty batch there is nothing to be kept, and all before it was written already.
      if (changes.length > 0) await this.#engine?.write(changes, durable)
    } catch (error) {
      const failure = new StorageFailedError(`a write to ${this.#settings.directory}`, error)
      this.#logger.log('error', 'the state storage has failed, and takes no more writes', { error: failure })
      throw failure
    }
    this.#writeMs.record(clock.monotonicMs() - startMs)
    this.#groupBatches.record(batches)
    this.#writtenBytes.add(bytes)
    this.#waitingBytes.set(this.#queue.waitingBytes - bytes)
  }

  async #start(): Promise<void> {
    const { directory, cacheBytes, writeBufferBytes } = this.#settings
    const engine = await (this.#ports.engine ?? openLevel)({ directory, cacheBytes, writeBufferBytes })
    this.#engine = engine
    let format: Uint8Array | undefined
    let others: readonly unknown[] = []
    try {
      format = await engine.get(FORMAT_KEY)
      if (format === undefined) {
        const pairs = engine.pairs({ from: new Uint8Array(0), to: Uint8Array.of(255, 255), reverse: false, limit: 1 })
        others = await pairs.next(1)
        await pairs.close()
      }
    } catch (error) {
      throw readError(directory, error)
    }
    if (others.length > 0) throw new StateCorruptionError(directory, 'this LevelDB was not written by a state storage')
    if (format === undefined) return this.#commitFormat(engine)
    if (format.length !== 1 || format[0] !== FORMAT_VERSION) {
      throw new StateCorruptionError(directory, `its format is ${format.join('.')}, and ${FORMAT_VERSION} is known`)
    }
  }

  async #commitFormat(engine: Engine): Promise<void> {
    try {
      await engine.write([{ key: FORMAT_KEY, value: Uint8Array.of(FORMAT_VERSION) }], true)
    } catch (error) {
      throw new StorageFailedError(`a write to ${this.#settings.directory}`, error)
    }
  }

  async #stop(): Promise<void> {
    const engine = this.#engine
    if (engine === undefined) return
    try {
      await this.#queue.drained()
      if (this.#queue.works) await this.#syncAll(engine)
    } finally {
      await engine.close()
      this.#engine = undefined
    }
  }

  /** What was only written survives a loss of power from here on. */
  async #syncAll(engine: Engine): Promise<void> {
    try {
      await engine.syncAll()
    } catch (error) {
      throw new StorageFailedError(`a sync of ${this.#settings.directory}`, error)
    }
  }
}
