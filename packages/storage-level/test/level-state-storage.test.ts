import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemRuntime } from '@dsys/runtime'
import type { StateChange } from '@dsys/storage'
import {
  type Engine,
  LevelStateStorage,
  type LevelStateStorageOptions,
  type OpenEngine,
  type StoredPairs,
} from '@dsys/storage-level'
import { describe, test } from 'vitest'
import { openLevel } from '../src/node/level-engine.ts'
import { temporaryFolder } from './folder-place.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const put = (key: string, value: string | Uint8Array): StateChange => ({
  type: 'put',
  key: text(key),
  value: typeof value === 'string' ? text(value) : value,
})

/** LevelDB whose writes are noted, and wait until they are let through. */
class Gate {
  readonly writes: { readonly changes: number; readonly sync: boolean }[] = []
  readonly #waiting: (() => void)[] = []
  closed = true

  readonly open: OpenEngine = async (options) => {
    const engine = await openLevel(options)
    const write: Engine['write'] = async (changes, sync) => {
      this.writes.push({ changes: changes.length, sync })
      if (this.closed && this.writes.length > 1) await new Promise<void>((resolve) => void this.#waiting.push(resolve))
      await engine.write(changes, sync)
    }
    return {
      write,
      get: (key) => engine.get(key),
      pairs: (range) => engine.pairs(range),
      syncAll: () => engine.syncAll(),
      close: () => engine.close(),
    }
  }

  release(): void {
    this.closed = false
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

async function started(
  directory: string,
  options: Partial<LevelStateStorageOptions> = {},
  engine: OpenEngine = openLevel,
): Promise<LevelStateStorage> {
  const storage = new LevelStateStorage({ ...systemRuntime(), engine }, { directory, ...options })
  await storage.start()
  return storage
}

describe('one write at a time', () => {
  test('what waits meanwhile shares the next one and its sync, up to the size of a group', async () => {
    await using folder = await temporaryFolder()
    const gate = new Gate()
    const storage = await started(folder.path, { maxGroupBytes: 1_024 }, gate.open)
    const writes = [storage.write([put('a', '1')])]
    await new Promise((resolve) => setImmediate(resolve))
    for (let i = 0; i < 10; i++) writes.push(storage.write([put(`k${i}`, new Uint8Array(300))]))
    gate.release()
    await Promise.all(writes)
    deepEqual(
      gate.writes.map(({ changes }) => changes),
      [1, 1, 3, 3, 3, 1],
    )
    await storage.stop()
  })

  test('a write that does not wait for the disk is not made to by those behind it', async () => {
    await using folder = await temporaryFolder()
    const gate = new Gate()
    gate.closed = false
    const storage = await started(folder.path, {}, gate.open)
    const order: string[] = []
    await Promise.all(
      [false, false, true, false].map((durable, i) =>
        storage.write([put(`k${i}`, 'x')], { durable }).then(() => order.push(`${i}`)),
      ),
    )
    deepEqual(order, ['0', '1', '2', '3'])
    deepEqual(gate.writes.slice(1), [
      { changes: 2, sync: false },
      { changes: 2, sync: true },
    ])
    await storage.stop()
  })

  test('each write waits for what it asks for, and else for what the storage says', async () => {
    await using folder = await temporaryFolder()
    for (const durable of [true, false]) {
      const gate = new Gate()
      gate.closed = false
      const storage = await started(join(folder.path, `${durable}`), { durable }, gate.open)
      await storage.write([put('a', '1')])
      await storage.write([put('a', '1')], { durable: !durable })
      deepEqual(
        gate.writes.slice(1).map(({ sync }) => sync),
        [durable, !durable],
      )
      await storage.stop()
    }
  })

  test('more than may wait is refused, and taken again once there is room', async () => {
    await using folder = await temporaryFolder()
    const gate = new Gate()
    const storage = await started(
      folder.path,
      { maxKeyBytes: 9, maxValueBytes: 900, maxBatchBytes: 1_024, maxWaitingBytes: 2_048 },
      gate.open,
    )
    const writes = [0, 1].map((i) => storage.write([put(`k${i}`, new Uint8Array(900))]))
    const refused = { code: 'DSYS_STORAGE_OVERLOADED', retryable: true, outcome: 'not-applied' }
    await rejects(storage.write([put('k2', new Uint8Array(900))]), refused)
    gate.release()
    await Promise.all(writes)
    await storage.write([put('k2', new Uint8Array(900))])
    await storage.stop()
  })
})

test('a key, a value and a batch that are too large are refused before anything is written', async () => {
  await using folder = await temporaryFolder()
  const storage = await started(folder.path, { maxKeyBytes: 3, maxValueBytes: 900, maxBatchBytes: 1_024 })
  const large = (what: string) => ({ code: 'DSYS_STORAGE_TOO_LARGE', what, outcome: 'not-applied' })
  await rejects(storage.write([put('a', '1'), put('long', '1')]), large('key'))
  await rejects(storage.write([{ type: 'delete', key: text('long') }]), large('key'))
  await rejects(storage.write([put('a', new Uint8Array(901))]), large('value'))
  await rejects(storage.write([put('a', new Uint8Array(600)), put('b', new Uint8Array(600))]), large('batch'))
  equal(await storage.get(text('a')), undefined)
  await storage.write([put('abc', new Uint8Array(900))])
  await storage.stop()
})

test('options that cannot work are refused', () => {
  const wrong: Partial<LevelStateStorageOptions>[] = [
    { directory: '' },
    { maxKeyBytes: 0 },
    { maxValueBytes: 17 * 2 ** 20 },
    { maxBatchBytes: 1 },
    { maxGroupBytes: 0.5 },
    { maxWaitingBytes: 2 ** 20 },
    { cacheBytes: -1 },
    { writeBufferBytes: 1 },
  ]
  for (const options of wrong) {
    throws(() => new LevelStateStorage(systemRuntime(), { directory: 'x', ...options }), RangeError)
  }
})

test('a folder in use is refused, and free after the stop', async () => {
  await using folder = await temporaryFolder()
  const storage = await started(folder.path)
  await rejects(started(folder.path), { code: 'DSYS_STORAGE_LOCKED', retryable: true })
  await storage.stop()
  await (await started(folder.path)).stop()
})

describe('damage', () => {
  test('to a value is told, by reading it and by going through it', async () => {
    await using folder = await temporaryFolder()
    const engine = await openLevel({ directory: folder.path, cacheBytes: 0, writeBufferBytes: 65_536 })
    await engine.close()
    const storage = await started(folder.path)
    await storage.write([put('a', 'one'), put('b', 'two')])
    await storage.stop()
    const under = await openLevel({ directory: folder.path, cacheBytes: 0, writeBufferBytes: 65_536 })
    const key = Uint8Array.of(1, 97)
    const value = new Uint8Array((await under.get(key)) ?? [])
    value[0] = (value[0] ?? 0) ^ 1
    await under.write([{ key, value }], true)
    await under.close()
    const again = await started(folder.path)
    await rejects(again.get(text('a')), { code: 'DSYS_STORAGE_CORRUPT' })
    await rejects(again.entries().next(), { code: 'DSYS_STORAGE_CORRUPT' })
    equal(Buffer.from((await again.get(text('b'))) ?? []).toString(), 'two')
    await again.stop()
  })

  test('a folder whose CURRENT is gone is not taken for a new one, which would remove all', async () => {
    await using folder = await temporaryFolder()
    const storage = await started(folder.path)
    await storage.write([put('a', 'one')])
    await storage.stop()
    await rm(join(folder.path, 'CURRENT'))
    for (let i = 0; i < 2; i++) await rejects(started(folder.path), { code: 'DSYS_STORAGE_CORRUPT' })
  })

  test('a LevelDB of somebody else, or of a later format, is refused', async () => {
    for (const key of [text('theirs'), Uint8Array.of(0, 0x66)]) {
      await using folder = await temporaryFolder()
      const engine = await openLevel({ directory: folder.path, cacheBytes: 0, writeBufferBytes: 65_536 })
      await engine.write([{ key, value: Uint8Array.of(2) }], true)
      await engine.close()
      await rejects(started(folder.path), { code: 'DSYS_STORAGE_CORRUPT' })
    }
  })
})

test('an iteration lets go of its state where it is left, and where it never began', async () => {
  await using folder = await temporaryFolder()
  let open = 0
  const storage = await started(folder.path, {}, async (options) => {
    const engine = await openLevel(options)
    const counted = (pairs: StoredPairs): StoredPairs => {
      let closed = false
      open++
      return {
        next: (count) => pairs.next(count),
        close: () => {
          if (!closed) open--
          closed = true
          return pairs.close()
        },
      }
    }
    return {
      get: (key) => engine.get(key),
      write: (changes, sync) => engine.write(changes, sync),
      pairs: (range) => counted(engine.pairs(range)),
      syncAll: () => engine.syncAll(),
      close: () => engine.close(),
    }
  })
  await storage.write([put('a', '1'), put('b', '2')])
  await storage.entries().return?.()
  for await (const _ of storage.entries()) break
  for await (const _ of storage.entries()) equal(open, 1)
  equal(open, 0)
  await storage.stop()
})

test('going through many pairs lets the event loop go on', async () => {
  await using folder = await temporaryFolder()
  const storage = await started(folder.path)
  await storage.write(Array.from({ length: 5_000 }, (_, i) => put(`k${i}`, 'x')))
  let turns = 0
  let ended = false
  const turn = (): void => {
    turns++
    if (!ended) setImmediate(turn)
  }
  setImmediate(turn)
  let pairs = 0
  for await (const _ of storage.entries()) pairs++
  ended = true
  equal(pairs, 5_000)
  ok(turns >= 15, `${turns} turns of the event loop`)
  await storage.stop()
})
