import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { bytes, entry, expectEntries, type LogCase, plain, run, session, started } from './log-place.ts'

export const writing: readonly LogCase[] = [
  {
    name: 'entries come back in order, with index, term, kind and data',
    run: async (place) => {
      const entries = [
        entry(1, 1, ''),
        { index: 2, term: 1, kind: 0, data: new Uint8Array(5_000) },
        { index: 3, term: 4, kind: 255, data: Uint8Array.from({ length: 256 }, (_, i) => i) },
      ]
      await session(place, (log) => log.persist({ entries }))
      await expectEntries(place, entries)
    },
  },
  {
    name: 'data of a megabyte, all zeros, comes back whole',
    run: async (place) => {
      const entries = [{ index: 1, term: 1, kind: 0, data: new Uint8Array(1_000_003) }, entry(2, 1)]
      await session(place, (log) => log.persist({ entries }))
      await expectEntries(place, entries)
    },
  },
  {
    name: 'term and vote come back together, and the last one holds (P-01)',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ hardState: { term: 3, votedFor: 'n1' } })
        await log.persist({ hardState: { term: 7, votedFor: undefined } })
        await log.persist({ hardState: { term: 7, votedFor: 'n2' } })
      })
      await session(place, async (log) => deepEqual({ ...log.recovered.hardState }, { term: 7, votedFor: 'n2' }))
      await session(place, (log) => log.persist({ hardState: { term: 8, votedFor: undefined } }))
      await session(place, async (log) => deepEqual({ ...log.recovered.hardState }, { term: 8, votedFor: undefined }))
    },
  },
  {
    name: 'large terms and an empty vote survive',
    run: async (place) => {
      const term = Number.MAX_SAFE_INTEGER
      await session(place, (log) =>
        log.persist({ hardState: { term, votedFor: '' }, entries: [{ index: 1, term, kind: 2, data: bytes('x') }] }),
      )
      await session(place, async (log) => {
        deepEqual({ ...log.recovered.hardState }, { term, votedFor: '' })
        equal(log.recovered.entries[0]?.term, term)
      })
    },
  },
  {
    name: 'entries at or below the last index cut the log first',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 9, 1) })
        await log.persist({ entries: run(4, 5, 2) })
        await log.persist({ entries: run(6, 6, 2) })
      })
      await expectEntries(place, [...run(1, 3, 1), ...run(4, 6, 2)])
    },
  },
  {
    name: 'the whole log can be replaced, and again after a restart',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 4, 1) })
        await log.persist({ entries: run(1, 2, 2) })
      })
      await session(place, (log) => log.persist({ entries: run(2, 3, 3) }))
      await expectEntries(place, [...run(1, 1, 2), ...run(2, 3, 3)])
    },
  },
  {
    name: 'an empty write is a barrier: it resolves after all before it',
    run: (place) =>
      session(place, async (log) => {
        let done = false
        const first = log.persist({ entries: run(1, 50, 1) }).then(() => {
          done = true
        })
        await log.persist({})
        await Promise.resolve()
        ok(done)
        await first
      }),
  },
  {
    name: 'writes without waiting take effect in the order of the calls (P-38)',
    run: async (place) => {
      await session(place, async (log) => {
        const order: number[] = []
        const writes = Array.from({ length: 100 }, (_, i) =>
          log
            .persist({ hardState: { term: i + 1, votedFor: `n${i}` }, entries: [entry(Math.floor(i / 2) + 1, i + 1)] })
            .then(() => order.push(i)),
        )
        await Promise.all(writes)
        deepEqual(
          order,
          Array.from({ length: 100 }, (_, i) => i),
        )
      })
      await session(place, async (log) => {
        deepEqual({ ...log.recovered.hardState }, { term: 100, votedFor: 'n99' })
        deepEqual(plain(log.recovered.entries), plain(Array.from({ length: 50 }, (_, i) => entry(i + 1, 2 * i + 2))))
      })
    },
  },
  {
    name: 'writes of many groups at once keep apart',
    run: async (place) => {
      const storage = await started(place)
      const logs = await Promise.all(Array.from({ length: 10 }, (_, i) => storage.openGroup(`g${i}`)))
      await Promise.all(
        logs.flatMap((log, i) => [
          log.persist({ entries: run(1, i + 1, 1) }),
          log.persist({ hardState: { term: i, votedFor: `v${i}` } }),
        ]),
      )
      await storage.stop()
      const again = await started(place)
      for (let i = 0; i < 10; i++) {
        const { recovered } = await again.openGroup(`g${i}`)
        deepEqual(plain(recovered.entries), plain(run(1, i + 1, 1)))
        deepEqual({ ...recovered.hardState }, { term: i, votedFor: `v${i}` })
      }
      await again.stop()
    },
  },
  {
    name: 'a buffer that is reused after the write resolved does not change the log',
    run: async (place) => {
      await session(place, async (log) => {
        // A Buffer above all: its slice() is no copy.
        const data = Buffer.from('first')
        await log.persist({ entries: [{ index: 1, term: 1, kind: 0, data }] })
        data.fill(0)
        await log.persist({ entries: [entry(2, 1)] })
      })
      await expectEntries(place, [{ index: 1, term: 1, kind: 0, data: bytes('first') }, entry(2, 1)])
    },
  },
  {
    name: 'a write and its array of entries may be used again as soon as the call has returned',
    run: async (place) => {
      await session(place, async (log) => {
        const entries = run(1, 2, 1)
        const hardState = { term: 1, votedFor: 'n1' }
        const write = { hardState, entries }
        const first = log.persist({ entries: run(1, 1, 1) })
        const second = log.persist(write)
        entries.splice(0, 2, entry(7, 9))
        Object.assign(hardState, { term: 9, votedFor: 'n9' })
        const context = Buffer.from('context')
        const saved = log.saveSnapshot({ index: 1, term: 1, context }, [bytes('one')])
        context.fill(0)
        await Promise.all([first, second, saved])
      })
      await session(place, async ({ recovered }) => {
        deepEqual({ ...recovered.hardState }, { term: 1, votedFor: 'n1' })
        deepEqual(plain(recovered.entries), plain(run(2, 2, 1)))
        equal(Buffer.from(recovered.snapshot?.context ?? []).toString(), 'context')
      })
    },
  },
  {
    name: 'a hole, indices that do not follow, and a bad term, index or kind are refused, and nothing changes',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 2, 1) })
        await rejects(log.persist({ entries: run(4, 4, 1) }), RangeError)
        await rejects(log.persist({ entries: run(0, 1, 1) }), RangeError)
        await rejects(log.persist({ entries: [entry(3, 1), entry(5, 1)] }), RangeError)
        await rejects(log.persist({ entries: [{ ...entry(3, 1), kind: 256 }] }), RangeError)
        await rejects(log.persist({ entries: [{ ...entry(3, 1), term: 0.5 }] }), RangeError)
        await rejects(log.persist({ hardState: { term: -1, votedFor: undefined } }), RangeError)
        await log.persist({ entries: run(3, 3, 1) })
      })
      await expectEntries(place, run(1, 3, 1))
    },
  },
]
