import { deepEqual, equal, ok } from 'node:assert/strict'
import type { GroupLog, LogStorage } from '../log-storage.ts'
import {
  bytes,
  contentOf,
  entry,
  type LogCase,
  type LogStoragePlace,
  meta,
  plain,
  run,
  session,
  started,
} from './log-place.ts'

/** How many places of what is stored are damaged, one after the other. */
const SAMPLES = 160
const MOST_READS = 500

/** What a test looks at, as plain data. */
async function picture(log: GroupLog): Promise<unknown> {
  const { hardState, snapshot, entries } = log.recovered
  return {
    term: hardState.term,
    votedFor: hardState.votedFor,
    snapshot: snapshot && [snapshot.index, snapshot.term, await contentOf(log)],
    entries: plain(entries),
  }
}

/** Opens group `g` and gives what is found, or the code of what is thrown. */
async function look(place: LogStoragePlace): Promise<{ readonly found: unknown } | { readonly code: unknown }> {
  let storage: LogStorage | undefined
  try {
    storage = await place.open()
    await storage.start()
    return { found: await picture(await storage.openGroup('g')) }
  } catch (error) {
    return { code: (error as { code?: string }).code }
  } finally {
    await storage?.stop()
  }
}

async function fill(log: GroupLog): Promise<void> {
  await log.persist({ hardState: { term: 1, votedFor: 'n1' }, entries: run(1, 5, 1) })
  await log.saveSnapshot(meta(3, 1, 'context'), [bytes('the state at 3')])
  await log.compact(2)
  await log.persist({ entries: run(5, 7, 2) })
  await log.persist({ hardState: { term: 3, votedFor: 'n2' }, entries: [entry(8, 3)] })
}

/** Damages one bit here and there, each in a place of its own, and gives what is found to `judge`. */
async function withDamage(
  another: () => Promise<LogStoragePlace>,
  prepare: (place: LogStoragePlace) => Promise<void>,
  judge: (
    result: Awaited<ReturnType<typeof look>>,
    where: string,
    place: LogStoragePlace,
    mend: () => void,
  ) => Promise<void>,
): Promise<void> {
  let refused = 0
  let size = 1
  for (let byte = 0; byte < size; ) {
    await using place = await another()
    await prepare(place)
    size = place.storedBytes?.() ?? 0
    const bit = byte % 8
    const flip = (): void => place.flipBit?.(byte, bit)
    flip()
    const result = await look(place)
    if ('code' in result) {
      equal(result.code, 'DSYS_STORAGE_CORRUPT', `bit ${bit} of byte ${byte}`)
      refused++
    }
    await judge(result, `bit ${bit} of byte ${byte}`, place, flip)
    byte += Math.max(1, Math.ceil(size / SAMPLES))
  }
  ok(refused > 0, 'some of what is stored matters')
}

export const damage: readonly LogCase[] = [
  {
    name: 'damage of any bit after a stop is refused or harmless, and nothing that was acknowledged is lost (P-40)',
    needs: 'damage',
    run: async (place, another) => {
      await session(place, fill)
      const whole = await look(place)
      ok('found' in whole)
      await withDamage(
        another,
        (each) => session(each, fill),
        async (result, where) => {
          if ('found' in result) deepEqual(result.found, whole.found, where)
        },
      )
    },
  },
  {
    name: 'what is refused for its damage is not changed: mended, it is all there',
    needs: 'damage',
    run: async (place, another) => {
      await session(place, fill)
      const whole = await look(place)
      ok('found' in whole)
      await withDamage(
        another,
        (each) => session(each, fill),
        async (result, where, damaged, mend) => {
          if ('found' in result) return
          mend()
          deepEqual(await look(damaged), whole, where)
        },
      )
    },
  },
  {
    name: 'damage of any bit after a crash takes at most the very last write, which looks like a torn one',
    needs: ['damage', 'crash'],
    run: async (place, another) => {
      const prepare = async (each: LogStoragePlace): Promise<void> => {
        await fill(await (await started(each)).openGroup('g'))
        await each.crash?.()
      }
      await prepare(place)
      const whole = await look(place)
      ok('found' in whole)
      const { entries } = whole.found as { entries: unknown[] }
      const before = { ...(whole.found as object), term: 1, votedFor: 'n1', entries: entries.slice(0, -1) }
      await withDamage(another, prepare, async (result, where) => {
        if (!('found' in result)) return
        const dropped = JSON.stringify(result.found) === JSON.stringify(before)
        if (!dropped) deepEqual(result.found, whole.found, where)
      })
    },
  },
]

export const errors: readonly LogCase[] = [
  {
    name: 'a read that fails is not taken for a torn tail: opening says so, and everything is there afterwards',
    needs: ['read-errors', 'crash'],
    run: async (place) => {
      await fill(await (await started(place)).openGroup('g'))
      await place.crash?.()
      let reads = 0
      for (let failed = true; failed && reads < MOST_READS; reads++) {
        const storage = await place.open()
        place.failRead?.(reads)
        failed = await storage
          .start()
          .then(() => storage.openGroup('g'))
          .then(
            () => false,
            (error: { code?: string }) => {
              equal(error.code, 'DSYS_STORAGE_READ_FAILED')
              return true
            },
          )
        await storage.stop()
      }
      ok(reads > 1 && reads < MOST_READS, `${reads} reads`)
      await session(place, async (log) => {
        equal(log.recovered.entries.at(-1)?.index, 8)
        equal(log.recovered.hardState.votedFor, 'n2')
        equal(await contentOf(log), 'the state at 3')
      })
    },
  },
  {
    name: 'a read that fails while a group is opened leaves a storage that works, and the group can be opened again',
    needs: 'read-errors',
    run: async (place) => {
      await session(place, fill)
      const storage = await started(place)
      // Opened for the second time in this life, it has to be read again.
      await (await storage.openGroup('g'))[Symbol.asyncDispose]()
      place.failRead?.(0)
      const code = await storage.openGroup('g').then(
        () => undefined,
        (error: { code?: string }) => error.code,
      )
      ok(code === undefined || code === 'DSYS_STORAGE_READ_FAILED')
      const other = await storage.openGroup('other')
      await other.persist({ entries: run(1, 1, 1) })
      if (code !== undefined) equal((await storage.openGroup('g')).recovered.entries.at(-1)?.index, 8)
      await storage.stop()
    },
  },
  {
    name: 'a full disk is an error, also in the middle of a write; what was acknowledged is there when there is room',
    needs: 'full',
    run: async (_, another) => {
      for (const room of [0, 1, 30, 511, 1_000, 4_095, 9_000]) {
        await using place = await another()
        const storage = await started(place)
        const log = await storage.openGroup('g')
        await log.persist({ entries: run(1, 1, 1) })
        place.fill?.(room)
        let acknowledged = 1
        let code: unknown
        while (code === undefined && acknowledged < 200) {
          const next = entry(acknowledged + 1, 1, 'x'.repeat(700))
          code = await log.persist({ entries: [next] }).then(
            () => undefined,
            (error: { code?: string }) => error.code,
          )
          if (code === undefined) acknowledged++
        }
        equal(code, 'DSYS_STORAGE_FAILED')
        await storage.stop()
        await session(place, async (again) => {
          const found = again.recovered.entries.length
          ok(found === acknowledged || found === acknowledged + 1, `${found} found, ${acknowledged} acknowledged`)
          await again.persist({ entries: [entry(found + 1, 2)] })
        })
      }
    },
  },
  {
    name: 'after a failed write the next life finds a prefix with all that was acknowledged, and goes on',
    needs: ['failure', 'crash'],
    run: async (place) => {
      const storage = await started(place)
      const log = await storage.openGroup('g')
      await log.persist({ hardState: { term: 1, votedFor: 'n1' }, entries: run(1, 3, 1) })
      await place.failWrites?.()
      for (const [index, term] of [
        [4, 2],
        [5, 3],
      ] as const) {
        const write = { hardState: { term, votedFor: `n${term}` }, entries: [entry(index, term)] }
        equal(await log.persist(write).catch((error: { code?: string }) => error.code), 'DSYS_STORAGE_FAILED')
      }
      await place.crash?.()
      await session(place, async (again) => {
        const { hardState, entries } = again.recovered
        ok(hardState.term >= 1 && hardState.term <= 3)
        equal(hardState.votedFor, `n${hardState.term}`)
        deepEqual(plain(entries), plain([...run(1, 3, 1), entry(4, 2), entry(5, 3)].slice(0, 2 + hardState.term)))
        await again.persist({ entries: [entry(entries.length + 1, 9)] })
      })
    },
  },
  {
    name: 'what is found after a failed write, without a crash between, survives a crash (P-41)',
    needs: ['failure', 'crash'],
    run: async (_, another) => {
      for (let round = 0; round < 12; round++) {
        await using place = await another()
        const storage = await started(place)
        const log = await storage.openGroup('g')
        await log.persist({ entries: run(1, 3, 1) })
        for (let i = 0; i < round; i++) await log.persist({ entries: [entry(4, 2 + i)] })
        await place.failWrites?.()
        await log.persist({ entries: run(4, 4 + (round % 3), 20) }).catch(() => undefined)
        await storage.stop()
        // This life acts on what it finds: it has not been told that a crash may take it away.
        let seen: unknown
        const second = await started(place)
        seen = plain((await second.openGroup('g')).recovered.entries)
        await place.crash?.()
        await session(place, async ({ recovered }) => deepEqual(plain(recovered.entries), seen))
      }
    },
  },
  {
    name: 'a crash late in the recovery after a failed write is no damage (P-40, P-41)',
    needs: ['failure', 'crash', 'crash-points'],
    run: async (_, another) => {
      for (let round = 0; round < 40 * 12; round++) {
        await using place = await another()
        const storage = await started(place)
        const log = await storage.openGroup('g')
        await log.persist({ entries: run(1, 3, 1) })
        await place.failWrites?.()
        await log.persist({ entries: [entry(4, 2, 'x'.repeat(1_500))] }).catch(() => undefined)
        await storage.stop()
        const lost = place.crashAfter?.(8 + (round % 12))
        // Whether it gets to its end or not, the next life must start.
        const recovery = session(place, async () => undefined).catch(() => undefined)
        await Promise.race([lost, recovery])
        await place.crash?.()
        await session(place, async ({ recovered }) => {
          const found = recovered.entries.length
          ok(found === 3 || found === 4)
          deepEqual(plain(recovered.entries.slice(0, 3)), plain(run(1, 3, 1)))
        })
      }
    },
  },
]
