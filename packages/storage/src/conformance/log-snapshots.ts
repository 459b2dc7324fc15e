import { deepEqual, equal, notEqual, rejects } from 'node:assert/strict'
import { MAX_SNAPSHOT_CONTEXT_BYTES } from '../log-rules.ts'
import type { GroupLog } from '../log-storage.ts'
import { bytes, contentOf, expectEntries, type LogCase, meta, plain, run, session } from './log-place.ts'

export const snapshots: readonly LogCase[] = [
  {
    name: 'a snapshot comes back with its context, also in pieces, and hides what it covers',
    run: async (place) => {
      const check = async (log: GroupLog): Promise<void> => {
        const found = log.snapshot()?.meta
        equal(found?.index, 3)
        equal(found?.term, 1)
        equal(Buffer.from(found?.context ?? []).toString(), 'voters: a, b')
        equal(await contentOf(log), 'the state of the machine at 3')
      }
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 5, 1) })
        await log.saveSnapshot(meta(3, 1, 'voters: a, b'), [
          bytes('the state of '),
          bytes(''),
          bytes('the machine at 3'),
        ])
        await check(log)
      })
      await session(place, async (log) => {
        await check(log)
        equal(log.recovered.snapshot?.index, 3)
        deepEqual(plain(log.recovered.entries), plain(run(4, 5, 1)))
      })
    },
  },
  {
    name: 'the content may come asynchronously, and be empty',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 5, 1) })
        await log.saveSnapshot(
          meta(2, 1),
          (async function* () {
            yield bytes('in ')
            yield bytes('pieces')
          })(),
        )
        equal(await contentOf(log), 'in pieces')
        await log.saveSnapshot(meta(3, 1), [])
        equal(await contentOf(log), '')
      })
      await session(place, async (log) => equal(await contentOf(log), ''))
    },
  },
  {
    name: 'a content that fails leaves the earlier snapshot and a log that works',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 5, 1) })
        await log.saveSnapshot(meta(2, 1), [bytes('two')])
        const broken = new Error('the machine cannot encode this')
        const failing = (function* () {
          yield bytes('half of ')
          throw broken
        })()
        await rejects(log.saveSnapshot(meta(4, 1), failing), broken)
        equal(log.snapshot()?.meta.index, 2)
        await log.persist({ entries: run(6, 6, 1) })
        await log.saveSnapshot(meta(5, 1), [bytes('five')])
      })
      await session(place, async (log) => {
        equal(await contentOf(log), 'five')
        deepEqual(plain(log.recovered.entries), plain(run(6, 6, 1)))
      })
    },
  },
  {
    name: 'a snapshot at or below the newest, or with too large a context, is refused',
    run: (place) =>
      session(place, async (log) => {
        await log.persist({ entries: run(1, 5, 1) })
        await log.saveSnapshot(meta(3, 1), [bytes('three')])
        await rejects(log.saveSnapshot(meta(3, 1), [bytes('again')]), RangeError)
        await rejects(log.saveSnapshot(meta(2, 1), [bytes('older')]), RangeError)
        const context = new Uint8Array(MAX_SNAPSHOT_CONTEXT_BYTES + 1)
        await rejects(log.saveSnapshot({ index: 4, term: 1, context }, []), RangeError)
        equal(await contentOf(log), 'three')
      }),
  },
  {
    name: 'a context of the largest size comes back',
    run: async (place) => {
      const context = new Uint8Array(MAX_SNAPSHOT_CONTEXT_BYTES).fill(7)
      await session(place, (log) => log.saveSnapshot({ index: 4, term: 1, context }, [bytes('x')]))
      await session(place, async (log) => deepEqual([...(log.snapshot()?.meta.context ?? [])], [...context]))
    },
  },
  {
    name: 'a snapshot ahead of the log is legal, and the log goes on behind it (P-43)',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 5, 1) })
        await log.saveSnapshot(meta(9, 2), [bytes('nine')])
      })
      await session(place, async (log) => {
        deepEqual(log.recovered.entries, [])
        await log.resetToSnapshot()
        await rejects(log.persist({ entries: run(6, 6, 2) }), RangeError)
        await log.persist({ entries: run(10, 11, 2) })
      })
      await expectEntries(place, run(10, 11, 2))
    },
  },
  {
    name: 'entries at or below the snapshot are refused',
    run: (place) =>
      session(place, async (log) => {
        await log.persist({ entries: run(1, 5, 1) })
        await log.saveSnapshot(meta(3, 1), [])
        await rejects(log.persist({ entries: run(3, 6, 2) }), RangeError)
        await log.persist({ entries: run(4, 6, 2) })
      }),
  },
  {
    name: 'compact forgets what the snapshot covers and keeps the rest',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 8, 1) })
        await rejects(log.compact(1), RangeError)
        await log.saveSnapshot(meta(5, 1), [bytes('five')])
        await rejects(log.compact(6), RangeError)
        await log.compact(3)
        await log.compact(5)
        await log.persist({ entries: run(9, 9, 1) })
      })
      await expectEntries(place, run(6, 9, 1))
    },
  },
  {
    name: 'resetToSnapshot forgets every entry, also those behind it (P-34)',
    run: async (_, another) => {
      // Whether they conflict with the snapshot or not.
      for (const term of [3, 1]) {
        await using place = await another()
        await session(place, async (log) => {
          await rejects(log.resetToSnapshot(), RangeError)
          await log.persist({ hardState: { term: 4, votedFor: 'n1' }, entries: run(1, 8, 1) })
          await log.saveSnapshot(meta(5, term), [bytes('five')])
          await log.resetToSnapshot()
        })
        await session(place, async (log) => {
          deepEqual(log.recovered.entries, [])
          deepEqual({ ...log.recovered.hardState }, { term: 4, votedFor: 'n1' })
          await log.persist({ entries: run(6, 7, 4) })
        })
        await expectEntries(place, run(6, 7, 4))
      }
    },
  },
  {
    name: 'a stop between saving a conflicting snapshot and the reset leaves no conflicting entry (P-34)',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 8, 1) })
        await log.saveSnapshot(meta(5, 3), [bytes('five')])
      })
      await expectEntries(place, [])
    },
  },
  {
    name: 'behind such a stop the log goes on from the snapshot, and what it conflicted with never comes back (P-34)',
    run: async (_, another) => {
      for (const last of [3, 5, 8]) {
        await using place = await another()
        await session(place, async (log) => {
          await log.persist({ entries: run(1, last, 1) })
          await log.saveSnapshot(meta(5, 3), [bytes('five')])
        })
        await session(place, async (log) => {
          deepEqual(log.recovered.entries, [])
          await log.persist({ hardState: { term: 4, votedFor: undefined } })
        })
        await session(place, (log) => log.persist({ entries: run(6, 6, 3) }))
        await session(place, (log) => log.persist({ entries: run(7, 7, 4) }))
        await expectEntries(place, [...run(6, 6, 3), ...run(7, 7, 4)])
      }
    },
  },
  {
    name: 'a snapshot read while a newer one is stored stays whole, or says that it is gone',
    run: (place) =>
      session(place, async (log) => {
        await log.persist({ entries: run(1, 8, 1) })
        await log.saveSnapshot(meta(2, 1), [bytes('two two two')])
        const old = log.snapshot()
        equal(Buffer.from((await old?.read(0, 3)) ?? []).toString(), 'two')
        await log.saveSnapshot(meta(4, 1), [bytes('four four four')])
        const rest = await old?.read(3, 100).catch((error: { code?: string }) => notEqual(error.code, undefined))
        if (rest !== undefined) equal(Buffer.from(rest).toString(), ' two two')
        equal(await contentOf(log), 'four four four')
      }),
  },
]
