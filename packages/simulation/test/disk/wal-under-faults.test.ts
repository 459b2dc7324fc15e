import { deepEqual, equal, ok } from 'node:assert/strict'
import { SeededRandom, systemRuntime } from '@dsys/runtime'
import type { GroupLog } from '@dsys/storage'
import { FileLogStorage } from '@dsys/storage-file'
import { expect, test } from 'vitest'
import type { DiskFault } from '../../src/disk/sim-disk.ts'
import { DiskWorld, runFreely } from './world.ts'

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code

/** Lives of one storage on a disk that fails in every way, and what each next life may find. */
class LogUnderFaults {
  readonly world: DiskWorld
  readonly #random: SeededRandom
  readonly #seed: number
  readonly refusals = new Map<unknown, number>()
  /** Numbers of the writes that the last recovery has found, and of those that were called since. */
  #known: number[] = []
  #since: number[] = []
  #acknowledged = 0
  #next = 1
  #lives = 0

  constructor(seed: number) {
    this.#seed = seed
    this.#random = new SeededRandom(seed)
    this.world = new DiskWorld(seed, { hiccupProbability: 0.02 })
  }

  get #storage(): FileLogStorage {
    const random = new SeededRandom(this.#seed * 1_000 + this.#lives++)
    const disk = this.world.disk.mount(this.world.ports)
    const runtime = systemRuntime({ random, clock: this.world.clock })
    return new FileLogStorage({ ...runtime, disk }, { directory: 'n', segmentBytes: 4_096, sealAfterMs: 20 })
  }

  /** One life: it starts, perhaps in vain, writes, and ends by a stop or a crash. */
  async live(): Promise<void> {
    const { disk } = this.world
    const ends = this.#faults(['reads', 'syncs', 'full', 'slow'], 0.15)
    let storage = this.#storage
    let log = await this.#start(storage, ends.length > 0)
    for (const end of ends) end()
    if (log === undefined) {
      disk.crash({ unsynced: this.#random.float() < 0.5 ? 'kept' : 'drawn' })
      storage = this.#storage
      log = await this.#start(storage, false)
    }
    if (log === undefined) throw new Error('a disk that works must do')
    this.#settle(log)
    const during = this.#faults(['syncs', 'full', 'slow', 'reads'], 0.1)
    const clean = await this.#write(log)
    if (clean && this.#random.float() < 0.4) await storage.stop()
    else if (!clean && this.#random.float() < 0.7) disk.crash({ unsynced: 'kept' })
    else disk.crash({ unsynced: (['drawn', 'lost', 'kept'] as const)[this.#random.integer(0, 3)] ?? 'drawn' })
    for (const end of during) end()
  }

  #faults(kinds: readonly ('reads' | 'syncs' | 'full' | 'slow')[], probability: number): (() => void)[] {
    const { disk } = this.world
    const make = {
      reads: () => disk.failReads({ probability: 0.3 }),
      syncs: () => disk.failSyncs({ probability: 0.3 }),
      full: () => disk.fill({ roomBytes: this.#random.integer(0, 3_000) }),
      slow: () => disk.slow(10),
    }
    return kinds.filter(() => this.#random.float() < probability).map((kind) => make[kind]())
  }

  /** Starts and opens the group; `undefined` when a fault kept it from that. Nothing but damage may be called damage. */
  async #start(storage: FileLogStorage, excused: boolean): Promise<GroupLog | undefined> {
    try {
      await storage.start()
      return await storage.openGroup('g')
    } catch (error) {
      this.refusals.set(codeOf(error), (this.refusals.get(codeOf(error)) ?? 0) + 1)
      ok(excused, error as Error)
      ok(['DSYS_STORAGE_READ_FAILED', 'DSYS_STORAGE_FAILED'].includes(String(codeOf(error))), error as Error)
      return undefined
    }
  }

  /** What is found is what was known, then a prefix of what was called since, with all that was acknowledged. */
  #settle({ recovered }: GroupLog): void {
    const found = recovered.entries.map(({ data }) => Buffer.from(data).readUInt32LE())
    const called = [...this.#known, ...this.#since]
    deepEqual(found, called.slice(0, found.length))
    ok(found.length >= this.#known.length + this.#acknowledged, 'an acknowledged write was lost')
    equal(recovered.hardState.term, found.at(-1) ?? 0)
    this.#known = found
    this.#since = []
    this.#acknowledged = 0
  }

  /** Writes for a while; says whether the storage still works. One that has failed must refuse everything. */
  async #write(log: GroupLog): Promise<boolean> {
    // A life without a write must leave what it has found, and acted on, to the next one.
    const batches = this.#random.float() < 0.4 ? 0 : this.#random.integer(1, 25)
    for (let left = batches; left > 0; left--) {
      const batch = Array.from({ length: this.#random.integer(1, 4) }, () => this.#persist(log))
      const ended = await Promise.allSettled(batch)
      const failed = ended.find((result) => result.status === 'rejected')
      if (failed !== undefined) {
        equal(codeOf(failed.reason), 'DSYS_STORAGE_FAILED')
        equal(await log.persist({}).then(() => 'written', codeOf), 'DSYS_STORAGE_FAILED')
        return false
      }
      this.#acknowledged += batch.length
      if (this.#random.float() < 0.2) await new Promise<void>((resolve) => this.world.clock.setTimer(30, resolve))
    }
    // A write under way when the life ends: nobody hears of it.
    if (this.#random.float() < 0.5) this.#persist(log).catch(() => undefined)
    return true
  }

  #persist(log: GroupLog): Promise<void> {
    const number = this.#next++
    this.#since.push(number)
    const data = Buffer.alloc(4 + this.#random.integer(0, 700), number)
    data.writeUInt32LE(number)
    const index = this.#known.length + this.#since.length
    return log.persist({
      hardState: { term: number, votedFor: `n${number}` },
      entries: [{ index, term: number, kind: 0, data }],
    })
  }

  /** After a stop a bit turns over: it is found, or it does not matter. */
  async rot(seed: number): Promise<'refused' | 'harmless'> {
    const clean = this.#storage
    const log = await this.#start(clean, false)
    if (log === undefined) throw new Error('it must start')
    this.#settle(log)
    await this.#persist(log)
    this.#acknowledged++
    await clean.stop()
    const flipped = this.world.disk.flipBit(seed)
    const storage = this.#storage
    const result = await storage
      .start()
      .then(() => storage.openGroup('g'))
      .catch(codeOf)
    if (result !== 'DSYS_STORAGE_CORRUPT') this.#settle(result as GroupLog)
    await storage.stop()
    if (result !== 'DSYS_STORAGE_CORRUPT' || flipped === undefined) return 'harmless'
    this.world.disk.files.flip(flipped)
    const mended = this.#storage
    const found = await this.#start(mended, false)
    if (found === undefined) throw new Error('what was refused must not have been changed')
    this.#settle(found)
    await mended.stop()
    return 'refused'
  }
}

test('the write-ahead log under all faults of a disk loses nothing acknowledged and takes no fault for another', async () => {
  const counts = new Map<DiskFault, number>()
  const refusals = new Set<unknown>()
  let rotten = 0
  for (let seed = 1; seed <= 120; seed++) {
    const log = new LogUnderFaults(seed)
    const stop = runFreely(log.world.clock)
    try {
      for (let life = 0; life < 8; life++) await log.live()
      if ((await log.rot(seed)) === 'refused') rotten++
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    } finally {
      stop()
    }
    for (const [what, times] of log.world.counts) counts.set(what, (counts.get(what) ?? 0) + times)
    for (const code of log.refusals.keys()) refusals.add(code)
  }
  // The run itself is guarded: every kind of fault has met somebody.
  const kinds: DiskFault[] = [
    'hiccup',
    'slowed',
    'read-failed',
    'sync-failed',
    'full',
    'in-flight-kept',
    'in-flight-lost',
    'write-kept',
    'write-lost',
    'write-torn',
    'evicted',
    'bit-flipped',
  ]
  expect(kinds.filter((kind) => !counts.has(kind))).toEqual([])
  expect([...refusals].sort()).toEqual(['DSYS_STORAGE_FAILED', 'DSYS_STORAGE_READ_FAILED'])
  ok(rotten > 5, `${rotten} flipped bits were refused`)
})
