import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRuntime } from '@dsys/runtime'
import type { StateStoragePlace } from '@dsys/storage/conformance'
import { type Engine, LevelStateStorage, type LevelStateStorageOptions, type OpenEngine } from '@dsys/storage-level'
import { openLevel } from '../src/node/level-engine.ts'

/** LevelDB whose writes can be made to fail, as on a broken disk. */
export class BreakableEngine {
  failing = false

  readonly open: OpenEngine = async (options) => {
    const engine = await openLevel(options)
    const write: Engine['write'] = async (changes, sync) => {
      if (this.failing) throw new Error('the disk is broken')
      await engine.write(changes, sync)
    }
    return {
      write,
      get: (key) => engine.get(key),
      pairs: (range) => engine.pairs(range),
      syncAll: () => engine.syncAll(),
      close: () => engine.close(),
    }
  }
}

/** A folder of its own, removed afterwards. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'dsys-storage-level-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/**
 * State in a new folder. A crash copies the files as the operating system has them, which is what the end of a process leaves, and goes on with the copy.
 */
export async function folderPlace(options: Partial<LevelStateStorageOptions> = {}): Promise<StateStoragePlace> {
  const folder = await temporaryFolder()
  const opened: LevelStateStorage[] = []
  let life = 0
  let engine = new BreakableEngine()
  const directory = (): string => join(folder.path, `${life}`)
  return {
    open: () => {
      engine = new BreakableEngine()
      const storage = new LevelStateStorage(
        { ...systemRuntime(), engine: engine.open },
        { ...options, directory: directory() },
      )
      opened.push(storage)
      return storage
    },
    crash: async () => {
      const before = directory()
      life++
      await cp(before, directory(), { recursive: true })
    },
    failWrites: () => {
      engine.failing = true
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map((storage) => storage.stop()))
      await folder[Symbol.asyncDispose]()
    },
  }
}
