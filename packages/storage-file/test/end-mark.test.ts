import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'vitest'
import { entry, StorageOnMemory, wal } from './storage-on-memory.ts'

const corrupt = { code: 'DSYS_STORAGE_CORRUPT' }
const SECTOR_BYTES = 512
const COUNT = 25

/** A log of several segments that was stopped in good order. */
async function stopped(count = COUNT): Promise<StorageOnMemory> {
  const world = new StorageOnMemory()
  await world.session(async (log) => {
    for (let index = 1; index <= count; index++)
      await log.persist({ entries: [entry(index, Buffer.alloc(250, index))] })
  })
  ok((await world.disk.mount().list('n/wal')).length > 1)
  return world
}

const lastSegment = async (world: StorageOnMemory): Promise<string> =>
  wal((await world.disk.mount().list('n/wal')).length)

test('a sector of zeros anywhere in the log is told, also where it takes the last batches with their seal', async () => {
  let tails = 0
  for (let count = 19; count <= COUNT; count += 2) {
    for (const name of await (await stopped(count)).disk.mount().list('n/wal')) {
      for (let at = 0; at < 4_096; at += SECTOR_BYTES) {
        const world = await stopped(count)
        const whole = world.bytes(`n/wal/${name}`)
        if (whole.subarray(at, at + SECTOR_BYTES).every((byte) => byte === 0)) continue
        const damaged = world.edit(`n/wal/${name}`, (file) => file.fill(0, at, at + SECTOR_BYTES))
        await rejects(world.open(), corrupt, `byte ${at} of ${name}, ${count} entries`)
        deepEqual(world.bytes(`n/wal/${name}`), damaged)
        world.edit(`n/wal/${name}`, (file) => whole.copy(file))
        equal(await world.lastIndex(), count)
        // Without the mark, some of these are a log that has never gone further.
        world.restore(`n/wal/${name}`, damaged)
        const found = await world.lastIndex().catch(() => count)
        if (found < count) tails++
      }
    }
  }
  ok(tails > 0, `${tails} sectors held an end that nothing else would miss`)
})

test('the last segment, or all of them, cannot get lost unnoticed', async () => {
  const world = await stopped()
  const last = await lastSegment(world)
  await world.disk.mount().remove(last)
  await rejects(world.start(), corrupt)
  for (const name of await world.disk.mount().list('n/wal')) await world.disk.mount().remove(`n/wal/${name}`)
  await rejects(world.start(), corrupt)
  deepEqual(await world.disk.mount().list('n/wal'), [])
})

test('a segment that is as it was before the last stop is told from one that is up to date', async () => {
  const world = new StorageOnMemory()
  await world.session((log) => log.persist({ entries: [entry(1)] }))
  const before = world.bytes(wal(1))
  await world.session((log) => log.persist({ entries: [entry(2)] }))
  world.edit(wal(1), (file) => before.copy(file))
  await rejects(world.start(), { ...corrupt, file: wal(1) })
})

test('damage to the mark itself harms nothing, and the next life makes it anew', async () => {
  const whole = (await stopped()).bytes('n/end')
  for (let at = 0; at < whole.length; at++) {
    const world = await stopped()
    world.edit('n/end', (file) => file.writeUInt8((file[at] as number) ^ 1, at))
    equal(await world.lastIndex(), COUNT)
    ok(world.bytes('n/end').compare(whole) > 0)
  }
  const world = await stopped()
  await world.disk.mount().remove('n/end')
  equal(await world.lastIndex(), COUNT)
  await world.disk.mount().remove(await lastSegment(world))
  await rejects(world.start(), corrupt)
})

test('a crash in any operation of a life leaves a mark that the log fulfils', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    for (let point = 0, dead = true; dead; point++) {
      const world = new StorageOnMemory(seed)
      await world.session((log) => log.persist({ entries: [entry(1)] }))
      world.disk.crashAt(world.disk.operations + point)
      await world
        .session(async (log) => {
          await log.persist({ entries: [entry(2, Buffer.alloc(900))] })
          await log.persist({ entries: [entry(3, Buffer.alloc(3_000))] })
        })
        .catch(() => undefined)
      dead = world.disk.dead
      world.disk.crash()
      const found = await world.lastIndex()
      ok(found >= 1 && found <= 3)
      equal(await world.lastIndex(), found)
    }
  }
})
