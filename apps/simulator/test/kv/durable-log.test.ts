import type { GroupLog, LogEntry, LogStorage, RecoveredLog } from '@dsys/storage'
import { expect, test } from 'vitest'
import { DurableLog } from '../../src/scenarios/kv/durable-log.ts'

const entry = (index: number, term = 1, text = 'a'): LogEntry => ({ index, term, kind: 1, data: Buffer.from(text) })
const NEW: RecoveredLog = { hardState: { term: 0, votedFor: undefined }, snapshot: undefined, entries: [] }
const VOTE = { term: 1, votedFor: 'n1' }

/** A log whose lives find what the test says, and whose writes end where it says so. */
function setUp() {
  const lost: string[] = []
  const time = { nowMs: 0 }
  const durable = new DurableLog(
    (what) => void lost.push(what),
    () => time.nowMs,
  )
  const open = async (
    found: RecoveredLog,
    write: () => Promise<void> = async () => undefined,
    unprovenMs = 0,
  ): Promise<GroupLog> => {
    const group = {
      recovered: found,
      persist: write,
      saveSnapshot: write,
      snapshot: () => undefined,
      compact: write,
      resetToSnapshot: write,
      [Symbol.asyncDispose]: async () => undefined,
    }
    const inner = { openGroup: async () => group } as unknown as LogStorage
    return await durable.watch(inner, unprovenMs).openGroup('main')
  }
  return { lost, open, durable, time }
}

test('a life that finds what the last one was told, or more, has lost nothing', async () => {
  const { lost, open } = setUp()
  const log = await open(NEW)
  await log.persist({ hardState: VOTE, entries: [entry(1), entry(2), entry(3)] })
  await log.persist({ entries: [entry(3, 2)] })
  await open({ ...NEW, hardState: VOTE, entries: [entry(1), entry(2), entry(3, 2), entry(4, 2)] })
  expect(lost).toEqual([])
})

test.each([
  ['an entry is missing', [entry(1)], VOTE, 'entry 2 of term 1: it has none'],
  ['an entry is another one', [entry(1), entry(2, 1, 'b')], VOTE, 'entry 2 of term 1: it has one of 1'],
  ['a vote is another one', [entry(1), entry(2)], { term: 1, votedFor: 'n2' }, 'the vote'],
] as const)('where %s, something is lost', async (_, entries, hardState, what) => {
  const { lost, open } = setUp()
  await (await open(NEW)).persist({ hardState: VOTE, entries: [entry(1), entry(2)] })
  await open({ ...NEW, hardState, entries })
  expect(lost).toEqual([expect.stringContaining(what)])
})

test('what nobody was told of may be there or not, and may have replaced what was', async () => {
  for (const entries of [[entry(1), entry(2)], [entry(1), entry(2, 2)], [entry(1)]]) {
    const { lost, open } = setUp()
    const told = await open(NEW)
    await told.persist({ hardState: VOTE, entries: [entry(1), entry(2)] })
    const untold = await open(
      { ...NEW, hardState: VOTE, entries: [entry(1), entry(2)] },
      () => new Promise(() => undefined),
    )
    void untold.persist({ hardState: { term: 2, votedFor: 'n3' }, entries: [entry(2, 2)] })
    await open({ ...NEW, hardState: { term: 2, votedFor: 'n3' }, entries })
    expect(lost).toEqual([])
    // But that only once: what this life has found stays.
    await open({ ...NEW, hardState: VOTE, entries: [] })
    expect(lost.length).toBe(1 + entries.length)
  }
})

test('a snapshot that was saved is there, and stands for the entries up to it', async () => {
  const { lost, open } = setUp()
  const log = await open(NEW)
  await log.persist({ hardState: VOTE, entries: [entry(1), entry(2), entry(3)] })
  const meta = { index: 2, term: 1, context: new Uint8Array(0) }
  await log.saveSnapshot(meta, [])
  await log.compact(2)
  const found = { hardState: VOTE, snapshot: meta, entries: [entry(3)] }
  await open(found)
  expect(lost).toEqual([])
  await open({ ...found, snapshot: { ...meta, index: 1 } })
  expect(lost).toEqual(['the snapshot at 2: it has that at 1'])
  await open({ ...found, entries: [] })
  expect(lost.slice(1)).toEqual(['entry 3 of term 1: it has none'])
})

test('of a damaged disk the last batch may be gone when the life has ended soon after it, and nothing before it', async () => {
  const before = { hardState: VOTE, entries: [entry(1)] }
  const last = [{ hardState: { term: 2, votedFor: undefined } }, { entries: [entry(2, 2)] }]
  const endAfter = async (ms: number, found: RecoveredLog): Promise<string[]> => {
    const { lost, open, durable, time } = setUp()
    const log = await open(NEW)
    await log.persist(before)
    time.nowMs = 10
    for (const write of last) await log.persist(write)
    time.nowMs += ms
    durable.ended()
    await open(found, undefined, 100)
    return lost
  }
  const cut = { ...NEW, hardState: VOTE, entries: [entry(1)] }
  expect(await endAfter(99, cut)).toEqual([])
  expect(await endAfter(100, cut)).toHaveLength(2)
  expect(await endAfter(1, { ...cut, entries: [] })).toEqual(['entry 1 of term 1: it has none'])
})
