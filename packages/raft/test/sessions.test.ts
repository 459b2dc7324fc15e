import { json } from '@dsys/runtime'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter, MalformedError } from '../src/bytes.ts'
import { BatchResults, type Recorded } from '../src/recorded.ts'
import {
  MAX_SESSION_BATCH_RESULTS,
  MAX_SESSION_RESULTS,
  MAX_SESSIONS,
  type SessionLookup,
  SessionTable,
} from '../src/sessions.ts'

const codec = json<string>()

function encoded(table: SessionTable<string>): Uint8Array {
  const { sessions, batches } = table.freeze(codec)
  return Buffer.concat([...sessions, ...batches])
}

function copyOf(table: SessionTable<string>): SessionTable<string> {
  const copy = new SessionTable<string>()
  const { sessions, batches } = table.freeze(codec)
  for (const part of sessions) copy.addPart(part, codec)
  for (const part of batches) copy.addBatchPart(part, codec)
  return copy
}

/** The same rules, said as simply as possible: an array in the order of last use. */
class Model {
  sessions: { id: number; settledBelow: number; results: Map<number, Recorded<string>> }[] = []

  open(id: number): void {
    if (this.sessions.length >= MAX_SESSIONS) this.sessions.shift()
    this.sessions.push({ id, settledBelow: 1, results: new Map() })
  }

  lookup(id: number, sequence: number): SessionLookup<string> {
    const session = this.sessions.find((each) => each.id === id)
    if (session === undefined) return { type: 'unknown-session' }
    if (sequence < session.settledBelow) return { type: 'settled' }
    const result = session.results.get(sequence)
    return result === undefined ? { type: 'new' } : { type: 'applied', result }
  }

  touch(id: number, settledBelow: number): void {
    const session = this.sessions.find((each) => each.id === id)
    if (session === undefined) return
    this.sessions = [...this.sessions.filter((each) => each !== session), session]
    session.settledBelow = Math.max(session.settledBelow, settledBelow)
    for (const sequence of session.results.keys()) if (sequence < session.settledBelow) session.results.delete(sequence)
  }

  record(id: number, sequence: number, result: Recorded<string>): void {
    this.sessions.find((each) => each.id === id)?.results.set(sequence, result)
  }
}

test('dissertation §6.3: agrees with a simple model on every command, also through a snapshot', () => {
  const command = fc.record({
    session: fc.nat(4),
    sequence: fc.integer({ min: 1, max: 12 }),
    settledBelow: fc.integer({ min: 1, max: 12 }),
    snapshot: fc.boolean(),
    batch: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      let table = new SessionTable<string>()
      const model = new Model()
      for (const id of [1, 2, 3]) {
        table.open(id)
        model.open(id)
      }
      commands.forEach(({ session, sequence, settledBelow, snapshot, batch }, i) => {
        const index = 10 + i
        const known = table.lookup(session, sequence)
        expect(known).toEqual(model.lookup(session, sequence))
        table.touch(session, index, settledBelow)
        model.touch(session, settledBelow)
        if (known.type === 'new' && sequence >= settledBelow) {
          const result = batch ? new BatchResults([`first ${index}`, `second ${index}`]) : `result ${index}`
          table.record(session, sequence, result)
          model.record(session, sequence, result)
        }
        if (snapshot) {
          const copy = copyOf(table)
          expect(encoded(copy)).toEqual(encoded(table))
          table = copy
        }
      })
      expect(table.size).toBe(3)
    }),
  )
})

test('the bytes depend on the log alone: two tables that saw the same are equal, whatever one went through', () => {
  const whole = new SessionTable<string>()
  let halved = new SessionTable<string>()
  for (let id = 1; id <= 20; id++) {
    for (const table of [whole, halved]) {
      table.open(id)
      table.touch(Math.ceil(id / 2), 100 + id, 2)
      table.record(Math.ceil(id / 2), id, 'x')
    }
    if (id % 7 === 0) halved = copyOf(halved)
  }
  expect(encoded(halved)).toEqual(encoded(whole))
})

describe('when there are too many', () => {
  test('the one that was used least lately is forgotten, the same one after a snapshot', () => {
    let table = new SessionTable<string>()
    for (let id = 1; id <= MAX_SESSIONS; id++) table.open(id)
    table.touch(1, MAX_SESSIONS + 1, 1)
    table = copyOf(table)
    table.open(MAX_SESSIONS + 2)
    expect(table.size).toBe(MAX_SESSIONS)
    expect(table.lookup(2, 1)).toEqual({ type: 'unknown-session' })
    expect(table.lookup(1, 1)).toEqual({ type: 'new' })
    expect(table.lookup(3, 1)).toEqual({ type: 'new' })
  })
})

test('a proposer that settles late or out of order brings no result back, and leaves none behind', () => {
  const table = new SessionTable<string>()
  table.open(1)
  for (let sequence = 1; sequence <= 5; sequence++) table.record(1, sequence, `r${sequence}`)
  table.touch(1, 2, 4)
  table.touch(1, 3, 2)
  expect(table.lookup(1, 3)).toEqual({ type: 'settled' })
  expect(table.lookup(1, 4)).toEqual({ type: 'applied', result: 'r4' })
  table.touch(1, 4, 2 ** 50)
  expect(table.lookup(1, 5)).toEqual({ type: 'settled' })
  expect(encoded(table)).toHaveLength(3 * 8 + 4)
})

test('a session keeps its place in the order of use when results of its batches follow in a snapshot', () => {
  let table = new SessionTable<string>()
  for (let id = 1; id <= MAX_SESSIONS; id++) table.open(id)
  table.record(1, 1, new BatchResults(['x', 'y']))
  table = copyOf(table)
  expect(table.lookup(1, 1)).toEqual({ type: 'applied', result: new BatchResults(['x', 'y']) })
  table.touch(1, MAX_SESSIONS + 1, 1)
  table.open(MAX_SESSIONS + 2)
  expect(table.lookup(2, 1)).toEqual({ type: 'unknown-session' })
  expect(table.lookup(1, 1).type).toBe('applied')
})

test('bytes that are no table are refused', () => {
  const tooMany = new ByteWriter()
  for (let id = 0; id <= MAX_SESSIONS; id++) tooMany.u53(id).u53(1).u53(1).u32(0)
  expect(() => new SessionTable<string>().addPart(tooMany.finish(), codec)).toThrow(MalformedError)
  const table = new SessionTable<string>()
  table.open(1)
  table.record(1, 1, 'x')
  const whole = encoded(table)
  for (let length = 1; length < whole.length; length++)
    expect(() => new SessionTable<string>().addPart(whole.subarray(0, length), codec)).toThrow(MalformedError)
  const old = new ByteWriter().u32(MAX_SESSIONS + 1).finish()
  expect(() => SessionTable.decode(new ByteReader(old), codec)).toThrow(MalformedError)
})

test('a session with many results goes on in the next part, and comes back as one', () => {
  const table = new SessionTable<string>()
  for (const id of [1, 2]) {
    table.open(id)
    for (let sequence = 1; sequence <= 500; sequence++) table.record(id, sequence, `${sequence} ${'x'.repeat(300)}`)
  }
  const parts = [...table.freeze(codec).sessions]
  expect(parts.length).toBeGreaterThan(3)
  expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(70_000)
  expect(Buffer.compare(encoded(copyOf(table)), encoded(table))).toBe(0)
  expect(copyOf(table).lookup(2, 500)).toEqual(table.lookup(2, 500))
})

test('what is frozen does not change with later commands (P-36)', () => {
  const table = new SessionTable<string>()
  for (const id of [1, 2]) {
    table.open(id)
    table.record(id, 1, 'first')
  }
  table.record(1, 3, new BatchResults(['of', 'three']))
  const before = encoded(table)
  const { sessions, batches } = table.freeze(codec)
  table.record(1, 2, 'second')
  table.record(2, 3, new BatchResults(['later']))
  table.touch(2, 9, 2)
  table.open(3)
  expect(Buffer.concat([...sessions, ...batches])).toEqual(before)
  expect(encoded(table)).not.toEqual(before)
})

describe('results that are kept behind a command whose proposer does not know what came of it', () => {
  /** The first never comes; `last` is the highest that does. */
  function behindAGap(last: number, result: (sequence: number) => Recorded<string>): SessionTable<string> {
    const table = new SessionTable<string>()
    table.open(1)
    for (let sequence = 2; sequence <= last; sequence++) {
      table.touch(1, sequence, 1)
      table.record(1, sequence, result(sequence))
    }
    return table
  }

  test('are bounded by number: the lowest is forgotten, and nothing below it is applied any more', () => {
    const full = behindAGap(MAX_SESSION_RESULTS + 1, String)
    expect(full.lookup(1, 1)).toEqual({ type: 'new' })
    for (const table of [full, copyOf(full)]) {
      table.record(1, MAX_SESSION_RESULTS + 2, 'one more')
      for (const sequence of [1, 2]) expect(table.lookup(1, sequence)).toEqual({ type: 'settled' })
      expect(table.lookup(1, 3)).toEqual({ type: 'applied', result: '3' })
      table.record(1, MAX_SESSION_RESULTS + 9, 'behind others')
      expect(table.lookup(1, 3)).toEqual({ type: 'settled' })
      expect(table.lookup(1, 4)).toEqual({ type: 'applied', result: '4' })
      // What the proposer settles makes room.
      table.touch(1, 0, 1_000)
      table.record(1, MAX_SESSION_RESULTS + 10, 'x')
      expect(table.lookup(1, 1_000)).toEqual({ type: 'applied', result: '1000' })
    }
  })

  test('count one by one where they are of a batch, and the newest stays whatever its size', () => {
    const batch = (count: number): Recorded<string> => new BatchResults(Array.from({ length: count }, () => 'x'))
    const each = MAX_SESSION_BATCH_RESULTS / 8
    const full = behindAGap(9, () => batch(each))
    for (const table of [full, copyOf(full)]) {
      expect(table.lookup(1, 2).type).toBe('applied')
      table.record(1, 10, 'one more')
      expect(table.lookup(1, 2)).toEqual({ type: 'settled' })
      expect(table.lookup(1, 3).type).toBe('applied')
      table.touch(1, 0, 6)
      table.record(1, 11, batch(3 * each))
      expect(table.lookup(1, 6).type).toBe('applied')
      table.record(1, 12, batch(MAX_SESSION_BATCH_RESULTS + 1))
      expect(table.lookup(1, 11)).toEqual({ type: 'settled' })
      expect(table.lookup(1, 12).type).toBe('applied')
    }
  })
})
