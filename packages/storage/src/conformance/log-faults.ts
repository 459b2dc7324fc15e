import { deepEqual, equal, rejects } from 'node:assert/strict'
import { bytes, contentOf, entry, type LogCase, meta, plain, run, session, started } from './log-place.ts'

export const faults: readonly LogCase[] = [
  {
    name: 'what was acknowledged survives a crash',
    needs: 'crash',
    run: async (place) => {
      const storage = await started(place)
      const log = await storage.openGroup('g')
      await log.persist({ hardState: { term: 2, votedFor: 'n3' }, entries: run(1, 6, 2) })
      await log.saveSnapshot(meta(4, 2), [bytes('four')])
      await log.compact(4)
      await log.persist({ entries: run(7, 7, 2) })
      await place.crash?.()
      await session(place, async (again) => {
        deepEqual({ ...again.recovered.hardState }, { term: 2, votedFor: 'n3' })
        equal(again.recovered.snapshot?.index, 4)
        equal(await contentOf(again), 'four')
        deepEqual(plain(again.recovered.entries), plain(run(5, 7, 2)))
      })
    },
  },
  {
    name: 'what was not acknowledged is there as a prefix, or not at all, after a crash',
    needs: 'crash',
    run: async (place) => {
      const storage = await started(place)
      const log = await storage.openGroup('g')
      await log.persist({ entries: run(1, 3, 1) })
      // Nobody waits for these: who is dead may learn nothing.
      for (let i = 0; i < 5; i++) {
        const write = { hardState: { term: i + 2, votedFor: undefined }, entries: [entry(4 + i, i + 2)] }
        log.persist(write).catch(() => undefined)
      }
      await place.crash?.()
      await session(place, async ({ recovered }) => {
        const { term } = recovered.hardState
        const expected = [
          ...run(1, 3, 1),
          ...Array.from({ length: Math.max(0, term - 1) }, (_, i) => entry(4 + i, i + 2)),
        ]
        deepEqual(plain(recovered.entries), plain(expected))
      })
    },
  },
  {
    name: 'a log goes on after each of several crashes',
    needs: 'crash',
    run: async (place) => {
      for (let round = 1; round <= 5; round++) {
        const storage = await started(place)
        const log = await storage.openGroup('g')
        deepEqual(plain(log.recovered.entries), plain(Array.from({ length: round - 1 }, (_, i) => entry(i + 1, i + 1))))
        await log.persist({ entries: [entry(round, round)] })
        await place.crash?.()
      }
    },
  },
  {
    name: 'a failed write is final, for every group and every kind of write (P-41)',
    needs: 'failure',
    run: async (place) => {
      const storage = await started(place)
      const log = await storage.openGroup('g')
      const other = await storage.openGroup('other')
      await log.persist({ entries: run(1, 3, 1) })
      await log.saveSnapshot(meta(2, 1), [bytes('two')])
      await place.failWrites?.()
      const failed = { code: 'DSYS_STORAGE_FAILED', outcome: 'unknown' }
      await rejects(log.persist({ entries: run(4, 4, 1) }), failed)
      await rejects(log.persist({ entries: run(5, 5, 1) }), failed)
      await rejects(log.persist({}), failed)
      await rejects(log.compact(2), failed)
      await rejects(log.resetToSnapshot(), failed)
      await rejects(log.saveSnapshot(meta(3, 1), [bytes('three')]), failed)
      await rejects(other.persist({ hardState: { term: 1, votedFor: undefined } }), failed)
      await storage.stop()
    },
  },
  {
    name: 'a group that is opened again after a failed write is refused, or shows what is durable alone (P-01, P-41)',
    needs: 'failure',
    run: async (place) => {
      const storage = await started(place)
      const log = await storage.openGroup('g')
      await log.persist({ hardState: { term: 1, votedFor: 'n1' }, entries: run(1, 1, 1) })
      await place.failWrites?.()
      const failed = { code: 'DSYS_STORAGE_FAILED' }
      await rejects(log.persist({ hardState: { term: 2, votedFor: 'n2' }, entries: run(2, 2, 2) }), failed)
      await log[Symbol.asyncDispose]()
      const opened = await storage.openGroup('g').then(
        ({ recovered }) => [recovered.hardState.term, recovered.hardState.votedFor, recovered.entries.length],
        (error: { code?: string }) => error.code,
      )
      if (opened !== 'DSYS_STORAGE_FAILED') deepEqual(opened, [1, 'n1', 1])
      await storage.stop()
    },
  },
]
