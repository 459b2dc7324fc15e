import { DsysError, Lifecycle, type Logger, type StartOptions } from '@dsys/runtime'
import {
  checkGroupName,
  type Disk,
  type GroupLog,
  GroupOpenError,
  type LogStorage,
  type OpenGroupOptions,
  StorageFailedError,
} from '@dsys/storage'
import { EndMark } from './end-mark.ts'
import { FileGroupLog } from './file-group-log.ts'
import { createFolder, pathIn } from './folders.ts'
import type { GroupIndex } from './group-index.ts'
import { nodeDisk } from './node/node-disk.ts'
import {
  type FileLogStorageOptions,
  type FileLogStoragePorts,
  type FileLogStorageSettings,
  settingsOf,
} from './options.ts'
import { reading } from './reading.ts'
import { openingOf } from './salvage.ts'
import { SnapshotFiles } from './snapshot-files.ts'
import { WriteAheadLog } from './write-ahead-log.ts'

/**
 * {@link LogStorage} in files: one write-ahead log with checksums for all groups of a node, one sync for all writes that
 * wait, and a file for each snapshot. What it acknowledged survives `kill -9` and a loss of power.
 */
export class FileLogStorage implements LogStorage {
  readonly #disk: Disk
  readonly #base: string
  readonly #ports: FileLogStoragePorts
  readonly #settings: FileLogStorageSettings
  readonly #logger: Logger
  /** The groups that are open, or being opened. */
  readonly #open = new Map<string, Promise<FileGroupLog>>()
  readonly #lifecycle: Lifecycle
  #log: WriteAheadLog | undefined
  #unlock: (() => Promise<void>) | undefined

  constructor(ports: FileLogStoragePorts, options: FileLogStorageOptions) {
    this.#settings = settingsOf(options)
    this.#ports = ports
    this.#disk = ports.disk ?? nodeDisk(options.directory)
    this.#base = ports.disk === undefined ? '' : options.directory
    this.#logger = ports.logger.child({ part: 'storage-file' })
    this.#lifecycle = new Lifecycle('FileLogStorage', {
      start: ({ signal }) => this.#start(signal),
      stop: () => this.#stop(),
    })
  }

  /**
   * Takes the folder and reads the log. Throws DirectoryLockedError when another process has the folder, and
   * CorruptionError, with nothing changed, for damage that a crash cannot explain, unless it is known which groups it harms: then
   * {@link FileLogStorage.openGroup} throws it for those. ReadFailedError and StorageFailedError when the disk does.
   */
  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  /** Waits for the writes under way, then gives the folder back. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async openGroup(group: string, options: OpenGroupOptions = {}): Promise<GroupLog> {
    this.#lifecycle.assertRunning()
    options.signal?.throwIfAborted()
    checkGroupName(group)
    if (this.#open.has(group)) throw new GroupOpenError(group)
    const opening = this.#openLog(group, options)
    this.#open.set(group, opening)
    try {
      return await opening
    } catch (error) {
      this.#open.delete(group)
      throw error
    }
  }

  async #openLog(name: string, options: OpenGroupOptions): Promise<FileGroupLog> {
    const log = this.#log
    if (log === undefined) throw new TypeError('the log is not open')
    log.assertWorks()
    const group = log.group(name)
    group.held = true
    try {
      const rewriting = log.rewriting
      if (rewriting !== undefined) await rewriting
      return await this.#openHeld(log, group, options)
    } catch (error) {
      group.held = false
      throw error
    }
  }

  async #openHeld(
    log: WriteAheadLog,
    group: GroupIndex,
    { signal, salvage = false }: OpenGroupOptions,
  ): Promise<FileGroupLog> {
    const { name } = group
    const parent = pathIn(this.#base, 'snapshots')
    const snapshots = new SnapshotFiles(
      { disk: this.#disk, random: this.#ports.random },
      { parent, id: group.id, group: name },
    )
    try {
      await snapshots.open()
    } catch (error) {
      // Reading says itself what is wrong; all else is a change that failed.
      throw error instanceof DsysError ? error : log.fail('removing what is superfluous', error)
    }
    const entries = await log.entriesOf(group)
    signal?.throwIfAborted()
    this.#lifecycle.assertRunning()
    const found = {
      group,
      snapshot: snapshots.newest?.meta,
      damagedSnapshot: snapshots.damaged,
      entries,
      directory: this.#settings.directory,
    }
    const opening = openingOf(found, salvage)
    // Until here nothing of the log was changed if it is damaged.
    await log.takeOver()
    log.opened(group)
    return new FileGroupLog({
      log,
      group,
      snapshots,
      opening,
      logger: this.#logger,
      onDispose: () => this.#open.delete(name),
    })
  }

  async #start(signal: AbortSignal): Promise<void> {
    const disk = this.#disk
    const snapshots = pathIn(this.#base, 'snapshots')
    try {
      await createFolder(disk, this.#base)
      this.#unlock = await disk.lock(this.#base)
      await disk.createDirectory(pathIn(this.#base, 'wal'))
      await disk.createDirectory(snapshots)
      await disk.syncDirectory(this.#base)
    } catch (error) {
      throw error instanceof DsysError ? error : new StorageFailedError('making the folders', error)
    }
    const endMark = new EndMark(disk, this.#base)
    const log = new WriteAheadLog(
      { ...this.#ports, disk, endMark },
      { ...this.#settings, directory: pathIn(this.#base, 'wal') },
    )
    this.#log = log
    const groupsExpected = (await reading(`listing ${snapshots}`, () => disk.list(snapshots))).length > 0
    await log.open({ signal, groupsExpected })
  }

  async #stop(): Promise<void> {
    try {
      // A group that is being opened reads and removes files, so the folder is not given back before that has ended.
      for (const opening of await Promise.allSettled(this.#open.values())) {
        if (opening.status === 'fulfilled') await opening.value[Symbol.asyncDispose]()
      }
      await this.#log?.close()
    } finally {
      await this.#unlock?.()
    }
  }
}
