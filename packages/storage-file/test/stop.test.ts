import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'vitest'
import { entry, StorageOnMemory } from './storage-on-memory.ts'

test('a stop waits for a group that is being opened: the folder is touched by nobody afterwards', async () => {
  const world = new StorageOnMemory()
  await world.session(async (log) => {
    await log.persist({ entries: [entry(1), entry(2)] })
    await log.saveSnapshot({ index: 1, term: 1, context: new Uint8Array(0) }, [Buffer.from('the state')])
    await log.compact(1)
  })
  // The group is opened for the second time in this life, so its entries are read from the disk again.
  const storage = await world.start()
  await (await storage.openGroup('g'))[Symbol.asyncDispose]()
  const opening = storage.openGroup('g').then(
    () => 'opened',
    (error) => error.code,
  )
  await storage.stop()
  const { operations } = world.disk
  deepEqual(await opening, 'DSYS_NOT_RUNNING')
  equal(world.disk.operations, operations)
})
