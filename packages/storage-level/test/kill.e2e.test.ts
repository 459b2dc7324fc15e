import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SeededRandom, systemRuntime } from '@dsys/runtime'
import type { StateChange, StateRange, StateStorage, StateWriteOptions } from '@dsys/storage'
import { type StateStoragePlace, stateStorageConformance } from '@dsys/storage/conformance'
import { LevelStateStorage, type LevelStateStorageOptions } from '@dsys/storage-level'
import { describe, test } from 'vitest'
import { temporaryFolder } from './folder-place.ts'

const PROGRAM = fileURLToPath(new URL('state-process.mjs', import.meta.url))
const random = new SeededRandom(7)

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

/** A state storage in a process of its own. Who calls a dead one learns nothing. */
class KillableStorage implements StateStorage {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: unknown) => void }>()
  #calls = 0
  #writesLeft = Number.POSITIVE_INFINITY
  #onKilled: () => void = () => undefined

  constructor(options: LevelStateStorageOptions) {
    this.#process = fork(PROGRAM, [JSON.stringify(options)], { serialization: 'advanced', execArgv: [] })
    this.#process.on('message', ({ id, result, error }: Answer) => {
      const call = this.#waiting.get(id)
      if (error !== undefined) call?.reject(Object.assign(new Error(error.message), error))
      else call?.resolve(result as never)
    })
  }

  start = (): Promise<void> => this.#call('start')
  get = (key: Uint8Array): Promise<Uint8Array | undefined> => this.#call('get', key)

  write(changes: readonly StateChange[], options?: StateWriteOptions): Promise<void> {
    const written = this.#call<void>('write', changes, options)
    if (this.#writesLeft-- <= 0) void this.#killSoon()
    return written
  }

  async *entries(range?: StateRange): AsyncIterableIterator<readonly [Uint8Array, Uint8Array]> {
    yield* await this.#call<readonly (readonly [Uint8Array, Uint8Array])[]>('entries', range)
  }

  async stop(): Promise<void> {
    await this.#call('stop')
    await this.kill()
  }

  [Symbol.asyncDispose] = (): Promise<void> => this.kill()

  killAfter(writes: number): Promise<void> {
    this.#writesLeft = writes
    return new Promise((resolve) => {
      this.#onKilled = resolve
    })
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exit = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exit
  }

  /** Some turns later, so that the write has begun there, or not, or ended. */
  async #killSoon(): Promise<void> {
    for (let turns = random.integer(0, 40); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve))
    await this.kill()
    this.#onKilled()
  }

  #call<T>(name: string, ...parameters: unknown[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const id = ++this.#calls
      this.#waiting.set(id, { resolve, reject })
      if (this.#process.connected) this.#process.send({ id, name, parameters }, () => undefined)
    })
  }
}

async function killablePlace(options: Partial<LevelStateStorageOptions>): Promise<StateStoragePlace> {
  const folder = await temporaryFolder()
  let storage: KillableStorage | undefined
  return {
    open: () => {
      storage = new KillableStorage({ ...options, directory: folder.path })
      return storage
    },
    crash: () => storage?.kill(),
    crashAfter: (operations) => storage?.killAfter(operations) ?? Promise.reject(new TypeError('nothing is open')),
    [Symbol.asyncDispose]: async () => {
      await storage?.kill()
      await folder[Symbol.asyncDispose]()
    },
  }
}

// The end of a process takes nothing from the operating system, so what was only written has to be there as well.
describe('a process that is killed', () => {
  stateStorageConformance(
    { describe: (name, body) => (/crashes|waits for/.test(name) ? describe(name, body) : undefined), test },
    { supports: ['reopen', 'durable', 'crash', 'crash-points'], create: () => killablePlace({ durable: false }) },
  )
})

test('a full disk is an error that ends all writing; what was acknowledged is there when there is room', async () => {
  await using folder = await temporaryFolder()
  const program = `
    import { systemRuntime } from '@dsys/runtime'
    import { LevelStateStorage } from '@dsys/storage-level'
    const storage = new LevelStateStorage(systemRuntime(), { directory: process.argv[1] })
    await storage.start()
    const key = (i) => Buffer.from('k' + String(i).padStart(5, '0'))
    for (let i = 0; ; i++) {
      try {
        await storage.write([{ type: 'put', key: key(i), value: Buffer.alloc(1000, i) }])
        console.log(i)
      } catch (error) {
        console.log(error.code, error.cause.code, error.cause.message)
        await storage.write([{ type: 'put', key: key(i), value: Buffer.alloc(1) }]).catch(({ code }) => console.log(code))
        break
      }
    }`
  // No file may become larger than 200 KiB. A signal that is ignored leaves the error to whoever writes.
  const shell = 'trap "" XFSZ; ulimit -f 200; exec "$0" --input-type=module -e "$1" "$2"'
  const child = spawn('bash', ['-c', shell, process.execPath, program, folder.path], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (data) => {
    printed += data
  })
  await once(child, 'close')
  const lines = printed.trim().split('\n')
  const acknowledged = lines.filter((line) => /^\d+$/.test(line)).length
  ok(acknowledged > 50, printed)
  match(lines.at(-2) ?? '', /^DSYS_STORAGE_FAILED LEVEL_IO_ERROR/)
  equal(lines.at(-1), 'DSYS_STORAGE_FAILED')
  await using storage = new LevelStateStorage(systemRuntime(), { directory: folder.path })
  await storage.start()
  let found = 0
  for await (const [, value] of storage.entries()) {
    deepEqual(Buffer.from(value), Buffer.alloc(1_000, found))
    found++
  }
  ok(found >= acknowledged && found <= acknowledged + 1, `${found} of ${acknowledged}`)
})

test('another process that has the folder is told of', async () => {
  await using folder = await temporaryFolder()
  await using holder = new KillableStorage({ directory: folder.path })
  await holder.start()
  await using storage = new LevelStateStorage(systemRuntime(), { directory: folder.path })
  await rejects(storage.start(), { code: 'DSYS_STORAGE_LOCKED' })
})
