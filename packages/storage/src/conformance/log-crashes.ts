import { deepEqual, equal, ok } from 'node:assert/strict'
import type { GroupLog } from '../log-storage.ts'
import {
  entry,
  expectEntries,
  type LogCase,
  type LogStoragePlace,
  meta,
  plain,
  run,
  session,
  started,
} from './log-place.ts'
import { expectToGoOn, LogProgram } from './log-program.ts'
import { untilPowerLoss } from './power-loss.ts'

/** More operations than any program here takes: a bound for adapters that never lose power. */
const MOST_POINTS = 2_000
/** Longer than any write here. */
const MOST_BYTES = 2_000

const crashIn = (place: LogStoragePlace, operations: number): Promise<void> =>
  place.crashAfter?.(operations) ?? Promise.reject(new TypeError('crash-points needs crashAfter'))

const tear = (place: LogStoragePlace, bytes: number): Promise<void> =>
  place.tearNextWrite?.(bytes) ?? Promise.reject(new TypeError('torn-writes needs tearNextWrite'))

async function runProgram(place: LogStoragePlace, program: LogProgram): Promise<void> {
  const storage = await started(place)
  await program.run(storage)
}

async function reopen(place: LogStoragePlace, program: LogProgram): Promise<void> {
  const storage = await started(place)
  await program.check(storage)
}

/** Begins a write that is cut after `bytes` bytes. Says whether power was lost in it. */
async function tornWrite(
  place: LogStoragePlace,
  bytes: number,
  write: (log: GroupLog) => Promise<void>,
): Promise<void> {
  const storage = await started(place)
  const log = await storage.openGroup('g')
  const lost = tear(place, bytes)
  equal(await untilPowerLoss(lost, write(log)), 'lost', 'a write must write')
  await place.crash?.()
}

/** Calls `body` with a new place for each number of bytes until it says that all of the write was there. */
async function atEveryByte(
  another: () => Promise<LogStoragePlace>,
  body: (place: LogStoragePlace, bytes: number) => Promise<'whole' | 'cut'>,
): Promise<void> {
  let wholeAt: number | undefined
  for (let bytes = 0; wholeAt === undefined && bytes < MOST_BYTES; bytes++) {
    await using place = await another()
    if ((await body(place, bytes)) === 'whole') wholeAt = bytes
  }
  ok(wholeAt !== undefined && wholeAt > 0, 'a write must be whole once all of its bytes are there, and not before')
}

export const crashes: readonly LogCase[] = [
  {
    name: 'a crash in every operation of a program loses nothing acknowledged, invents nothing, and the log goes on',
    needs: ['crash', 'crash-points'],
    run: async (_, another) => {
      let point = 0
      for (let ended = false; !ended && point < MOST_POINTS; point++) {
        await using place = await another()
        const program = new LogProgram()
        ended = (await untilPowerLoss(crashIn(place, point), runProgram(place, program))) === 'done'
        await place.crash?.()
        await expectToGoOn(program, () => started(place))
      }
      ok(point > 5 && point < MOST_POINTS, `the program took ${point} operations`)
    },
  },
  {
    name: 'a crash in every operation of a recovery takes away nothing and brings nothing back',
    needs: ['crash', 'crash-points'],
    run: async (_, another) => {
      for (const first of [9, 14, 23, 37]) {
        let point = 0
        for (let ended = false; !ended && point < MOST_POINTS; point++) {
          await using place = await another()
          const program = new LogProgram()
          await untilPowerLoss(crashIn(place, first), runProgram(place, program))
          await place.crash?.()
          ended = (await untilPowerLoss(crashIn(place, point), reopen(place, program))) === 'done'
          await place.crash?.()
          await expectToGoOn(program, () => started(place))
        }
        ok(point < MOST_POINTS, 'a recovery must end')
      }
    },
  },
  {
    name: 'what a recovery has found survives a crash right after it',
    needs: ['crash', 'crash-points'],
    run: async (_, another) => {
      for (let point = 0; point < 60; point += 3) {
        await using place = await another()
        const program = new LogProgram()
        await untilPowerLoss(crashIn(place, point), runProgram(place, program))
        for (let round = 0; round < 3; round++) {
          await place.crash?.()
          await reopen(place, program)
        }
      }
    },
  },
  {
    name: 'a torn tail is dropped wherever the write was cut, and the log goes on (P-40)',
    needs: ['crash', 'torn-writes'],
    run: (_, another) =>
      atEveryByte(another, async (place, bytes) => {
        await session(place, (log) => log.persist({ entries: run(1, 3, 1) }))
        await tornWrite(place, bytes, (log) => log.persist({ entries: [entry(4, 1)] }))
        let found = 0
        await session(place, async (log) => {
          found = log.recovered.entries.length
          deepEqual(plain(log.recovered.entries), plain(run(1, found, 1)))
          ok(found >= 3)
          await log.persist({ entries: [entry(found + 1, 2)] })
        })
        await expectEntries(place, [...run(1, found, 1), entry(found + 1, 2)])
        return found === 4 ? 'whole' : 'cut'
      }),
  },
  {
    name: 'a torn write is there as a whole or not at all: term, vote and entries, of all groups that it was for (P-01)',
    needs: ['crash', 'torn-writes'],
    run: (_, another) =>
      atEveryByte(another, async (place, bytes) => {
        const storage = await started(place)
        const [log, other] = [await storage.openGroup('g'), await storage.openGroup('h')]
        await log.persist({ hardState: { term: 1, votedFor: 'n1' }, entries: run(1, 1, 1) })
        await other.persist({ entries: run(1, 1, 1) })
        const lost = tear(place, bytes)
        const writes = Promise.all([
          log.persist({ hardState: { term: 2, votedFor: 'n2' }, entries: run(1, 2, 2) }),
          log.persist({ hardState: { term: 3, votedFor: 'n3' } }),
          other.persist({ entries: run(1, 3, 3) }),
        ]).then(() => undefined)
        equal(await untilPowerLoss(lost, writes), 'lost')
        await place.crash?.()
        const again = await started(place)
        const [found, beside] = [(await again.openGroup('g')).recovered, (await again.openGroup('h')).recovered]
        await again.stop()
        const { term, votedFor } = found.hardState
        equal(votedFor, `n${term}`)
        deepEqual(plain(found.entries), plain(term === 1 ? run(1, 1, 1) : run(1, 2, 2)))
        deepEqual(plain(beside.entries), plain(beside.entries.length === 3 ? run(1, 3, 3) : run(1, 1, 1)))
        if (beside.entries.length === 3) equal(term, 3)
        return term === 3 && beside.entries.length === 3 ? 'whole' : 'cut'
      }),
  },
  {
    name: 'a torn write that a recovery has dropped does not come back, whatever is torn at its place',
    needs: ['crash', 'torn-writes'],
    run: (_, another) =>
      atEveryByte(another, async (place, bytes) => {
        await session(place, (log) => log.persist({ entries: run(1, 2, 1) }))
        await tornWrite(place, bytes, (log) => log.persist({ entries: [entry(3, 5, 'x'.repeat(90))] }))
        let term = 0
        await session(place, async ({ recovered }) => {
          term = recovered.entries[2]?.term ?? 0
        })
        await tornWrite(place, Math.floor(bytes / 2), (log) => log.persist({ entries: [entry(3, 6, 'x'.repeat(90))] }))
        await session(place, async ({ recovered }) => {
          const now = recovered.entries[2]?.term ?? 0
          ok(now === term || now === 6, `term ${now} came back after a recovery had found ${term}`)
        })
        return term === 5 ? 'whole' : 'cut'
      }),
  },
  {
    name: 'a snapshot that is torn is not there, and the one before it is',
    needs: ['crash', 'torn-writes'],
    run: async (_, another) => {
      for (const bytes of [0, 1, 10, 40, 60, 80, 100, 1_000]) {
        await using place = await another()
        await session(place, async (log) => {
          await log.persist({ entries: run(1, 5, 1) })
          await log.saveSnapshot(meta(2, 1), [Buffer.from('two')])
        })
        const storage = await started(place)
        const log = await storage.openGroup('g')
        // The log may be written first: it is the content that is to be torn.
        let arm = (): void => undefined
        const armed = new Promise<void>((resolve) => {
          arm = resolve
        })
        const lost = armed.then(() => tear(place, bytes))
        const content = (async function* () {
          arm()
          yield Buffer.alloc(70_000, 4)
        })()
        equal(await untilPowerLoss(lost, log.saveSnapshot(meta(4, 1), content)), 'lost')
        await place.crash?.()
        await session(place, async (again) => {
          const { snapshot, entries } = again.recovered
          equal(snapshot?.index, 2)
          deepEqual(plain(entries), plain(run(3, 5, 1)))
          await again.saveSnapshot(meta(5, 1), [Buffer.from('five')])
        })
        await expectEntries(place, [])
      }
    },
  },
]
