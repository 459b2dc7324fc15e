import { equal, ok, rejects } from 'node:assert/strict'
import type { StateStorage } from '../state-storage.ts'
import { untilPowerLoss } from './power-loss.ts'
import { put, type StateCase, type StateStoragePlace, startedState, text } from './state-place.ts'

/** More operations than a program here takes. */
const MOST_POINTS = 500
/** How often each point is tried, for a place that draws what a crash leaves. */
const ROUNDS = 4
const BATCHES = 12

/** Batches of which some wait for the disk and some do not. Each has two keys of its own, and the newest of all is noted in one that they share. */
class MixedBatches {
  /** Those that must be found. */
  readonly #acknowledged = new Set<number>()
  #count = 0

  async writeNext(storage: StateStorage, durable: boolean): Promise<void> {
    const number = this.#count++
    const value = text(`${number}`)
    await storage.write([put(text(`x${number}`), value), put(text('newest'), value), put(text(`y${number}`), value)], {
      durable,
    })
    if (durable) this.#acknowledged.add(number)
  }

  /** Each batch is there as a whole or not at all, those that were acknowledged as durable are, and the newest of them had the last word. */
  async check(storage: StateStorage): Promise<void> {
    let newest: number | undefined
    for (let number = 0; number < this.#count; number++) {
      const [x, y] = [await storage.get(text(`x${number}`)), await storage.get(text(`y${number}`))]
      equal(x === undefined, y === undefined, `half of batch ${number} is there`)
      if (x !== undefined) newest = number
      else ok(!this.#acknowledged.has(number), `batch ${number} was durable, and is gone`)
    }
    const found = await storage.get(text('newest'))
    equal(found && Buffer.from(found).toString(), newest?.toString())
  }
}

/** Waits for some batches, and not for others; every third one is durable. */
async function program(storage: StateStorage, batches: MixedBatches): Promise<void> {
  for (let i = 0; i < BATCHES / 4; i++) await batches.writeNext(storage, i % 3 === 2)
  const rest = Array.from({ length: BATCHES / 2 }, (_, i) => batches.writeNext(storage, i % 3 === 1))
  await Promise.all(rest)
  for (let i = 0; i < BATCHES / 4; i++) await batches.writeNext(storage, i % 3 === 0)
  await storage.stop()
}

async function everyCrash(another: () => Promise<StateStoragePlace>): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    let point = 0
    for (let ended = false; !ended && point < MOST_POINTS; point++) {
      await using place = await another()
      const batches = new MixedBatches()
      const storage = await startedState(place)
      const lost = place.crashAfter?.(point) ?? Promise.reject(new TypeError('crash-points needs crashAfter'))
      ended = (await untilPowerLoss(lost, program(storage, batches))) === 'done'
      await place.crash?.()
      const next = await startedState(place)
      await batches.check(next)
      await next.stop()
    }
    ok(point > 1 && point < MOST_POINTS, `the program took ${point} operations`)
  }
}

/** What single writes say of the disk. */
export const stateDurability: readonly StateCase[] = [
  {
    name: 'batches take effect in the order of the calls, whatever each of them waits for',
    run: async (place) => {
      const storage = await startedState(place)
      const key = text('a')
      for (let round = 0; round < 4; round++) {
        const writes = Array.from({ length: 12 }, (_, i) =>
          storage.write([put(key, text(`${round}-${i}`))], { durable: (i + round) % 4 < 2 }),
        )
        await Promise.all(writes)
        equal(Buffer.from((await storage.get(key)) ?? []).toString(), `${round}-11`)
      }
      await storage.stop()
    },
  },
  {
    name: 'what resolved is read, whatever it waited for',
    run: async (place) => {
      const storage = await startedState(place)
      const write = async (i: number): Promise<void> => {
        const key = text(`k${i}`)
        await storage.write([put(key, text(`${i}`))], { durable: i % 2 === 0 })
        equal(Buffer.from((await storage.get(key)) ?? []).toString(), `${i}`)
      }
      await Promise.all(Array.from({ length: 10 }, (_, i) => write(i)))
      await storage.stop()
    },
  },
  {
    name: 'what was written as durable survives a crash, and the rest is there as a whole or not at all',
    needs: 'crash',
    run: async (place) => {
      const batches = new MixedBatches()
      for (let life = 0; life < 4; life++) {
        const storage = await startedState(place)
        await batches.check(storage)
        for (let i = 0; i < 6; i++) await batches.writeNext(storage, (i + life) % 3 === 0)
        // Nobody waits for these: who is dead may learn nothing.
        for (let i = 0; i < 4; i++) batches.writeNext(storage, i % 2 === 0).catch(() => undefined)
        await place.crash?.()
      }
      const storage = await startedState(place)
      await batches.check(storage)
      await storage.stop()
    },
  },
  {
    name: 'a crash in every operation keeps what was written as durable, and halves of nothing',
    needs: ['crash', 'crash-points'],
    run: (_, another) => everyCrash(another),
  },
  {
    name: 'after a failed write, those that would not wait for the disk are refused as well (P-41)',
    needs: ['failure', 'durable'],
    run: async (place) => {
      const storage = await startedState(place)
      await place.failWrites?.()
      const failed = { code: 'DSYS_STORAGE_FAILED', outcome: 'unknown' }
      const later = storage.write([put(text('a'), text('1'))], { durable: true })
      // Called before anybody can know, so it may be the first to fail, and is not durable in any case.
      const behind = storage.write([put(text('b'), text('1'))], { durable: false })
      await rejects(later, failed)
      await behind.catch(() => undefined)
      await rejects(storage.write([put(text('c'), text('1'))], { durable: false }), failed)
      await storage.stop()
    },
  },
]
