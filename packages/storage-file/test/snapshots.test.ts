import { deepEqual, equal, rejects } from 'node:assert/strict'
import { expect, test } from 'vitest'
import { entry, StorageOnMemory, wal } from './storage-on-memory.ts'

const corrupt = { code: 'DSYS_STORAGE_CORRUPT' }
const path = 'n/snapshots/00000001/0000000000000002.snap'
const meta = (index: number) => ({ index, term: 1, context: Buffer.from('ctx') })

async function withSnapshot(content: Uint8Array): Promise<StorageOnMemory> {
  const world = new StorageOnMemory()
  await world.session(async (log) => {
    await log.persist({ entries: [entry(1), entry(2), entry(3)] })
    await log.saveSnapshot(meta(2), [content])
    await log.compact(2)
  })
  return world
}

async function refused(world: StorageOnMemory): Promise<unknown> {
  const storage = await world.start()
  try {
    await storage.openGroup('g')
    return undefined
  } catch (error) {
    return error
  } finally {
    await storage.stop()
  }
}

test('damage in any byte of the newest snapshot is reported, and no older state is given instead', async () => {
  const world = await withSnapshot(Buffer.from('the state'))
  const whole = world.bytes(path)
  for (let at = 0; at < whole.length; at++) {
    const damaged = world.edit(path, (file) => {
      whole.copy(file)
      file.writeUInt8((whole[at] as number) ^ 1, at)
    })
    expect(await refused(world), `damage at byte ${at}`).toMatchObject({ ...corrupt, file: path })
    deepEqual(world.bytes(path), damaged)
  }
})

test('a snapshot that is missing or cut short is reported', async () => {
  const world = await withSnapshot(Buffer.alloc(200_000, 5))
  const file = await world.disk.mount().open(path)
  await file.truncate(150_000)
  expect(await refused(world)).toMatchObject({ ...corrupt, file: path })
  await world.disk.mount().remove(path)
  expect(await refused(world)).toMatchObject(corrupt)
})

test('a snapshot that is missing is reported also when the log has long forgotten that it was stored', async () => {
  const world = await withSnapshot(Buffer.from('the state'))
  await world.session(async (log, storage) => {
    await log.resetToSnapshot()
    const other = await storage.openGroup('other')
    for (let index = 1; index <= 9; index++) {
      await other.persist({ entries: [entry(index, Buffer.alloc(1_000))] })
    }
    await other.saveSnapshot(meta(9), [])
    await other.compact(9)
  })
  deepEqual(await world.disk.mount().list('n/wal'), [wal(3).slice('n/wal/'.length)])
  await world.disk.mount().remove(path)
  expect(await refused(world)).toMatchObject(corrupt)
})

test('a log that is missing beside its snapshots is reported, and not begun anew', async () => {
  const world = await withSnapshot(Buffer.from('the state'))
  await world.disk.mount().remove(wal(1))
  await rejects(world.start(), corrupt)
  deepEqual(await world.disk.mount().list('n/wal'), [])
})

test('a snapshot of another group or index under this name is reported', async () => {
  const world = await withSnapshot(Buffer.from('the state'))
  await world.disk.mount().rename(path, path.replace('2.snap', '3.snap'))
  expect(await refused(world)).toMatchObject(corrupt)
})

test('content of many blocks is read from any offset', async () => {
  const content = Buffer.from(Array.from({ length: 200_001 }, (_, i) => i % 251))
  const world = await withSnapshot(content)
  await world.session(async (log) => {
    const snapshot = log.snapshot()
    equal(snapshot?.sizeBytes, content.length)
    for (const [offset, length] of [
      [0, 10],
      [65_530, 20],
      [65_536, 65_536],
      [100, 200_000],
      [200_000, 5],
      [200_001, 5],
    ] as const) {
      const found: Buffer = Buffer.from((await snapshot?.read(offset, length)) ?? [])
      deepEqual(found.equals(content.subarray(offset, offset + length)), true, `${length} bytes from ${offset}`)
    }
  })
})

test('an older snapshot goes only after the newer one is there', async () => {
  const world = await withSnapshot(Buffer.from('two'))
  await world.session((log) => log.saveSnapshot(meta(3), [Buffer.from('three')]))
  deepEqual(await world.disk.mount().list('n/snapshots/00000001'), ['0000000000000003.snap'])
})

test('a snapshot of any length comes back, whole and in parts, and damage in any of its blocks is found where it is read', async () => {
  const block = 64 * 1_024
  for (const length of [0, 1, block - 1, block, block + 1, 4 * block - 1, 4 * block, 4 * block + 1, 9 * block + 77]) {
    const content = Buffer.alloc(length)
    for (let at = 0; at < length; at += 7) content[at] = (at / 7) % 251
    const world = await withSnapshot(content)
    await world.session(async (log) => {
      const stored = log.snapshot()
      if (stored === undefined) throw new Error('there is a snapshot')
      equal(stored.sizeBytes, length)
      deepEqual(Buffer.from(await stored.read(0, length + 1)), content)
      for (const [offset, bytes] of [
        [1, 10],
        [block - 1, 2],
        [block, 3 * block],
        [3 * block + 5, 2 * block],
        [length - 1, 9],
      ] as const) {
        if (offset < 0) continue
        deepEqual(Buffer.from(await stored.read(offset, bytes)), content.subarray(offset, offset + bytes))
      }
    })
    const { length: fileBytes } = world.bytes(path)
    for (let at = fileBytes - 1; at > 200; at -= block) {
      const damaged = await withSnapshot(content)
      damaged.edit(path, (file) => void file.writeUInt8((file[at] as number) ^ 4, at))
      expect(await refused(damaged), `byte ${at} of ${fileBytes}`).toMatchObject({ ...corrupt, file: path })
    }
  }
})
