import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import type { GroupLog, HardState } from '@dsys/storage'
import { FileLogStorage } from '@dsys/storage-file'
import { describe, test } from 'vitest'
import { entry, StorageOnMemory, wal } from './storage-on-memory.ts'

const corrupt = { code: 'DSYS_STORAGE_CORRUPT' }
const FRAME_MAGIC = Buffer.from('DSFR')
const marked: HardState = { term: 3, votedFor: 'n2', abstention: { throughIndex: 6, term: 1 } }

const indices = ({ recovered }: GroupLog): number[] => recovered.entries.map(({ index }) => index)

/** Positions of the frames in a segment. */
function framesOf(segment: Buffer): number[] {
  const frames: number[] = []
  for (let at = segment.indexOf(FRAME_MAGIC); at >= 0; at = segment.indexOf(FRAME_MAGIC, at + 8)) frames.push(at)
  return frames
}

/** Turns over a bit in the payload of the frame that holds `text`. */
function damage(world: StorageOnMemory, text: string, path = wal(1)): void {
  world.edit(path, (file) => {
    const at = file.indexOf(text)
    ok(at > 0, `"${text}" stands in the segment`)
    file.writeUInt8((file[at] as number) ^ 1, at)
  })
}

/** Entries 1 to 6 in a batch each, with a vote between, and a group beside that was written before and after entry 3. */
async function twoGroups(): Promise<StorageOnMemory> {
  const world = new StorageOnMemory()
  await world.session(async (log, storage) => {
    const beside = await storage.openGroup('beside')
    await beside.persist({ hardState: { term: 7, votedFor: 'n3' }, entries: [entry(1, Buffer.from('beside 1'))] })
    for (let index = 1; index <= 6; index++) {
      if (index === 3) await log.persist({ hardState: { term: 2, votedFor: 'n1' } })
      await log.persist({ entries: [entry(index)] })
    }
    await log.persist({ hardState: { term: 3, votedFor: 'n2' } })
    await beside.persist({ entries: [entry(2, Buffer.from('beside 2'))] })
  })
  return world
}

describe('damage in the middle of the log (P-40)', () => {
  test('takes the entries from there on, and never term and vote (P-01); a group that it does not touch is whole', async () => {
    const world = await twoGroups()
    damage(world, 'entry 4')
    const before = world.bytes(wal(1))
    const storage = await world.start()
    await rejects(storage.openGroup('g'), { ...corrupt, file: wal(1), offset: framesOf(before)[6] })
    deepEqual(world.bytes(wal(1)), before, 'nothing is changed by a refusal')
    const log = await storage.openGroup('g', { salvage: true })
    deepEqual(indices(log), [1, 2, 3])
    deepEqual({ ...log.recovered.hardState }, { term: 3, votedFor: 'n2' })
    const { fromIndex, throughIndex, term, file, offset } = log.recovered.lost ?? {}
    deepEqual([fromIndex, throughIndex, term, file, offset], [4, 6, 1, wal(1), framesOf(before)[6]])
    const beside = await storage.openGroup('beside')
    deepEqual([indices(beside), beside.recovered.lost], [[1, 2], undefined])
    await storage.stop()
  })

  test('is the same loss again at every start, until the first write; then the log goes on from there', async () => {
    const world = await twoGroups()
    damage(world, 'entry 4')
    for (let round = 0; round < 3; round++) {
      const storage = await world.start()
      const log = await storage.openGroup('g', { salvage: true })
      deepEqual([indices(log), log.recovered.lost?.throughIndex], [[1, 2, 3], 6])
      // Closed and opened again in the same life it is no other.
      await log[Symbol.asyncDispose]()
      const again = await storage.openGroup('g', { salvage: true })
      deepEqual([indices(again), again.recovered.lost?.throughIndex], [[1, 2, 3], 6])
      if (round === 2) await again.persist({ hardState: marked })
      await storage.stop()
    }
    await world.session(async (log) => {
      deepEqual([indices(log), log.recovered.lost, log.recovered.hardState], [[1, 2, 3], undefined, marked])
      await log.persist({ entries: [entry(4, Buffer.from('anew'), 9)] })
    })
    await world.session(async (log) => deepEqual(indices(log), [1, 2, 3, 4]))
  })

  test('a crash in any operation of a salvage leaves the same loss, or the mark of the first write', async () => {
    const found = new Set<string>()
    for (let point = 0, dead = true; dead; point++) {
      const world = await twoGroups()
      damage(world, 'entry 4')
      const salvage = async (storage: FileLogStorage): Promise<void> => {
        const log = await storage.openGroup('g', { salvage: true })
        await log.persist({ hardState: marked, entries: [entry(4, Buffer.from('anew'), 9)] })
      }
      const storage = await world.start()
      world.disk.crashAt(world.disk.operations + point)
      await salvage(storage).catch(() => undefined)
      dead = world.disk.dead
      world.disk.crash()
      const again = await world.start()
      const { recovered } = await again.openGroup('g', { salvage: true })
      const state = JSON.stringify([recovered.entries.length, recovered.lost?.throughIndex, recovered.hardState])
      found.add(state)
      await again.stop()
    }
    deepEqual([...found].sort(), [
      JSON.stringify([3, 6, { term: 3, votedFor: 'n2' }]),
      JSON.stringify([4, undefined, marked]),
    ])
  })

  test('in entries that a later write has cut is damage all the same: nothing says what stood there', async () => {
    const world = await twoGroups()
    await world.session((log) => log.persist({ entries: [entry(3, Buffer.from('third'), 2)] }))
    damage(world, 'entry 5')
    const storage = await world.start()
    const { recovered } = await storage.openGroup('g', { salvage: true })
    deepEqual([recovered.entries.length, recovered.lost?.fromIndex, recovered.lost?.throughIndex], [2, 3, 3])
    equal(recovered.lost?.term, 2)
    await storage.stop()
  })

  test('behind which nothing proves anything is refused for all groups', async () => {
    const world = new StorageOnMemory()
    await world.killed(async (log) => {
      for (let index = 1; index <= 4; index++) await log.persist({ entries: [entry(index)] })
    })
    damage(world, 'entry 2')
    // A group that was begun in the batch may be lost with its votes.
    await rejects(world.start(), corrupt)
  })

  test('under load a list stands in the log now and then, and decides; behind the last one nothing does', async () => {
    for (const [text, decided] of [
      ['entry 20 ', true],
      ['entry 59 ', false],
    ] as const) {
      const world = new StorageOnMemory()
      const over = (): FileLogStorage => {
        const runtime = systemRuntime({ random: new SeededRandom(1), clock: new VirtualClock() })
        return new FileLogStorage({ ...runtime, disk: world.disk.mount() }, { directory: 'n', segmentBytes: 1_048_576 })
      }
      const storage = over()
      await storage.start()
      const [log, still] = [await storage.openGroup('g'), await storage.openGroup('still')]
      await still.persist({ hardState: { term: 5, votedFor: 'n1' } })
      for (let index = 1; index <= 60; index++) {
        await log.persist({ entries: [entry(index, Buffer.from(`entry ${index} ${'x'.repeat(2_500)}`))] })
      }
      world.disk.kill()
      damage(world, text)
      const again = over()
      if (!decided) {
        await rejects(again.start(), corrupt)
        continue
      }
      await again.start()
      deepEqual(indices(await again.openGroup('g', { salvage: true })).at(-1), 19)
      deepEqual({ ...(await again.openGroup('still')).recovered.hardState }, { term: 5, votedFor: 'n1' })
    }
  })

  test('that takes the batch in which a group was begun leaves it with nothing but term and vote', async () => {
    const world = new StorageOnMemory()
    await world.session(async (log, storage) => {
      await log.persist({ entries: [entry(1)] })
      const young = await storage.openGroup('young')
      await young.persist({ hardState: { term: 2, votedFor: 'n9' }, entries: [entry(1, Buffer.from('the first'))] })
    })
    damage(world, 'the first')
    const storage = await world.start()
    await rejects(storage.openGroup('young'), corrupt)
    const young = await storage.openGroup('young', { salvage: true })
    deepEqual([young.recovered.entries, { ...young.recovered.hardState }], [[], { term: 2, votedFor: 'n9' }])
    deepEqual([young.recovered.lost?.fromIndex, young.recovered.lost?.throughIndex], [1, 1])
    deepEqual(indices(await storage.openGroup('g')), [1])
    await storage.stop()
  })

  test('that a later reset or snapshot makes good is none', async () => {
    for (const reset of [true, false]) {
      const world = new StorageOnMemory()
      await world.session(async (log) => {
        for (let index = 1; index <= 3; index++) await log.persist({ entries: [entry(index)] })
        await log.saveSnapshot({ index: 9, term: 1, context: new Uint8Array(0) }, [Buffer.from('state')])
        if (reset) await log.resetToSnapshot()
      })
      damage(world, 'entry 2')
      await world.session(async (log) => {
        deepEqual([log.recovered.lost, indices(log), log.recovered.snapshot?.index], [undefined, [], 9])
        await log.persist({ entries: [entry(10)] })
      })
      await world.session(async (log) => deepEqual(indices(log), [10]))
    }
  })

  for (const [what, harm] of [
    ['a segment that is gone', (world: StorageOnMemory) => world.disk.mount().remove(wal(2))],
    [
      'the header of a segment',
      async (world: StorageOnMemory) => void world.edit(wal(2), (file) => file.fill(0, 0, 9)),
    ],
    ['the end of a segment', async (world: StorageOnMemory) => void world.edit(wal(2), (file) => file.fill(0, 2_000))],
  ] as const) {
    test(`${what} is told by the checkpoint of the next one`, async () => {
      const world = new StorageOnMemory()
      await world.session(async (log) => {
        for (let index = 1; index <= 9; index++)
          await log.persist({ entries: [entry(index, Buffer.alloc(1_000, index))] })
        await log.persist({ hardState: { term: 4, votedFor: 'n1' } })
      })
      await harm(world)
      await rejects(world.open(), corrupt)
      const storage = await world.start()
      const { recovered } = await storage.openGroup('g', { salvage: true })
      ok(recovered.entries.length >= 3 && recovered.entries.length < 7, `${recovered.entries.length} entries`)
      deepEqual([recovered.lost?.throughIndex, recovered.hardState.votedFor], [9, 'n1'])
      await storage.stop()
    })
  }

  test('that takes the oldest segment is told, also when the group has nothing else in the log', async () => {
    const world = new StorageOnMemory()
    await world.session(async (log, storage) => {
      for (let index = 1; index <= 3; index++) await log.persist({ entries: [entry(index, Buffer.alloc(1_000))] })
      const other = await storage.openGroup('other')
      for (let index = 1; index <= 4; index++) await other.persist({ entries: [entry(index, Buffer.alloc(1_000))] })
    })
    await world.disk.mount().remove(wal(1))
    await rejects(world.open(), { ...corrupt, message: /lacks the entries 1 to 3/ })
    const storage = await world.start()
    const { recovered } = await storage.openGroup('g', { salvage: true })
    deepEqual([recovered.entries, recovered.lost?.fromIndex, recovered.lost?.throughIndex], [[], 1, 3])
    await storage.stop()
  })
})

describe('a damaged snapshot', () => {
  const SNAPSHOT = 'n/snapshots/00000001/0000000000000004.snap'

  async function compacted(): Promise<StorageOnMemory> {
    const world = new StorageOnMemory()
    await world.session(async (log) => {
      await log.persist({ hardState: { term: 5, votedFor: 'n1' }, entries: [1, 2, 3, 4, 5, 6].map((i) => entry(i)) })
      await log.saveSnapshot({ index: 4, term: 1, context: new Uint8Array(0) }, [Buffer.from('state')])
      await log.compact(4)
    })
    world.edit(SNAPSHOT, (file) => file.writeUInt8(0xff, file.length - 6))
    return world
  }

  test('takes everything but term and vote', async () => {
    const world = await compacted()
    await rejects(world.open(), { ...corrupt, file: SNAPSHOT })
    for (let round = 0; round < 2; round++) {
      const storage = await world.start()
      const log = await storage.openGroup('g', { salvage: true })
      const { hardState, snapshot, entries, lost } = log.recovered
      deepEqual([{ ...hardState }, snapshot, entries], [{ term: 5, votedFor: 'n1' }, undefined, []])
      deepEqual([lost?.fromIndex, lost?.throughIndex, lost?.term, lost?.file], [1, 6, 5, SNAPSHOT])
      equal(log.snapshot(), undefined)
      if (round === 1) await log.persist({ hardState: marked })
      await storage.stop()
    }
    await world.session(async (log) => {
      deepEqual([log.recovered.hardState, log.recovered.snapshot, log.recovered.lost], [marked, undefined, undefined])
      await log.saveSnapshot({ index: 4, term: 1, context: new Uint8Array(0) }, [Buffer.from('again')])
      await log.resetToSnapshot()
      await log.persist({ entries: [entry(5)] })
    })
    await world.session(async (log) => deepEqual([log.recovered.snapshot?.index, indices(log)], [4, [5]]))
  })

  test('a crash in any operation of its salvage loses neither term nor vote, nor what was acknowledged after it', async () => {
    for (let point = 0, dead = true; dead; point++) {
      const world = await compacted()
      const storage = await world.start()
      let acknowledged = 0
      world.disk.crashAt(world.disk.operations + point)
      const salvage = async (): Promise<void> => {
        const log = await storage.openGroup('g', { salvage: true })
        const first = log.persist({ hardState: marked, entries: [entry(1, Buffer.from('anew'))] })
        const second = log.persist({ entries: [entry(2, Buffer.from('anew'))] })
        await Promise.allSettled([first, second].map((write) => write.then(() => acknowledged++)))
      }
      await salvage().catch(() => undefined)
      dead = world.disk.dead
      world.disk.crash()
      const again = await world.start()
      const { hardState, entries, lost } = (await again.openGroup('g', { salvage: true })).recovered
      ok(lost !== undefined || hardState.abstention !== undefined)
      equal(hardState.votedFor, hardState.abstention === undefined ? 'n1' : 'n2')
      ok(entries.length >= acknowledged, `${entries.length} entries, ${acknowledged} acknowledged`)
      await again.stop()
    }
  })
})
