import { deepEqual, equal, rejects } from 'node:assert/strict'
import { entry, type LogCase, meta, plain, run, session, started } from './log-place.ts'

export const opening: readonly LogCase[] = [
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
