import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { StateChange } from '@dsys/storage'
import { MemoryStateDisk, MemoryStateStorage } from '@dsys/storage-memory'
import { test } from 'vitest'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const put = (key: string, value = key): StateChange => ({ type: 'put', key: text(key), value: text(value) })

async function open(disk: MemoryStateDisk, sync?: () => Promise<void>): Promise<MemoryStateStorage> {
  const storage = new MemoryStateStorage(sync === undefined ? { disk } : { disk, sync })
  await storage.start()
  return storage
}

async function keys(storage: MemoryStateStorage): Promise<string> {
  let found = ''
  for await (const [key] of storage.entries()) found += Buffer.from(key).toString()
  return found
}

test('a crash takes a suffix of the batches that wait, never half of one', async () => {
  for (let keep = 0; keep <= 3; keep++) {
    const disk = new MemoryStateDisk()
    const storage = await open(disk)
    await storage.write([put('a'), put('b')])
    disk.holdSyncs()
    const waiting = ['cd', 'ef', 'gh'].map((pair) =>
      rejects(storage.write([...pair].map((key) => put(key))), { code: 'DSYS_STORAGE_FAILED' }),
    )
    equal(disk.waiting, 3)
    disk.crash({ keep })
    await Promise.all(waiting)
    await rejects(storage.write([put('x')]), { code: 'DSYS_STORAGE_FAILED' })
    equal(await keys(await open(disk)), 'abcdefgh'.slice(0, 2 + 2 * keep))
  }
})

test('with `written`, a write resolves before it is durable, is read at once, and may be lost', async () => {
  const disk = new MemoryStateDisk({ acknowledge: 'written' })
  const storage = await open(disk)
  disk.holdSyncs()
  await storage.write([put('a')])
  await storage.write([put('b')])
  equal(await keys(storage), 'ab')
  disk.crash({ keep: 1 })
  await rejects(storage.write([put('x')]), { code: 'DSYS_STORAGE_FAILED' })
  equal(await keys(await open(disk)), 'a')
})

test('a sync that fails ends all writing; a crash finds any prefix of what was to be written', async () => {
  for (const acknowledge of ['durable', 'written'] as const) {
    for (const keep of [0, 1]) {
      let failing = false
      const disk = new MemoryStateDisk({ acknowledge })
      const storage = await open(disk, async () => {
        if (failing) throw new Error('the disk is broken')
      })
      await storage.write([put('a')])
      failing = true
      const written = storage.write([put('b')])
      if (acknowledge === 'durable') await rejects(written, { code: 'DSYS_STORAGE_FAILED' })
      await written.catch(() => undefined)
      await disk.drained()
      failing = false
      await rejects(storage.write([put('c')]), { code: 'DSYS_STORAGE_FAILED' })
      equal(disk.waiting, 1)
      disk.crash({ keep })
      equal(await keys(await open(disk)), 'ab'.slice(0, 1 + keep))
    }
  }
})

test('a batch that nobody waits for may be lost where a later one stays, and then has the last word no more', async () => {
  for (const crashes of [true, false]) {
    let syncs = 0
    const disk: MemoryStateDisk = new MemoryStateDisk()
    const storage = await open(disk, async () => {
      syncs++
      if (syncs === 2 && crashes) disk.crash()
    })
    const early = storage.write([put('a', 'early'), put('b')], { durable: false })
    await storage.write([put('a', 'late'), put('c')], { durable: true })
    await early
    await disk.drained()
    equal(syncs, 2)
    const again = await open(disk)
    equal(Buffer.from((await again.get(text('a'))) ?? []).toString(), 'late')
    equal(await keys(again), crashes ? 'ac' : 'abc')
  }
})

test('a batch that nobody waits for is seen after those before it that wait for their sync, and fails with them', async () => {
  let failing = false
  const disk = new MemoryStateDisk()
  const storage = await open(disk, async () => {
    if (failing) throw new Error('the disk is broken')
  })
  disk.holdSyncs()
  const writes = [storage.write([put('a', '1')]), storage.write([put('a', '2')], { durable: false })]
  equal(await storage.get(text('a')), undefined)
  disk.releaseSyncs()
  await Promise.all(writes)
  equal(Buffer.from((await storage.get(text('a'))) ?? []).toString(), '2')
  failing = true
  const failed = [storage.write([put('b')]), storage.write([put('c')], { durable: false })]
  for (const each of failed) await rejects(each, { code: 'DSYS_STORAGE_FAILED' })
})

test('batches that nobody waits for wait for one sync at the most while others are awaited', async () => {
  const disk = new MemoryStateDisk()
  const storage = await open(disk)
  const early = storage.write([put('a')], { durable: false })
  for (let i = 0; i < 3; i++) await storage.write([put('b', `${i}`)])
  await early
  equal(disk.waiting, 0)
  await storage.stop()
})

test('a silent crash tells nobody', async () => {
  const disk = new MemoryStateDisk()
  const storage = await open(disk)
  disk.holdSyncs()
  let told = false
  const tell = (): void => {
    told = true
  }
  storage.write([put('a')]).then(tell, tell)
  disk.crash({ silent: true })
  await new Promise((resolve) => setImmediate(resolve))
  equal(told, false)
  deepEqual(disk.waiting, 0)
})
