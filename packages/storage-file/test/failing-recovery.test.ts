import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import type { GroupLog } from '@dsys/storage'
import { FileLogStorage } from '@dsys/storage-file'
import { type DiskGate, type DiskOperation, MemoryDisk } from '@dsys/storage-memory'
import { expect, test } from 'vitest'
import { entry } from './storage-on-memory.ts'

const OPTIONS = { directory: 'n', segmentBytes: 4_096 }

/** A disk of which one operation fails, counted among those that change something. */
class OneFailure {
  readonly disk: MemoryDisk
  readonly #seed: number
  #left = Number.POSITIVE_INFINITY
  failed: DiskOperation | undefined

  constructor(seed: number) {
    this.#seed = seed
    this.disk = new MemoryDisk(new SeededRandom(seed))
  }

  failIn(changes: number): void {
    this.#left = changes
    this.failed = undefined
  }

  storage(): FileLogStorage {
    const gate: DiskGate = async (operation, effect) => {
      await Promise.resolve()
      if (!operation.changes || this.#left-- > 0) return effect('done')
      this.#left = Number.POSITIVE_INFINITY
      this.failed = operation
      return effect('failed')
    }
    const runtime = systemRuntime({ random: new SeededRandom(this.#seed), clock: new VirtualClock() })
    return new FileLogStorage({ ...runtime, disk: this.disk.mount({ gate }) }, OPTIONS)
  }

  /** What a new storage finds, and what it is called to do with it. */
  async found(body: (log: GroupLog) => Promise<void> = async () => undefined): Promise<number[]> {
    await using storage = this.storage()
    await storage.start()
    const log = await storage.openGroup('g')
    await body(log)
    return log.recovered.entries.map(({ index, term }) => 10 * term + index)
  }
}

/** A log of three entries of term 1, and the rest of a fourth: all of its frame but the header, or all but the end. */
async function withTornTail(seed: number, cut: 'beginning' | 'end'): Promise<OneFailure> {
  const world = new OneFailure(seed)
  const storage = world.storage()
  await storage.start()
  const log = await storage.openGroup('g')
  for (const index of [1, 2, 3]) await log.persist({ entries: [entry(index)] })
  await log.saveSnapshot({ index: 1, term: 1, context: new Uint8Array(0) }, [Buffer.from('one')])
  const path = 'n/wal/0000000000000001.wal'
  const before = world.disk.content(path)
  await log.persist({ entries: [entry(4, Buffer.alloc(1_500, 7))] })
  world.disk.kill()
  world.disk.edit(path, (content) => {
    const start = content.findIndex((byte, at) => byte !== before[at])
    if (cut === 'beginning') content.set(before.subarray(start, start + 24), start)
    else content.fill(0, start + 700)
  })
  return world
}

type Next = 'stop' | 'kill' | 'crash'

/** One operation of a recovery fails. Says which, or nothing when it was past the end of the recovery. */
async function failInRecovery(world: OneFailure, change: number, next: Next): Promise<DiskOperation | undefined> {
  world.failIn(change)
  const storage = world.storage()
  const opened = await storage
    .start()
    .then(() => storage.openGroup('g'))
    .then(
      () => 'opened',
      (error: { code?: string }) => error.code,
    )
  const { failed } = world
  world.failIn(Number.POSITIVE_INFINITY)
  // What runs in the background may fail after the opening; then the first write says so.
  equal(opened, failed === undefined || opened === 'opened' ? 'opened' : 'DSYS_STORAGE_FAILED')
  await storage.stop()
  if (next === 'kill') world.disk.kill()
  if (next === 'crash') world.disk.crash()
  return failed
}

for (const cut of ['beginning', 'end'] as const) {
  test(`a recovery that cannot clear a write whose ${cut} is missing fails, loses nothing, and the next one does it`, async () => {
    const kinds = new Set<string>()
    for (const next of ['stop', 'kill', 'crash'] as const) {
      for (let seed = 1; seed <= 2; seed++) {
        for (let change = 0, failed: DiskOperation | undefined; change === 0 || failed !== undefined; change++) {
          const world = await withTornTail(seed, cut)
          failed = await failInRecovery(world, change, next)
          if (failed !== undefined) kinds.add(`${failed.type} ${failed.path}`)
          deepEqual(await world.found(), [12, 13], `${next} after ${failed?.type} ${failed?.path} failed`)
          world.disk.crash()
          const term2 = { ...entry(4), term: 2 }
          deepEqual(await world.found((log) => log.persist({ entries: [term2] })), [12, 13])
          world.disk.crash()
          deepEqual(await world.found(), [12, 13, 24])
        }
      }
    }
    // The run itself is guarded: the write that clears the tail was among those that failed.
    ok(kinds.has('write n/wal/0000000000000001.wal'), [...kinds].join(', '))
    expect(kinds.size).toBeGreaterThan(4)
  })
}

test('after a recovery that failed the storage refuses all work, and its folder is free', async () => {
  const world = await withTornTail(1, 'end')
  for (let change = 0; world.failed?.type !== 'write'; change++) {
    const storage = world.storage()
    world.failIn(change)
    await rejects(storage.start(), { code: 'DSYS_STORAGE_FAILED' })
    await rejects(storage.openGroup('g'), { code: 'DSYS_NOT_RUNNING' })
    await (await world.disk.mount().lock('n'))()
  }
})
