import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { GroupLog } from '@dsys/storage'
import { MemoryLogDisk, MemoryLogStorage } from '@dsys/storage-memory'
import { test } from 'vitest'

const entry = (index: number) => ({ index, term: 1, kind: 0, data: Uint8Array.of(index) })

async function open(disk: MemoryLogDisk): Promise<GroupLog> {
  const storage = new MemoryLogStorage({ disk })
  await storage.start()
  return storage.openGroup('g')
}

const indices = (log: GroupLog): number[] => log.recovered.entries.map(({ index }) => index)

test('held syncs keep writes waiting, and a release lets all of them through in order', async () => {
  const disk = new MemoryLogDisk()
  const log = await open(disk)
  disk.holdSyncs()
  const order: number[] = []
  const writes = [1, 2, 3].map((index) => log.persist({ entries: [entry(index)] }).then(() => order.push(index)))
  await new Promise((resolve) => setImmediate(resolve))
  deepEqual(order, [])
  equal(disk.waiting, 3)
  disk.releaseSyncs()
  await Promise.all(writes)
  deepEqual(order, [1, 2, 3])
  equal(disk.waiting, 0)
})

test('a crash loses what waits, or keeps as much of its beginning as told, and kills the storage', async () => {
  for (const keep of [0, 2]) {
    const disk = new MemoryLogDisk()
    const log = await open(disk)
    await log.persist({ entries: [entry(1)] })
    disk.holdSyncs()
    const lost = [2, 3, 4].map((index) =>
      rejects(log.persist({ entries: [entry(index)] }), { code: 'DSYS_STORAGE_FAILED' }),
    )
    disk.crash({ keep })
    await Promise.all(lost)
    await rejects(log.persist({ entries: [entry(5)] }), { code: 'DSYS_STORAGE_FAILED' })
    const again = await open(disk)
    deepEqual(indices(again), [1, 2, 3].slice(0, 1 + keep))
    await again.persist({ entries: [entry(2)] })
  }
})

test('writes of one turn share a sync', async () => {
  let syncs = 0
  const disk = new MemoryLogDisk({
    sync: async () => {
      syncs++
    },
  })
  const log = await open(disk)
  await Promise.all([1, 2, 3].map((index) => log.persist({ entries: [entry(index)] })))
  equal(syncs, 1)
})

test('a storage that was stopped leaves its disk to the next', async () => {
  const disk = new MemoryLogDisk()
  const storage = new MemoryLogStorage({ disk })
  await storage.start()
  const log = await storage.openGroup('g')
  const write = log.persist({ entries: [entry(1)] })
  await storage.stop()
  await write
  deepEqual(indices(await open(disk)), [1])
})
