import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { StateChange, StateStorage } from '../state-storage.ts'
import { untilPowerLoss } from './power-loss.ts'
import { del, put, type StateCase, type StateStoragePlace, startedState, text } from './state-place.ts'

/** More operations than the program here takes. */
const MOST_POINTS = 500
/** How often each point is tried, for a place that draws what a crash leaves. */
const ROUNDS = 4

type Picture = readonly (readonly [key: string, value: string])[]

async function pictureOf(storage: StateStorage): Promise<Picture> {
  const pairs: [string, string][] = []
  for await (const [key, value] of storage.entries()) {
    pairs.push([Buffer.from(key).toString(), Buffer.from(value).toString()])
  }
  return pairs
}

/** What may be found: the state after each batch from the last one that cannot be gone. */
class Batches {
  #states: Picture[] = [[]]
  #acknowledged = 0
  #count = 0

  /** Writes a batch that no half of can be mistaken for another: it numbers some keys, and removes one. */
  async writeNext(storage: StateStorage): Promise<void> {
    const number = this.#count++
    const values = new Map(this.#states.at(-1))
    const changes: StateChange[] = []
    for (const key of ['a', 'b', `k${number}`]) {
      changes.push(put(text(key), text(`${number}`)))
      values.set(key, `${number}`)
    }
    changes.push(del(text(`k${number - 2}`)))
    values.delete(`k${number - 2}`)
    this.#states.push([...values].sort(([one], [other]) => (one < other ? -1 : 1)))
    const position = this.#states.length - 1
    await storage.write(changes)
    this.#acknowledged = Math.max(this.#acknowledged, position)
  }

  /** Asserts that what is there may be there; from now on it is the only thing that may. */
  async settle(storage: StateStorage, acknowledged: 'kept' | 'perhaps lost'): Promise<void> {
    const found = await pictureOf(storage)
    const legal = this.#states.slice(acknowledged === 'kept' ? this.#acknowledged : 0)
    if (!legal.some((state) => JSON.stringify(state) === JSON.stringify(found))) deepEqual(found, legal[0])
    this.#states = [found]
    this.#acknowledged = 0
  }
}

/** Writes with and without waiting, and stops. */
async function program(storage: StateStorage, batches: Batches): Promise<void> {
  await batches.writeNext(storage)
  await Promise.all([batches.writeNext(storage), batches.writeNext(storage)])
  await batches.writeNext(storage)
  await Promise.all(Array.from({ length: 5 }, () => batches.writeNext(storage)))
  await storage.stop()
}

async function everyCrash(
  another: () => Promise<StateStoragePlace>,
  acknowledged: 'kept' | 'perhaps lost',
): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    let point = 0
    for (let ended = false; !ended && point < MOST_POINTS; point++) {
      await using place = await another()
      const batches = new Batches()
      const storage = await startedState(place)
      const lost = place.crashAfter?.(point) ?? Promise.reject(new TypeError('crash-points needs crashAfter'))
      ended = (await untilPowerLoss(lost, program(storage, batches))) === 'done'
      await place.crash?.()
      // The second life finds what the first has left, and the third what the second has found and written.
      for (let life = 0; life < 2; life++) {
        const next = await startedState(place)
        await batches.settle(next, acknowledged)
        await batches.writeNext(next)
        await place.crash?.()
      }
      const last = await startedState(place)
      await batches.settle(last, acknowledged)
      await last.stop()
    }
    ok(point > 1 && point < MOST_POINTS, `the program took ${point} operations`)
  }
}

export const stateCrashes: readonly StateCase[] = [
  {
    name: 'a crash leaves the batches up to some point, each as a whole',
    needs: 'crash',
    run: async (_, another) => {
      for (let round = 0; round < 10; round++) {
        await using place = await another()
        const batches = new Batches()
        const storage = await startedState(place)
        await batches.writeNext(storage)
        // Nobody waits for these: who is dead may learn nothing.
        for (let i = 0; i < round; i++) batches.writeNext(storage).catch(() => undefined)
        await place.crash?.()
        const again = await startedState(place)
        await batches.settle(again, 'perhaps lost')
        await again.stop()
      }
    },
  },
  {
    name: 'what was acknowledged survives a crash',
    needs: ['crash', 'durable'],
    run: async (place) => {
      const batches = new Batches()
      for (let life = 0; life < 3; life++) {
        const storage = await startedState(place)
        await batches.settle(storage, 'kept')
        for (let i = 0; i < 3; i++) await batches.writeNext(storage)
        await place.crash?.()
      }
      const storage = await startedState(place)
      await batches.settle(storage, 'kept')
      await storage.stop()
    },
  },
  {
    name: 'what a stop has left survives a crash',
    needs: ['crash', 'reopen'],
    run: async (place) => {
      const storage = await startedState(place)
      await storage.write([put(text('a'), text('1')), put(text('b'), text('2'))])
      await storage.stop()
      await place.crash?.()
      const again = await startedState(place)
      deepEqual(await pictureOf(again), [
        ['a', '1'],
        ['b', '2'],
      ])
      await again.stop()
    },
  },
  {
    name: 'a crash in every operation of a program leaves whole batches up to some point, and what was found stays',
    needs: ['crash', 'crash-points'],
    run: (_, another) => everyCrash(another, 'perhaps lost'),
  },
  {
    name: 'a crash in every operation of a program loses nothing that was acknowledged',
    needs: ['crash', 'crash-points', 'durable'],
    run: (_, another) => everyCrash(another, 'kept'),
  },
  {
    name: 'a failed write is final (P-41)',
    needs: ['failure', 'durable'],
    run: async (place) => {
      const storage = await startedState(place)
      await storage.write([put(text('a'), text('1'))])
      await place.failWrites?.()
      const failed = { code: 'DSYS_STORAGE_FAILED', outcome: 'unknown' }
      for (let i = 0; i < 3; i++) await rejects(storage.write([put(text('b'), text('2'))]), failed)
      equal(Buffer.from((await storage.get(text('a'))) ?? []).toString(), '1')
      await storage.stop()
    },
  },
  {
    name: 'after a failed write the next life finds what was acknowledged, goes on, and keeps what it has found (P-41)',
    needs: ['failure', 'durable', 'crash'],
    run: async (_, another) => {
      for (let round = 0; round < 6; round++) {
        await using place = await another()
        const batches = new Batches()
        const storage = await startedState(place)
        for (let i = 0; i < 3; i++) await batches.writeNext(storage)
        await place.failWrites?.()
        for (let i = 0; i < round; i++) await batches.writeNext(storage).catch(() => undefined)
        // The process ends by itself, or with its machine.
        if (round % 2 === 0) await storage.stop()
        else await place.crash?.()
        for (let life = 0; life < 2; life++) {
          const next = await startedState(place)
          await batches.settle(next, 'kept')
          await batches.writeNext(next)
          await place.crash?.()
        }
      }
    },
  },
]
