import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict'
import { MAX_SNAPSHOT_CONTEXT_BYTES } from '../log-rules.ts'
import type { GroupLog, LogEntry, LogStorage, SnapshotMeta } from '../log-storage.ts'
import { type Case, register, type TestRunner } from './runner.ts'

/** Where one case keeps its logs: a directory, a simulated disk, a database. Empty at first. */
export interface LogStoragePlace extends AsyncDisposable {
  /** A storage over what is durable here, not started yet. Called again only after the one before was stopped, or after `crash`. */
  open(): Promise<LogStorage> | LogStorage
  /** Loses power: what was not durable is gone, and the storage that was open is dead. For feature `crash`. */
  crash?(): Promise<void> | void
  /** Makes every later write and sync of the open storage fail. For feature `failure`. */
  failWrites?(): Promise<void> | void
}

/** How the suite makes places. */
export interface LogStorageFactory {
  readonly create: () => Promise<LogStoragePlace>
  /** What the adapter can be put through. Cases that need more are skipped. */
  readonly supports?: readonly ('crash' | 'failure')[]
}

type LogCase = Case<LogStoragePlace, 'crash' | 'failure'>

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const entry = (index: number, term: number, text = `entry ${index} of term ${term}`): LogEntry => ({
  index,
  term,
  kind: 1,
  data: bytes(text),
})

const run = (from: number, to: number, term: number): LogEntry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term))

const meta = (index: number, term: number, context = ''): SnapshotMeta => ({ index, term, context: bytes(context) })

/** Entries as plain data, so that a Buffer equals a Uint8Array of the same bytes. */
const plain = (entries: readonly LogEntry[]): unknown =>
  entries.map(({ index, term, kind, data }) => ({ index, term, kind, data: [...data] }))

async function contentOf(log: GroupLog): Promise<string> {
  const snapshot = log.snapshot()
  ok(snapshot, 'there must be a snapshot')
  const parts: Uint8Array[] = []
  let offset = 0
  for (;;) {
    const part = await snapshot.read(offset, 7)
    if (part.length === 0) break
    ok(part.length <= 7, 'read must not give more than maxBytes')
    parts.push(part)
    offset += part.length
  }
  equal(offset, snapshot.sizeBytes)
  return Buffer.concat(parts).toString()
}

async function started(place: LogStoragePlace): Promise<LogStorage> {
  const storage = await place.open()
  await storage.start()
  return storage
}

/** Runs `body` on group `g`, then stops the storage. */
async function session(
  place: LogStoragePlace,
  body: (log: GroupLog, storage: LogStorage) => Promise<void>,
): Promise<void> {
  const storage = await started(place)
  try {
    await body(await storage.openGroup('g'), storage)
  } finally {
    await storage.stop()
  }
}

/** Asserts what a new storage recovers for group `g`. */
async function expectEntries(place: LogStoragePlace, entries: readonly LogEntry[]): Promise<void> {
  await session(place, async (log) => deepEqual(plain(log.recovered.entries), plain(entries)))
}

const opening: readonly LogCase[] = [
  {
    name: 'a new group is empty',
    run: (place) =>
      session(place, async (log) => {
        equal(log.recovered.hardState.term, 0)
        equal(log.recovered.hardState.votedFor, undefined)
        equal(log.recovered.snapshot, undefined)
        deepEqual(log.recovered.entries, [])
        equal(log.snapshot(), undefined)
      }),
  },
  {
    name: 'a group is open once at a time, and again after it was disposed',
    run: (place) =>
      session(place, async (log, storage) => {
        await rejects(storage.openGroup('g'), { code: 'DSYS_STORAGE_GROUP_OPEN', group: 'g' })
        await log.persist({ entries: run(1, 2, 1) })
        await log[Symbol.asyncDispose]()
        await log[Symbol.asyncDispose]()
        const again = await storage.openGroup('g')
        deepEqual(plain(again.recovered.entries), plain(run(1, 2, 1)))
      }),
  },
  {
    name: 'a disposed log refuses to work',
    run: (place) =>
      session(place, async (log) => {
        await log[Symbol.asyncDispose]()
        await rejects(log.persist({ entries: run(1, 1, 1) }), { code: 'DSYS_NOT_RUNNING' })
        await rejects(log.compact(0), { code: 'DSYS_NOT_RUNNING' })
        await rejects(log.resetToSnapshot(), { code: 'DSYS_NOT_RUNNING' })
        await rejects(log.saveSnapshot(meta(1, 1), []), { code: 'DSYS_NOT_RUNNING' })
      }),
  },
  {
    name: 'a storage that is not started, or stopped, refuses to open a group',
    run: async (place) => {
      const storage = await place.open()
      await rejects(storage.openGroup('g'), { code: 'DSYS_NOT_RUNNING' })
      await storage.start()
      await storage.stop()
      await storage.stop()
      await rejects(storage.openGroup('g'), { code: 'DSYS_NOT_RUNNING' })
    },
  },
  {
    name: 'an aborted signal cancels opening, and the group can be opened afterwards',
    run: (place) =>
      session(place, async (_, storage) => {
        const reason = new Error('changed my mind')
        await rejects(storage.openGroup('other', { signal: AbortSignal.abort(reason) }), reason)
        await storage.openGroup('other')
      }),
  },
  {
    name: 'groups are apart, whatever their names',
    run: async (place) => {
      const names = ['a', 'A', 'a/b', '..', 'ü🙂', 'x'.repeat(512), 'a b', '%61']
      const storage = await started(place)
      for (const [i, name] of names.entries()) {
        const log = await storage.openGroup(name)
        await log.persist({ hardState: { term: i + 1, votedFor: name }, entries: [entry(1, i + 1, name)] })
      }
      await storage.stop()
      const again = await started(place)
      for (const [i, name] of names.entries()) {
        const { recovered } = await again.openGroup(name)
        deepEqual({ ...recovered.hardState }, { term: i + 1, votedFor: name })
        deepEqual(plain(recovered.entries), plain([entry(1, i + 1, name)]))
      }
      await again.stop()
    },
  },
  {
    name: 'a group needs a name of 1 to 512 bytes',
    run: (place) =>
      session(place, async (_, storage) => {
        await rejects(storage.openGroup(''), RangeError)
        await rejects(storage.openGroup('x'.repeat(513)), RangeError)
        await rejects(storage.openGroup('\ud800'), RangeError)
      }),
  },
]

const writing: readonly LogCase[] = [
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
        const data = bytes('first')
        await log.persist({ entries: [{ index: 1, term: 1, kind: 0, data }] })
        data.fill(0)
        await log.persist({ entries: [entry(2, 1)] })
      })
      await expectEntries(place, [{ index: 1, term: 1, kind: 0, data: bytes('first') }, entry(2, 1)])
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

const snapshots: readonly LogCase[] = [
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
    run: async (place) => {
      await session(place, async (log) => {
        await rejects(log.resetToSnapshot(), RangeError)
        await log.persist({ hardState: { term: 4, votedFor: 'n1' }, entries: run(1, 8, 1) })
        await log.saveSnapshot(meta(5, 3), [bytes('five')])
        await log.resetToSnapshot()
      })
      await session(place, async (log) => {
        deepEqual(log.recovered.entries, [])
        deepEqual({ ...log.recovered.hardState }, { term: 4, votedFor: 'n1' })
        await log.persist({ entries: run(6, 7, 4) })
      })
      await expectEntries(place, run(6, 7, 4))
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

const faults: readonly LogCase[] = [
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
      const pending = Array.from({ length: 5 }, (_, i) =>
        log
          .persist({ hardState: { term: i + 2, votedFor: undefined }, entries: [entry(4 + i, i + 2)] })
          .catch(() => undefined),
      )
      await place.crash?.()
      await session(place, async ({ recovered }) => {
        const { term } = recovered.hardState
        const expected = [
          ...run(1, 3, 1),
          ...Array.from({ length: Math.max(0, term - 1) }, (_, i) => entry(4 + i, i + 2)),
        ]
        deepEqual(plain(recovered.entries), plain(expected))
      })
      await Promise.all(pending)
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
]

/**
 * Registers the cases that every {@link LogStorage} must pass. They use the port alone.
 *
 * @param runner the `describe` and `test` of a test runner.
 */
export function logStorageConformance(runner: TestRunner, factory: LogStorageFactory): void {
  register(runner, 'LogStorage conformance: opening', opening, factory)
  register(runner, 'LogStorage conformance: writing', writing, factory)
  register(runner, 'LogStorage conformance: snapshots', snapshots, factory)
  register(runner, 'LogStorage conformance: faults', faults, factory)
}
