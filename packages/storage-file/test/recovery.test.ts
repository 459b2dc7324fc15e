import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict'
import { CorruptionError } from '@dsys/storage'
import { describe, expect, test } from 'vitest'
import { entry, StorageOnMemory, wal } from './storage-on-memory.ts'

const FRAME_HEADER = 24
const corrupt = { code: 'DSYS_STORAGE_CORRUPT' }

/** Where the frames of a segment begin, by their lengths; the last number is the end. */
function framesOf(segment: Buffer): number[] {
  const positions = [48]
  for (let at = 48; segment.readUInt32LE(at) !== 0; positions.push(at)) {
    at += Math.ceil((FRAME_HEADER + segment.readUInt32LE(at + 4)) / 8) * 8
  }
  return positions
}

/** A log of three batches with one entry each, in one segment; the process was killed behind them. */
async function threeBatches(): Promise<{ world: StorageOnMemory; whole: Buffer; frames: number[] }> {
  const world = new StorageOnMemory()
  await world.killed(async (log) => {
    for (const index of [1, 2, 3]) await log.persist({ entries: [entry(index)] })
  })
  const whole = world.bytes(wal(1))
  const frames = framesOf(whole)
  // The checkpoint, three batches, and the end.
  equal(frames.length, 5)
  return { world, whole, frames }
}

describe('a torn tail (P-40)', () => {
  test('is cut wherever the last write was cut off, and the log goes on', async () => {
    const { world, whole, frames } = await threeBatches()
    const [start, end] = [frames[3] as number, frames[4] as number]
    for (let cut = start; cut < end; cut++) {
      world.restore(wal(1), whole)
      world.edit(wal(1), (file) => file.fill(0, cut, end))
      const found = await world.session(async (log, storage) => {
        const last = log.recovered.entries.at(-1)?.index ?? 0
        await log.persist({ entries: [entry(last + 1, Buffer.from('new'))] })
        await log[Symbol.asyncDispose]()
        equal((await storage.openGroup('g')).recovered.entries.length, last + 1)
        return last
      })
      // Only padding may be missing from a batch that still counts.
      if (found === 3) deepEqual(whole.subarray(cut, end), Buffer.alloc(end - cut))
      else equal(found, 2)
      equal(await world.lastIndex(), found + 1)
    }
  })

  test('is cut when later sectors of the last write landed and earlier ones did not (P-42)', async () => {
    const world = new StorageOnMemory()
    await world.killed(async (log) => {
      await log.persist({ entries: [entry(1)] })
      await log.persist({ entries: [entry(2, Buffer.alloc(1_500, 7))] })
    })
    const start = framesOf(world.bytes(wal(1)))[2] as number
    world.edit(wal(1), (file) => file.fill(0, start, 1_024))
    equal(await world.lastIndex(), 1)
    ok(!world.bytes(wal(1)).includes(Buffer.alloc(16, 7)), 'the rest of the torn write must be gone')
  })

  test('is gone before its place is written again: parts of two torn writes never make one', async () => {
    const world = new StorageOnMemory()
    const filler = Buffer.alloc(2_000, 9)
    const start = await world.session(async (log) => {
      await log.persist({ entries: [entry(1)] })
      return framesOf(world.bytes(wal(1))).at(-1) as number
    })
    await world.killed((log) => log.persist({ entries: [entry(2, filler, 5)] }))
    // The middle of the write of term 5 never reached the disk: it was not acknowledged, and recovery drops it.
    world.edit(wal(1), (file) => file.fill(0, 1_024, 1_536))
    equal(await world.lastIndex(), 1)
    // Then a write of term 6 with the same data is torn: only its middle reaches the disk.
    world.edit(wal(1), (file) => file.fill(9, 1_024, 1_536))
    ok(start < 1_024)
    equal(await world.lastIndex(), 1, 'a write that a recovery has dropped must not come back')
  })

  test('that holds a copy of the log itself as data is still no more than a torn tail (P-42)', async () => {
    const world = new StorageOnMemory()
    await world.killed((log) => log.persist({ entries: [entry(1)] }))
    const start = framesOf(world.bytes(wal(1))).at(-1) as number
    const frame = world.bytes(wal(1)).subarray(framesOf(world.bytes(wal(1))).at(-2), start)
    // Eight copies, each a byte further, so one of them stands where a frame may begin.
    const copies = Array.from({ length: 8 }, () => Buffer.concat([frame, Buffer.alloc(1)]))
    await world.killed((log) => log.persist({ entries: [entry(2, Buffer.concat(copies))] }))
    world.edit(wal(1), (file) => file.fill(0, (framesOf(file).at(-1) as number) - 16))
    equal(await world.lastIndex(), 1)
  })

  test('of zeros is no tail: a batch of zeros stays', async () => {
    const world = new StorageOnMemory()
    await world.session((log) =>
      log.persist({ entries: [entry(1, new Uint8Array(2_000)), entry(2, new Uint8Array(700))] }),
    )
    equal(await world.lastIndex(), 2)
  })
})

describe('damage that a crash cannot explain (P-40)', () => {
  test('in any byte before the last batch is reported with file and offset, and nothing is changed', async () => {
    const { world, whole, frames } = await threeBatches()
    const lastStart = frames[3] as number
    const padding = paddingOf(whole, frames)
    for (let at = 0; at < lastStart; at++) {
      if (padding.has(at)) continue
      world.restore(wal(1), whole)
      const damaged = world.edit(wal(1), (file) => file.writeUInt8((file[at] as number) ^ 0x40, at))
      const error = await world.start().then(
        () => expect.fail(`damage at byte ${at} went unnoticed`),
        (reason: unknown) => reason,
      )
      ok(error instanceof CorruptionError)
      equal(error.file, wal(1))
      const frame = frames.findLast((position) => position <= at) ?? 0
      ok(error.offset === frame || (frame === 0 && error.offset <= 12), `byte ${at} reported at ${error.offset}`)
      deepEqual(world.bytes(wal(1)), damaged)
    }
  })

  test('in the end of a segment that is not the last is reported', async () => {
    const world = await fullSegments()
    world.edit(wal(1), (file) => file.fill(0, framesOf(file).at(-2) as number))
    await rejects(world.open(), { ...corrupt, file: wal(2) })
    const torn = await fullSegments()
    torn.edit(wal(1), (file) => {
      const at = framesOf(file).at(-2) as number
      file.writeUInt8(255, at + FRAME_HEADER + 2)
    })
    await rejects(torn.open(), { ...corrupt, file: wal(1) })
  })

  test('that takes a whole segment away is reported: a hole is no log (P-43)', async () => {
    const world = await fullSegments()
    await world.disk.mount().remove(wal(2))
    await rejects(world.open(), { ...corrupt, file: wal(3) })
    const first = await fullSegments()
    await first.disk.mount().remove(wal(1))
    const storage = await first.start()
    await rejects(storage.openGroup('g'), corrupt)
    await storage.stop()
  })

  test('of the checkpoint of the last segment is reported, also when nothing follows it', async () => {
    const world = new StorageOnMemory()
    await world.session(async () => undefined)
    world.edit(wal(1), (file) => file.fill(0, 48))
    await rejects(world.start(), { ...corrupt, offset: 48 })
  })

  test('a format of a later release is refused', async () => {
    const { world, whole } = await threeBatches()
    const { crc32 } = await import('node:zlib')
    world.restore(wal(1), whole)
    world.edit(wal(1), (file) => {
      file.writeUInt32LE(3, 8)
      file.writeUInt32LE(crc32(file.subarray(0, 44)), 44)
    })
    await rejects(world.start(), /format version 3/)
  })
})

/** Positions of zeros behind a frame that no checksum covers. */
function paddingOf(segment: Buffer, frames: readonly number[]): Set<number> {
  const positions = new Set<number>()
  for (const [i, start] of frames.slice(0, -1).entries()) {
    const used = start + FRAME_HEADER + segment.readUInt32LE(start + 4)
    for (let at = used; at < (frames[i + 1] as number); at++) positions.add(at)
  }
  return positions
}

/** A log of three segments, of which the group needs all. */
async function fullSegments(): Promise<StorageOnMemory> {
  const world = new StorageOnMemory()
  await world.session(async (log) => {
    for (let index = 1; index <= 9; index++) await log.persist({ entries: [entry(index, Buffer.alloc(1_000, index))] })
  })
  deepEqual(
    [...(await world.disk.mount().list('n/wal'))].sort(),
    [wal(1), wal(2), wal(3), wal(4)].slice(0, 3).map((p) => p.slice(6)),
  )
  return world
}

describe('segments', () => {
  test('bytes of an earlier use of the file are never taken for a batch (P-42)', async () => {
    const [world, other] = [new StorageOnMemory(1), new StorageOnMemory(2)]
    for (const [place, count] of [
      [world, 2],
      [other, 4],
    ] as const) {
      await place.killed(async (log) => {
        for (let index = 1; index <= count; index++) await log.persist({ entries: [entry(index)] })
      })
    }
    const end = framesOf(world.bytes(wal(1))).at(-1) as number
    equal(framesOf(other.bytes(wal(1))).at(-3), end, 'both segments must be laid out alike')
    world.edit(wal(1), (file) => other.bytes(wal(1)).copy(file, end, end))
    equal(await world.lastIndex(), 2)
  })

  test('go when no group needs them, and term and vote stay (P-01)', async () => {
    const world = new StorageOnMemory()
    await world.session(async (log, storage) => {
      const idle = await storage.openGroup('idle')
      await idle.persist({ hardState: { term: 9, votedFor: 'n3' } })
      await log.persist({ hardState: { term: 4, votedFor: 'n2' } })
      for (let index = 1; index <= 20; index++) await log.persist({ entries: [entry(index, Buffer.alloc(1_000))] })
      await log.saveSnapshot({ index: 19, term: 1, context: new Uint8Array(0) }, [Buffer.from('state')])
      await log.compact(19)
    })
    const names = await world.disk.mount().list('n/wal')
    ok(names.length <= 2, `segments must be removed, there are ${names.join(', ')}`)
    ok(!names.includes(wal(1).slice(6)))
    await world.session(async ({ recovered }, storage) => {
      deepEqual({ ...recovered.hardState }, { term: 4, votedFor: 'n2' })
      deepEqual(
        recovered.entries.map(({ index }) => index),
        [20],
      )
      deepEqual({ ...(await storage.openGroup('idle')).recovered.hardState }, { term: 9, votedFor: 'n3' })
    })
  })

  test('have an id of their own (P-42)', async () => {
    const world = await fullSegments()
    notEqual(world.bytes(wal(1)).toString('hex', 28, 44), world.bytes(wal(2)).toString('hex', 28, 44))
  })

  test('a write larger than a segment gets a larger one', async () => {
    const world = new StorageOnMemory()
    await world.session((log) => log.persist({ entries: [entry(1, Buffer.alloc(50_000, 3)), entry(2)] }))
    equal(await world.lastIndex(), 2)
  })
})

describe('one log for all groups', () => {
  test('what waits while a write runs is written by one durable write', async () => {
    const world = new StorageOnMemory()
    const storage = await world.start()
    const logs = await Promise.all(['a', 'b', 'c'].map((name) => storage.openGroup(name)))
    await Promise.all(logs.map((log) => log.persist({ hardState: { term: 1, votedFor: undefined } })))
    const before = world.disk.operations
    const first = logs.map((log) => log.persist({ entries: [entry(1)] }))
    // The first write is under way now.
    await Promise.resolve()
    await Promise.resolve()
    const second = [2, 3, 4].flatMap((index) => logs.map((log) => log.persist({ entries: [entry(index)] })))
    await Promise.all([...first, ...second])
    equal(world.disk.operations - before, 2)
    await storage.stop()
  })
})

describe('a write or sync that fails', () => {
  test('is never tried again, also when the disk would work again (P-41)', async () => {
    const world = new StorageOnMemory()
    const storage = await world.start()
    const log = await storage.openGroup('g')
    await log.persist({ entries: [entry(1)] })
    world.disk.failOnce()
    const failed = { code: 'DSYS_STORAGE_FAILED' }
    const waiting = [log.persist({ entries: [entry(2)] }), log.persist({ entries: [entry(3)] })]
    for (const write of waiting) await rejects(write, failed)
    const before = world.disk.operations
    await rejects(log.persist({ entries: [entry(2)] }), failed)
    await rejects(log.saveSnapshot({ index: 1, term: 1, context: new Uint8Array(0) }, []), failed)
    equal(world.disk.operations, before)
    await storage.stop()
    // The system may have kept what it could not write, so the next life may find it. If it does, it must make it durable.
    const found = await world.lastIndex()
    ok(found === 1 || found === 3)
    world.disk.crash()
    equal(await world.lastIndex(), found)
  })

  test('while a snapshot is stored ends all writing, and the snapshot is not there', async () => {
    const world = new StorageOnMemory()
    const storage = await world.start()
    const log = await storage.openGroup('g')
    await log.persist({ entries: [entry(1), entry(2)] })
    const content = (function* () {
      world.disk.failOnce()
      yield Buffer.from('state')
    })()
    await rejects(log.saveSnapshot({ index: 1, term: 1, context: new Uint8Array(0) }, content), {
      code: 'DSYS_STORAGE_FAILED',
    })
    await rejects(log.persist({ entries: [entry(3)] }), { code: 'DSYS_STORAGE_FAILED' })
    await storage.stop()
    await world.session(async (again) => {
      equal(again.recovered.snapshot, undefined)
      equal(again.recovered.entries.length, 2)
    })
  })
})

test('a crash in a reset gives all entries or none: no segment goes before the reset is durable', async () => {
  for (let point = 0; point < 4; point++) {
    for (let seed = 0; seed < 10; seed++) {
      const world = new StorageOnMemory(seed)
      const storage = await world.start()
      const log = await storage.openGroup('g')
      for (let index = 1; index <= 9; index++) await log.persist({ entries: [entry(index, Buffer.alloc(1_000))] })
      await log.saveSnapshot({ index: 1, term: 1, context: new Uint8Array(0) }, [])
      world.disk.crashAt(world.disk.operations + point)
      const acknowledged = await log.resetToSnapshot().then(
        () => true,
        () => false,
      )
      // What runs in the background may go on until the power is gone.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
      world.disk.crash()
      const found = await world.session(async ({ recovered }) => recovered.entries.map(({ index }) => index))
      if (acknowledged || found.length === 0) deepEqual(found, [])
      else deepEqual(found, [2, 3, 4, 5, 6, 7, 8, 9], `point ${point}, seed ${seed}`)
    }
  }
})
