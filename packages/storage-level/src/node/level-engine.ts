import { mkdir, open, readdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DirectoryLockedError, ReadFailedError, StateCorruptionError, StorageFailedError } from '@dsys/storage'
import { ClassicLevel } from 'classic-level'
import type { Engine, OpenEngine, StoredChange, StoredPairs, StoredRange } from '../engine.ts'

type Database = ClassicLevel<Uint8Array, Uint8Array>

/** How much of an iteration is read ahead. */
const READ_AHEAD_BYTES = 64 * 1024

class LevelEngine implements Engine {
  readonly #database: Database
  readonly #path: string

  constructor(database: Database, path: string) {
    this.#database = database
    this.#path = path
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#database.get(key)
  }

  async write(changes: readonly StoredChange[], sync: boolean): Promise<void> {
    const batch = this.#database.batch()
    for (const { key, value } of changes) {
      if (value === undefined) batch.del(key)
      else batch.put(key, value)
    }
    await batch.write({ sync })
  }

  pairs({ from, to, reverse, limit }: StoredRange): StoredPairs {
    const iterator = this.#database.iterator({
      gte: from,
      lt: to,
      reverse,
      limit: limit ?? -1,
      fillCache: false,
      highWaterMarkBytes: READ_AHEAD_BYTES,
    })
    return { next: (count) => iterator.nextv(count), close: () => iterator.close() }
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  /** LevelDB itself syncs its newest log alone, and only where a write says so. What it has not made a table of yet stands in its logs. */
  async syncAll(): Promise<void> {
    for (const name of await readdir(this.#path)) if (name.endsWith('.log')) await syncPath(join(this.#path, name))
  }
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the folder and those above it, each under a name that is durable. */
async function createFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o750 })
  if (first === undefined) return
  for (let made = path; ; made = dirname(made)) {
    await syncPath(dirname(made))
    if (made === first) return
  }
}

/**
 * LevelDB takes a folder without the file CURRENT for a new one, and removes what it does not know. So where that file alone is gone, everything would be.
 * A crash while LevelDB makes a new folder leaves its first manifest at the most.
 */
async function assertNotHeadless(directory: string): Promise<void> {
  const names = await readdir(directory)
  if (names.includes('CURRENT')) return
  const data = names.find((name) => /\.(ldb|sst|log)$/.test(name) || /^MANIFEST-(?!000001$)/.test(name))
  if (data !== undefined) throw new StateCorruptionError(directory, `the file CURRENT is gone, and ${data} is there`)
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined)

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

/** Opens LevelDB in a folder. Throws DirectoryLockedError, StateCorruptionError, ReadFailedError and StorageFailedError. */
export const openLevel: OpenEngine = async ({ directory, cacheBytes, writeBufferBytes }) => {
  const path = resolve(directory)
  try {
    await createFolder(path)
  } catch (error) {
    throw new StorageFailedError(`making the folder ${path}`, error)
  }
  try {
    await assertNotHeadless(path)
  } catch (error) {
    throw error instanceof StateCorruptionError ? error : new ReadFailedError(`reading the folder ${path}`, error)
  }
  const database: Database = new ClassicLevel(path, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    cacheSize: cacheBytes,
    writeBufferSize: writeBufferBytes,
  })
  try {
    await database.open()
  } catch (error) {
    const code = codeOf(causeOf(error))
    if (code === 'LEVEL_LOCKED') throw new DirectoryLockedError(path, 'another process, or another storage of this one')
    if (code === 'LEVEL_CORRUPTION') throw new StateCorruptionError(path, String(causeOf(error)))
    throw new StorageFailedError(`opening LevelDB in ${path}`, error)
  }
  try {
    // LevelDB gives a new folder its last name without making it durable.
    await syncPath(path)
  } catch (error) {
    await database.close()
    throw new StorageFailedError(`a sync of the folder ${path}`, error)
  }
  return new LevelEngine(database, path)
}
