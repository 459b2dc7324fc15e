import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import {
  bytes,
  contentOf,
  entry,
  expectEntries,
  type LogCase,
  meta,
  plain,
  run,
  session,
  started,
} from './log-place.ts'

/** Calls that are made without waiting for those before them. */
export const order: readonly LogCase[] = [
  {
    name: 'writes, compactions and resets without waiting take effect in the order of the calls',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 6, 1) })
        await log.saveSnapshot(meta(4, 1), [bytes('four')])
        await Promise.all([
          log.persist({ entries: run(5, 8, 2) }),
          log.compact(3),
          log.persist({ entries: run(7, 9, 3) }),
          log.resetToSnapshot(),
          log.persist({ entries: run(5, 6, 4) }),
          log.compact(4),
          log.persist({ entries: run(6, 7, 5) }),
        ])
      })
      await expectEntries(place, [entry(5, 4), ...run(6, 7, 5)])
    },
  },
  {
    name: 'snapshots without waiting are stored one after the other, and the last is the newest',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 9, 1) })
        await Promise.all([2, 5, 7].map((index) => log.saveSnapshot(meta(index, 1), [bytes(`at ${index}`)])))
        equal(log.snapshot()?.meta.index, 7)
      })
      await session(place, async (log) => {
        equal(await contentOf(log), 'at 7')
        deepEqual(plain(log.recovered.entries), plain(run(8, 9, 1)))
      })
    },
  },
  {
    name: 'an older snapshot that is overtaken by a newer one is refused, and the newer one stays',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 9, 1) })
        const newer = log.saveSnapshot(meta(7, 1), [bytes('seven')])
        await rejects(log.saveSnapshot(meta(3, 1), [bytes('three')]), RangeError)
        await newer
      })
      await session(place, async (log) => equal(await contentOf(log), 'seven'))
    },
  },
  {
    name: 'entries are written while a snapshot is stored, and both are there (P-36)',
    run: async (place) => {
      await session(place, async (log) => {
        await log.persist({ entries: run(1, 5, 1) })
        let index = 6
        const content = (async function* () {
          for (; index <= 15; index++) {
            // The content waits for a write: a storage that holds writes back until it has the content would stand still.
            await log.persist({ entries: [entry(index, 1)] })
            yield bytes(`${index} `)
          }
        })()
        await log.saveSnapshot(meta(5, 1), content)
      })
      await session(place, async (log) => {
        equal(await contentOf(log), '6 7 8 9 10 11 12 13 14 15 ')
        deepEqual(plain(log.recovered.entries), plain(run(6, 15, 1)))
      })
    },
  },
  {
    name: 'disposing a log waits for its writes, and so does a stop',
    run: async (place) => {
      const storage = await started(place)
      const [log, other] = [await storage.openGroup('g'), await storage.openGroup('h')]
      const done: string[] = []
      const note = (name: string) => (): void => void done.push(name)
      const writes = [
        log.persist({ entries: run(1, 3, 1) }).then(note('g')),
        other.persist({ entries: run(1, 4, 1) }).then(note('h')),
      ]
      await log[Symbol.asyncDispose]()
      ok(done.includes('g'))
      await storage.stop()
      await Promise.all(writes)
      const again = await started(place)
      equal((await again.openGroup('g')).recovered.entries.length, 3)
      equal((await again.openGroup('h')).recovered.entries.length, 4)
      await again.stop()
    },
  },
  {
    name: 'a group opened again in the same life has all that was written, and what it recovered stays as it was',
    run: (place) =>
      session(place, async (log, storage) => {
        const first = log.recovered
        await log.persist({ hardState: { term: 2, votedFor: 'n1' }, entries: run(1, 6, 2) })
        await log.saveSnapshot(meta(3, 2), [bytes('three')])
        await log.compact(2)
        await log.persist({ entries: run(5, 5, 3) })
        deepEqual([first.hardState.term, first.entries.length], [0, 0])
        await log[Symbol.asyncDispose]()
        const again = await storage.openGroup('g')
        deepEqual({ ...again.recovered.hardState }, { term: 2, votedFor: 'n1' })
        deepEqual(plain(again.recovered.entries), plain([entry(4, 2), entry(5, 3)]))
        await again.persist({ entries: run(6, 6, 3) })
        equal(again.recovered.entries.length, 2)
      }),
  },
  {
    name: 'data that is a view of a larger buffer is stored as the view shows it',
    run: async (place) => {
      const whole = bytes('0123456789')
      const entries = [1, 2, 3].map((index) => ({ index, term: 1, kind: 0, data: whole.subarray(index, 2 * index) }))
      await session(place, (log) => log.persist({ entries }))
      await expectEntries(place, entries)
    },
  },
  {
    name: 'a snapshot of a megabyte in pieces of any size comes back whole',
    run: async (place) => {
      const content = Uint8Array.from({ length: 1_000_003 }, (_, i) => (i * 31) % 253)
      const pieces = function* () {
        for (let from = 0, size = 1; from < content.length; from += size, size = (size * 7) % 90_001) {
          yield content.subarray(from, from + size)
        }
      }
      await session(place, (log) => log.saveSnapshot(meta(4, 1), pieces()))
      await session(place, async (log) => {
        const snapshot = log.snapshot()
        equal(snapshot?.sizeBytes, content.length)
        const parts: Uint8Array[] = []
        for (let offset = 0; offset < content.length; offset += 65_537) {
          parts.push((await snapshot?.read(offset, 65_537)) ?? new Uint8Array(0))
        }
        equal(Buffer.compare(Buffer.concat(parts), content), 0)
      })
    },
  },
]
