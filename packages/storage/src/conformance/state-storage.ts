import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import type { StateRange, StateStorage } from '../state-storage.ts'
import { register, type TestRunner } from './runner.ts'
import { stateCrashes } from './state-crashes.ts'
import { stateDurability } from './state-durability.ts'
import { del, put, type StateCase, type StateStorageFactory, text } from './state-place.ts'

const key = (...values: number[]): Uint8Array => Uint8Array.from(values)

const FIVE = ['a', 'b', 'c', 'd', 'e'].map((name) => put(text(name), text(`value of ${name}`)))

async function keysOf(storage: StateStorage, range?: StateRange): Promise<string[]> {
  const keys: string[] = []
  for await (const [found] of storage.entries(range)) keys.push(Buffer.from(found).toString())
  return keys
}

const readText = async (storage: StateStorage, k: Uint8Array): Promise<string | undefined> => {
  const value = await storage.get(k)
  return value && Buffer.from(value).toString()
}

/** A case on one storage that is started before and stopped after. */
const on = (name: string, body: (storage: StateStorage) => Promise<void>): StateCase => ({
  name,
  run: async (place) => {
    const storage = await place.open()
    await storage.start()
    await body(storage)
    await storage.stop()
  },
})

const cases: readonly StateCase[] = [
  on('a missing key is undefined, an empty value is not', async (storage) => {
    equal(await storage.get(text('a')), undefined)
    await storage.write([put(text('a'), new Uint8Array(0))])
    equal((await storage.get(text('a')))?.length, 0)
  }),
  on('a value is replaced and deleted', async (storage) => {
    await storage.write([put(text('a'), text('1'))])
    await storage.write([put(text('a'), text('2'))])
    equal(await readText(storage, text('a')), '2')
    await storage.write([del(text('a')), del(text('never there'))])
    equal(await storage.get(text('a')), undefined)
  }),
  on(
    'keys and values may be used again once the write has resolved, and changed once they were read',
    async (storage) => {
      const [name, value] = [Buffer.from('name'), Buffer.from('value')]
      await storage.write([put(name, value)])
      name.fill(0)
      value.fill(0)
      equal(await readText(storage, text('name')), 'value')
      ;(await storage.get(text('name')))?.fill(0)
      for await (const pair of storage.entries()) for (const bytes of pair) bytes.fill(0)
      equal(await readText(storage, text('name')), 'value')
      deepEqual(await keysOf(storage), ['name'])
    },
  ),
  on('changes of one batch apply in order', async (storage) => {
    await storage.write([
      put(text('a'), text('1')),
      del(text('a')),
      put(text('a'), text('2')),
      put(text('b'), text('1')),
      del(text('b')),
    ])
    equal(await readText(storage, text('a')), '2')
    equal(await storage.get(text('b')), undefined)
  }),
  on('an empty batch and an empty storage are fine', async (storage) => {
    await storage.write([])
    deepEqual(await keysOf(storage), [])
  }),
  on('keys are ordered as unsigned bytes, a prefix before what it begins', async (storage) => {
    const ordered = [
      key(),
      key(0),
      key(0, 0),
      key(0, 255),
      key(1),
      key(127),
      key(128),
      key(128, 0),
      key(255),
      key(255, 255),
    ]
    await storage.write([...ordered].reverse().map((k) => put(k, k)))
    const found: number[][] = []
    for await (const [k, v] of storage.entries()) {
      deepEqual([...k], [...v])
      found.push([...k])
    }
    deepEqual(
      found,
      ordered.map((k) => [...k]),
    )
  }),
  on('a range has its first key and not its end', async (storage) => {
    await storage.write(FIVE)
    deepEqual(await keysOf(storage, { from: text('b'), to: text('d') }), ['b', 'c'])
    deepEqual(await keysOf(storage, { from: text('bb') }), ['c', 'd', 'e'])
    deepEqual(await keysOf(storage, { to: text('a') }), [])
    deepEqual(await keysOf(storage, { from: text('d'), to: text('b') }), [])
  }),
  on('a range goes backwards, with a limit from that end', async (storage) => {
    await storage.write(FIVE)
    deepEqual(await keysOf(storage, { reverse: true }), ['e', 'd', 'c', 'b', 'a'])
    deepEqual(await keysOf(storage, { from: text('b'), to: text('e'), reverse: true, limit: 2 }), ['d', 'c'])
    deepEqual(await keysOf(storage, { limit: 2 }), ['a', 'b'])
    deepEqual(await keysOf(storage, { limit: 0 }), [])
    throws(() => storage.entries({ limit: -1 }), RangeError)
  }),
  on('an iteration shows the state as it stood when it began', async (storage) => {
    await storage.write(FIVE)
    const iteration = storage.entries()
    const seen = [Buffer.from((await iteration.next()).value?.[0] ?? []).toString()]
    await storage.write([del(text('b')), put(text('c'), text('new')), put(text('cc'), text('new'))])
    for await (const [k, v] of iteration) {
      seen.push(Buffer.from(k).toString())
      ok(Buffer.from(v).toString().startsWith('value of'))
    }
    deepEqual(seen, ['a', 'b', 'c', 'd', 'e'])
    deepEqual(await keysOf(storage), ['a', 'c', 'cc', 'd', 'e'])
  }),
  on('an iteration that is left early does not disturb the next', async (storage) => {
    await storage.write(FIVE)
    for await (const [k] of storage.entries()) if (k[0] === 98) break
    deepEqual(await keysOf(storage), ['a', 'b', 'c', 'd', 'e'])
  }),
  on('an iteration ends once and for good, where it is left, and where it never began', async (storage) => {
    await storage.write(FIVE)
    for (let i = 0; i < 200; i++) {
      const iteration = storage.entries({ reverse: i % 2 === 0 })
      for (let step = 0; step < i % 4; step++) equal((await iteration.next()).done, false)
      for (let times = 0; times < 2; times++) equal((await iteration.return?.())?.done, true)
      deepEqual(await iteration.next(), { done: true, value: undefined })
    }
    const whole = storage.entries({ from: text('e') })
    equal((await whole.next()).done, false)
    for (let times = 0; times < 2; times++) deepEqual(await whole.next(), { done: true, value: undefined })
  }),
  on('iterations under way at the same time do not meet', async (storage) => {
    await storage.write(FIVE)
    const iterations = Array.from({ length: 10 }, (_, i) => storage.entries({ reverse: i % 2 === 1 }))
    const seen = iterations.map(() => '')
    for (let step = 0; step < FIVE.length; step++) {
      await Promise.all(
        iterations.map(async (iteration, i) => {
          seen[i] += Buffer.from((await iteration.next()).value?.[0] ?? []).toString()
        }),
      )
    }
    for (const [i, keys] of seen.entries()) equal(keys, i % 2 === 1 ? 'edcba' : 'abcde')
    for (const iteration of iterations) equal((await iteration.next()).done, true)
  }),
  on('buffers belong to their owner: changing one does not change the storage', async (storage) => {
    const k = text('a')
    const v = text('1')
    await storage.write([put(k, v)])
    k.fill(0)
    v.fill(0)
    const read = await storage.get(text('a'))
    read?.fill(0)
    equal(await readText(storage, text('a')), '1')
    deepEqual(await keysOf(storage), ['a'])
  }),
  on('a thousand keys in any order come back sorted', async (storage) => {
    const numbers = Array.from({ length: 1_000 }, (_, i) => (i * 7_919) % 1_000)
    await storage.write(numbers.map((n) => put(key(n >> 8, n & 255), text(String(n)))))
    const found: number[] = []
    for await (const [, v] of storage.entries()) found.push(Number(Buffer.from(v).toString()))
    deepEqual(
      found,
      Array.from({ length: 1_000 }, (_, i) => i),
    )
  }),
  {
    name: 'a storage that is not started, or stopped, refuses to work',
    run: async (place) => {
      const storage = await place.open()
      await rejects(storage.get(text('a')), { code: 'DSYS_NOT_RUNNING' })
      await storage.start()
      await storage.stop()
      await storage.stop()
      await rejects(storage.write([]), { code: 'DSYS_NOT_RUNNING' })
    },
  },
  {
    name: 'a stop ends the iterations under way, each with its next step',
    run: async (place) => {
      const storage = await place.open()
      await storage.start()
      await storage.write(FIVE)
      const [begun, fresh, left] = [storage.entries(), storage.entries(), storage.entries()]
      await begun.next()
      await left.next()
      await storage.stop()
      await rejects(begun.next(), { code: 'DSYS_NOT_RUNNING' })
      await rejects(fresh.next(), { code: 'DSYS_NOT_RUNNING' })
      await left.return?.()
      throws(() => storage.entries(), { code: 'DSYS_NOT_RUNNING' })
    },
  },
  {
    name: 'a stop waits for the writes under way, and gives them what they asked for',
    run: async (place) => {
      const storage = await place.open()
      await storage.start()
      const writes = Array.from({ length: 10 }, (_, i) =>
        storage.write([put(text(`k${i}`), text('x'))], { durable: i % 2 === 0 }),
      )
      await Promise.all([storage.stop(), ...writes])
    },
  },
  {
    name: 'what was written is there after a stop',
    needs: 'reopen',
    run: async (place) => {
      const storage = await place.open()
      await storage.start()
      await storage.write(FIVE)
      await storage.stop()
      const again = await place.open()
      await again.start()
      deepEqual(await keysOf(again), ['a', 'b', 'c', 'd', 'e'])
      await again.stop()
    },
  },
]

/**
 * Registers the cases that every {@link StateStorage} must pass. They use the port alone.
 *
 * @param runner the `describe` and `test` of a test runner.
 */
export function stateStorageConformance(runner: TestRunner, factory: StateStorageFactory): void {
  register(runner, 'StateStorage conformance', cases, factory)
  register(runner, 'StateStorage conformance: what a write waits for', stateDurability, factory)
  register(runner, 'StateStorage conformance: crashes and failures', stateCrashes, factory)
}
