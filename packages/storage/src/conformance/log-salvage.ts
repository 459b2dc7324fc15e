import { deepEqual, equal, ok } from 'node:assert/strict'
import type { GroupLog } from '../log-storage.ts'
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
const LAST_INDEX = 8
const HARD_STATE = { term: 3, votedFor: 'n2' } as const

async function fill(log: GroupLog): Promise<void> {
  await log.persist({ hardState: { term: 1, votedFor: 'n1' }, entries: run(1, 5, 1) })
  await log.saveSnapshot(meta(3, 1, 'context'), [bytes('the state at 3')])
  await log.compact(2)
  await log.persist({ entries: run(6, 7, 2) })
  await log.persist({ hardState: HARD_STATE, entries: [entry(LAST_INDEX, 3)] })
}

/** Opens group `g` with salvage, and goes on from what was found. Says what became of it. */
async function salvage(place: LogStoragePlace, where: string): Promise<'refused' | 'lost' | 'whole'> {
  const storage = await place.open()
  try {
    await storage.start()
    const log = await storage.openGroup('g', { salvage: true })
    const { hardState, entries, snapshot, lost } = log.recovered
    deepEqual({ ...hardState }, HARD_STATE, where)
    deepEqual(plain(entries), plain([...run(4, 5, 1), ...run(6, 7, 2), entry(8, 3)].slice(0, entries.length)), where)
    if (snapshot !== undefined) equal(await contentOf(log), 'the state at 3', where)
    const last = entries.at(-1)?.index ?? snapshot?.index ?? 0
    if (lost === undefined) {
      equal(last, LAST_INDEX, where)
      return 'whole'
    }
    deepEqual([lost.fromIndex, lost.throughIndex], [last + 1, LAST_INDEX], where)
    ok(lost.term >= 3, where)
    const abstention = { throughIndex: lost.throughIndex, term: lost.term }
    await log.persist({ hardState: { ...hardState, abstention }, entries: [entry(last + 1, 9)] })
    return 'lost'
  } catch (error) {
    const { code } = error as { code?: string }
    if (code !== 'DSYS_STORAGE_CORRUPT') throw error
    return 'refused'
  } finally {
    await storage.stop()
  }
}

export const salvaging: readonly LogCase[] = [
  {
    name: 'the incarnation is kept with term and vote, beside the mark of a node that abstains and without it (P-30)',
    run: async (place) => {
      const marked = { term: 8, votedFor: 'n1', abstention: { throughIndex: 9, term: 7 }, incarnation: 2 ** 48 - 1 }
      const { abstention: _, ...plainly } = { ...marked, votedFor: undefined }
      for (const hardState of [marked, plainly]) {
        await session(place, (log) => log.persist({ hardState }))
        await session(place, async (log) => {
          deepEqual({ ...log.recovered.hardState }, hardState)
          await log.persist({ entries: run(1, 1, 8) })
        })
        await session(place, async (log) => deepEqual({ ...log.recovered.hardState }, hardState))
      }
    },
  },
  {
    name: 'the mark of a node that abstains is kept with term and vote, and is gone with the next that have none',
    run: async (place) => {
      const abstention = { throughIndex: 2 ** 40, term: 7 }
      await session(place, (log) => log.persist({ hardState: { term: 8, votedFor: undefined, abstention } }))
      await session(place, async (log) => {
        deepEqual({ ...log.recovered.hardState }, { term: 8, votedFor: undefined, abstention })
        await log.persist({ entries: run(1, 1, 8) })
      })
      await session(place, async (log) => {
        deepEqual({ ...log.recovered.hardState }, { term: 8, votedFor: undefined, abstention })
        await log.persist({ hardState: { term: 8, votedFor: 'n1' } })
      })
      await session(place, async (log) => {
        deepEqual({ ...log.recovered.hardState }, { term: 8, votedFor: 'n1' })
      })
    },
  },
  {
    name: 'a group that has lost nothing is opened with salvage as it is',
    run: async (place) => {
      await session(place, fill)
      equal(await salvage(place, 'without damage'), 'whole')
      const storage = await started(place)
      const { hardState, entries, snapshot, lost } = (await storage.openGroup('new', { salvage: true })).recovered
      deepEqual([hardState.term, entries, snapshot, lost], [0, [], undefined, undefined])
      await storage.stop()
    },
  },
  {
    name: 'damage of any bit, opened with salvage, is refused, harmless, or a loss that is told: term and vote are there, and the log goes on from what was found (P-01, P-40)',
    needs: 'damage',
    run: async (_, another) => {
      const seen = new Set<string>()
      let size = 1
      for (let byte = 0; byte < size; byte += Math.max(1, Math.ceil(size / SAMPLES))) {
        await using place = await another()
        await session(place, fill)
        size = place.storedBytes?.() ?? 0
        place.flipBit?.(byte, byte % 8)
        const where = `bit ${byte % 8} of byte ${byte}`
        const result = await salvage(place, where)
        seen.add(result)
        if (result !== 'lost') continue
        await session(place, async ({ recovered }) => {
          deepEqual([recovered.lost, recovered.entries.at(-1)?.term], [undefined, 9], where)
          equal(recovered.hardState.abstention?.throughIndex, LAST_INDEX, where)
        })
      }
      ok(seen.has('refused') || seen.has('lost'), 'some of what is stored matters')
    },
  },
]
