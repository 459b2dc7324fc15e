import { deepEqual, equal, ok } from 'node:assert/strict'
import { DsysError, SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import type { Disk, DiskFile, GroupLog, LogStorage } from '@dsys/storage'
import { FileLogStorage } from '@dsys/storage-file'
import { type DiskGate, type DiskOperation, MemoryDisk } from '@dsys/storage-memory'
import { describe, test } from 'vitest'
import { CrashWorld } from './crash-model.ts'
import { entry } from './storage-on-memory.ts'

const STEPS = 32

type Next = 'stop' | 'kill' | 'crash'

/** Runs `body`, which may end in an error of the storage and in nothing else. */
async function untilFailure(body: () => Promise<void>): Promise<void> {
  try {
    await body()
  } catch (error) {
    if (!(error instanceof DsysError) || error.code !== 'DSYS_STORAGE_FAILED') throw error
  }
}

/** The program of `seed`, of which one operation fails; then the process ends as told, and the next one goes on. Says whether one failed. */
async function failAt(seed: number, change: number, next: Next): Promise<boolean> {
  const world = new CrashWorld(seed)
  world.disk.failOnce(change)
  await untilFailure(async () => {
    await world.recover()
    await world.run(STEPS)
  })
  const failed = !world.disk.changeWillFail
  if (next === 'kill') world.disk.kill()
  else if (next === 'crash') world.disk.crash()
  else await world.stop()
  world.disk.mend()
  await world.recover()
  await world.run(6)
  world.disk.crash()
  await world.recover()
  return failed
}

describe('a failure of any operation that changes the disk loses nothing acknowledged and invents nothing, when the process is ended by', () => {
  for (const next of ['stop', 'kill', 'crash'] as const) {
    test(`a ${next}`, { timeout: 60_000 }, async () => {
      let change = 0
      try {
        for (let failed = true; failed; change++) failed = await failAt(2, change, next)
      } catch (error) {
        throw new Error(`change ${change}`, { cause: error })
      }
      ok(change > 60, `${change} changes`)
    })
  }
})

/** A disk of which one operation fails, or all from one on, and which knows its open files. */
class WatchedDisk {
  readonly #disk: MemoryDisk
  #operations = 0
  #failAt = Number.POSITIVE_INFINITY
  #onwards = false
  failed: DiskOperation | undefined
  readonly #open = new Map<DiskFile, string>()

  constructor(seed: number) {
    this.#disk = new MemoryDisk(new SeededRandom(seed))
  }

  /** Paths of the files that are open. */
  get open(): string[] {
    return [...this.#open.values()]
  }

  fail(operation: number, onwards: boolean): void {
    this.#operations = 0
    this.#failAt = operation
    this.#onwards = onwards
    this.failed = undefined
  }

  mount(): Disk {
    const gate: DiskGate = async (operation, effect) => {
      await Promise.resolve()
      if (operation.type === 'close' || operation.type === 'unlock') return effect('done')
      const number = this.#operations++
      if (number !== this.#failAt && !(this.#onwards && number > this.#failAt)) return effect('done')
      this.failed ??= operation
      return effect('failed')
    }
    const disk = this.#disk.mount({ gate })
    return Object.assign(disk, { open: this.#watch(disk.open.bind(disk)) })
  }

  #watch(open: Disk['open']): Disk['open'] {
    return async (path, options) => {
      const file = await open(path, options)
      this.#open.set(file, path)
      const close = file.close.bind(file)
      return Object.assign(file, {
        close: () => {
          this.#open.delete(file)
          return close()
        },
      })
    }
  }
}

const lastOf = ({ recovered }: GroupLog): number => recovered.entries.at(-1)?.index ?? recovered.snapshot?.index ?? 0

/** Uses all that a storage can do. Gives every error that somebody was told. */
async function useAll(storage: LogStorage): Promise<unknown[]> {
  const errors: unknown[] = []
  const attempt = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => errors.push(error))
  const meta = (index: number) => ({ index, term: 1, context: Buffer.from('context') })
  const open = async (group: string, body: (log: GroupLog) => Promise<void>) => {
    await using log = await storage.openGroup(group)
    await body(log)
  }
  const work = async (): Promise<void> => {
    await storage.start()
    await open('g', async (log) => {
      const last = lastOf(log)
      for (let index = last + 1; index <= last + 8; index++) {
        await attempt(log.persist({ entries: [entry(index, Buffer.alloc(900))] }))
      }
      const snapshot = log.saveSnapshot(meta(last + 4), [Buffer.alloc(70_000)])
      await attempt(snapshot.then(() => log.compact(last + 4)))
      await attempt(log.saveSnapshot(meta(last + 7), [Buffer.alloc(10)]))
      if (errors.length === 0) await attempt(log.resetToSnapshot())
      await attempt(log.persist({ entries: [entry(last + 8, Buffer.alloc(5_000))] }))
    })
    await open('g', async (log) => {
      await attempt(log.snapshot()?.read(0, 100) ?? Promise.resolve())
      const last = lastOf(log)
      await attempt(log.persist({ entries: [entry(last + 1, Buffer.alloc(2_500))] }))
    })
  }
  await attempt(work())
  return errors
}

for (const onwards of [false, true]) {
  const which = onwards ? 'all operations from any on fail' : 'any operation fails'
  test(`when ${which}, every error says what it is, and a stop closes every file and frees the folder`, async () => {
    const codes = new Set<string>()
    let operation = 0
    for (let failed: DiskOperation | undefined; operation === 0 || failed !== undefined; operation += onwards ? 3 : 1) {
      const disk = new WatchedDisk(operation)
      const storage = (): FileLogStorage => {
        const runtime = systemRuntime({ random: new SeededRandom(operation), clock: new VirtualClock() })
        return new FileLogStorage({ ...runtime, disk: disk.mount() }, { directory: 'n', segmentBytes: 4_096 })
      }
      const before = storage()
      deepEqual(await useAll(before), [])
      await before.stop()
      disk.fail(operation, onwards)
      const during = storage()
      const errors = await useAll(during)
      await during.stop()
      failed = disk.failed
      const what = `${failed?.type} ${failed?.path} failed`
      for (const error of errors) {
        ok(error instanceof DsysError, `${what}: ${String(error)}`)
        codes.add(error.code)
      }
      deepEqual(disk.open, [], `${what}, and a file was left open`)
      disk.fail(Number.POSITIVE_INFINITY, false)
      const after = storage()
      deepEqual(await useAll(after), [], what)
      await after.stop()
    }
    ok(operation > 80, `${operation} operations`)
    deepEqual([...codes].sort(), ['DSYS_STORAGE_FAILED', 'DSYS_STORAGE_READ_FAILED'])
  })
}

test('a group that is opened after a failed write is refused: what it would show is not durable', async () => {
  const disk = new MemoryDisk(new SeededRandom(1))
  const ports = { ...systemRuntime({ random: new SeededRandom(1), clock: new VirtualClock() }), disk: disk.mount() }
  await using storage = new FileLogStorage(ports, { directory: 'n' })
  await storage.start()
  const log = await storage.openGroup('g')
  await log.persist({ hardState: { term: 1, votedFor: 'n1' } })
  disk.failOnce()
  const failed = { code: 'DSYS_STORAGE_FAILED' }
  const codeOf = (error: { code?: string }) => error.code
  equal(await log.persist({ hardState: { term: 2, votedFor: 'n2' } }).then(() => 'written', codeOf), failed.code)
  await log[Symbol.asyncDispose]()
  const again = await storage.openGroup('g').then(({ recovered }) => recovered.hardState, codeOf)
  equal(again, failed.code)
})
