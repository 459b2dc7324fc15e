import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import type { GroupLog, LogEntry } from '@dsys/storage'
import { FileLogStorage } from '@dsys/storage-file'
import { MemoryDisk } from '@dsys/storage-memory'

/** A simulated disk and the storages over it. */
export class StorageOnMemory {
  readonly disk: MemoryDisk
  readonly #seed: number
  #life = 0

  constructor(seed = 1) {
    this.#seed = seed
    this.disk = new MemoryDisk(new SeededRandom(seed))
  }

  /** A started storage. The one before must be stopped, or its disk crashed. */
  async start(): Promise<FileLogStorage> {
    const random = new SeededRandom(1_000 * this.#seed + this.#life++)
    const ports = { ...systemRuntime({ random, clock: new VirtualClock() }), disk: this.disk.mount() }
    const storage = new FileLogStorage(ports, { directory: 'n', segmentBytes: 4_096 })
    await storage.start()
    return storage
  }

  /** Opens group `g`, runs `body`, and stops. */
  async session<T>(body: (log: GroupLog, storage: FileLogStorage) => Promise<T>): Promise<T> {
    const storage = await this.start()
    try {
      return await body(await storage.openGroup('g'), storage)
    } finally {
      await storage.stop()
    }
  }

  /** As {@link StorageOnMemory.session}, but the process is killed after `body`: nothing proves that the last batch was durable. */
  async killed<T>(body: (log: GroupLog, storage: FileLogStorage) => Promise<T>): Promise<T> {
    const storage = await this.start()
    const result = await body(await storage.openGroup('g'), storage)
    this.disk.kill()
    return result
  }

  /** Opens group `g`, and nothing else. Throws what the storage throws, at its start or then. */
  async open(): Promise<void> {
    await this.session(async () => undefined)
  }

  /** The last index that a new storage finds. */
  lastIndex(): Promise<number> {
    return this.session(async ({ recovered }) => recovered.entries.at(-1)?.index ?? 0)
  }

  /** What a file holds now. */
  bytes(path: string): Buffer {
    return Buffer.from(this.disk.content(path))
  }

  /** Overwrites a file from its start. That the log went further once is forgotten. */
  restore(path: string, content: Buffer): void {
    this.edit(path, (file) => content.copy(file))
    this.edit('n/end', (file) => file.fill(0))
  }

  /** As that of the disk, for a Buffer. */
  edit(path: string, edit: (content: Buffer) => void): Buffer {
    return editFile(this.disk, path, edit)
  }
}

/** Changes a file of `disk`, and gives its new content. */
export function editFile(disk: MemoryDisk, path: string, edit: (content: Buffer) => void): Buffer {
  const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return view(disk.edit(path, (content) => edit(view(content))))
}

export const entry = (index: number, data: Uint8Array = Buffer.from(`entry ${index}`), term = 1): LogEntry => ({
  index,
  term,
  kind: 1,
  data,
})

export const wal = (sequence: number): string => `n/wal/${sequence.toString(16).padStart(16, '0')}.wal`
