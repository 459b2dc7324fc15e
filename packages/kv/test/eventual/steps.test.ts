import {
  contextOf,
  type DottedObject,
  EMPTY_KNOWLEDGE,
  expiredContext,
  joinSeen,
  type Knowledge,
  MAX_CONTEXT_DOTS,
  type Made,
  make,
  mergeTold,
  mustCompareAgain,
  type Received,
  type ReplicaState,
  receive,
  Seen,
  strip,
  tell,
  type VersionPolicy,
} from '@dsys/kv/eventual'
import { describe, expect, test } from 'vitest'

const replica = (actor: string, policy: VersionPolicy = 'siblings'): ReplicaState => ({
  actor,
  seen: new Seen(),
  policy,
})
const value = new Uint8Array([1])

function put(state: ReplicaState, stored: DottedObject | undefined, context: Knowledge, wallMs = 1): Made {
  const write = { context, value, expiresAtMs: undefined, time: { wallMs, logical: 0 }, after: undefined }
  const made = make(state, stored, write)
  if (made.kind !== 'made') throw new Error(made.kind)
  return made
}

function remove(state: ReplicaState, stored: DottedObject | undefined, context: Knowledge): Made {
  const made = make(state, stored, {
    context,
    value: undefined,
    expiresAtMs: undefined,
    time: undefined,
    after: undefined,
  })
  if (made.kind !== 'made') throw new Error(made.kind)
  return made
}

function taken(state: ReplicaState, stored: DottedObject | undefined, told: Made['told']): Received {
  const received = receive(state, stored, told)
  if (received.kind !== 'received') throw new Error(received.kind)
  return received
}

const dotsOf = (object: DottedObject | undefined) =>
  (object?.versions ?? []).map(({ actor, counter }) => `${actor}:${counter}`)

describe('what was seen', () => {
  test('is a base and spans, which grow together', () => {
    const seen = new Seen()
    for (const counter of [2, 5, 4, 9, 7]) expect(seen.add({ actor: 'a', counter })).toBe(true)
    expect(seen.add({ actor: 'a', counter: 4 })).toBe(false)
    expect(seen.row('a')).toEqual({ actor: 'a', base: 0, spans: [2, 2, 4, 5, 7, 7, 9, 9] })
    expect([1, 2, 3, 6, 8, 10].map((counter) => seen.has({ actor: 'a', counter }))).toEqual([
      false,
      true,
      false,
      false,
      false,
      false,
    ])
    seen.add({ actor: 'a', counter: 1 })
    seen.add({ actor: 'a', counter: 8 })
    expect(seen.row('a')).toEqual({ actor: 'a', base: 2, spans: [4, 5, 7, 9] })
    expect(seen.join([{ actor: 'a', base: 3, spans: [6, 6, 20, 21] }])).toEqual(['a'])
    expect(seen.row('a')).toEqual({ actor: 'a', base: 9, spans: [20, 21] })
    expect(seen.join(seen.snapshot())).toEqual([])
    expect(seen.snapshot(0)).toEqual([{ actor: 'a', base: 9, spans: [] }])
    expect(seen.last('a')).toBe(21)
  })

  test('fills a clock with bases, and not with spans, and strips it again', () => {
    const seen = Seen.of([
      { actor: 'a', base: 3, spans: [5, 9] },
      { actor: 'c', base: 2, spans: [] },
    ])
    const clock = [
      { actor: 'b', counter: 1 },
      { actor: 'c', counter: 1 },
    ]
    const filled = seen.fill(clock)
    expect(filled).toEqual([
      { actor: 'a', counter: 3 },
      { actor: 'b', counter: 1 },
      { actor: 'c', counter: 2 },
    ])
    expect(seen.strip(filled)).toEqual([{ actor: 'b', counter: 1 }])
    expect(seen.strip([{ actor: 'a', counter: 4 }])).toEqual([{ actor: 'a', counter: 4 }])
  })

  test('joined from another one says nothing of own dots that were never made', () => {
    const state = replica('a')
    put(state, undefined, EMPTY_KNOWLEDGE)
    expect(joinSeen(state, [{ actor: 'a', base: 2, spans: [] }])).toEqual({ kind: 'forgotten', counter: 2 })
    expect(state.seen.base('a')).toBe(1)
    expect(joinSeen(state, [{ actor: 'b', base: 2, spans: [] }])).toEqual({ kind: 'joined', rows: ['b'] })
  })
})

describe('a write', () => {
  test('KV-3: two writers that never read again, each with its last context, are two siblings after a hundred writes each', () => {
    const state = replica('a')
    let object: DottedObject | undefined
    const contexts: [Knowledge, Knowledge] = [EMPTY_KNOWLEDGE, EMPTY_KNOWLEDGE]
    for (let i = 0; i < 200; i++) {
      const made = put(state, object, contexts[i % 2] as Knowledge)
      object = made.batch.object
      contexts[i % 2] = made.context
      expect(object?.versions.length).toBe(Math.min(i + 1, 2))
      expect(made.context.dots.length).toBeLessThanOrEqual(MAX_CONTEXT_DOTS)
    }
  })

  test('KV-4: ten thousand writers leave clocks with one entry for each replica', () => {
    const states = [replica('a'), replica('b'), replica('c')]
    const objects: (DottedObject | undefined)[] = [undefined, undefined, undefined]
    for (let client = 0; client < 10_000; client++) {
      const i = client % 3
      const state = states[i] as ReplicaState
      const made = put(state, objects[i], contextOf(tell(state.seen, objects[i])))
      objects[i] = made.batch.object
      for (let j = 0; j < 3; j++) {
        if (j === i || client % 7 === j) continue
        objects[j] = taken(states[j] as ReplicaState, objects[j], made.told).batch?.object
      }
      expect(made.told.clock.length + made.context.clock.length).toBeLessThanOrEqual(6)
      for (const object of objects)
        expect((object?.clock.length ?? 0) + (object?.dots.length ?? 0)).toBeLessThanOrEqual(3)
    }
  })

  test('what it replaces is the context of its reader, with all that the reader could know', () => {
    const [a, b] = [replica('a'), replica('b')]
    const old = put(a, undefined, EMPTY_KNOWLEDGE)
    const atB = taken(b, undefined, old.told).batch?.object
    const newer = put(a, old.batch.object, contextOf(old.told))
    // The reader asks a, the writer is made by b, which has the old version still and does not know the newer one.
    const next = put(b, atB, contextOf(tell(a.seen, newer.batch.object)))
    expect(dotsOf(next.batch.object)).toEqual(['b:1'])
  })

  test('with a context of dots that its maker has not made is refused, and does nothing', () => {
    const state = replica('a')
    const write = { value, expiresAtMs: undefined, time: undefined, after: undefined }
    const ahead = { clock: [{ actor: 'a', counter: 7 }], dots: [] }
    expect(make(state, undefined, { ...write, context: ahead })).toEqual({ kind: 'forgotten', counter: 7 })
    expect(state.seen.last('a')).toBe(0)
  })

  test('that somebody else says this actor has made, and that it has not, is not taken', () => {
    const [old, copy] = [replica('a'), replica('a')]
    const made = put(old, undefined, EMPTY_KNOWLEDGE)
    expect(receive(copy, undefined, made.told)).toEqual({ kind: 'forgotten', counter: 1 })
    expect(copy.seen.last('a')).toBe(0)
  })

  test('under lww the greatest time wins, whatever comes first', () => {
    const [a, b] = [replica('a', 'lww'), replica('b', 'lww')]
    const [later, earlier] = [put(a, undefined, EMPTY_KNOWLEDGE, 9), put(b, undefined, EMPTY_KNOWLEDGE, 4)]
    expect(dotsOf(taken(b, earlier.batch.object, later.told).batch?.object)).toEqual(['a:1'])
    expect(taken(a, later.batch.object, earlier.told)).toMatchObject({ added: [], discarded: 1 })
  })

  test('under lww it comes after all that its writer has read, and what it discards is counted', () => {
    const state = replica('a', 'lww')
    const first = put(state, undefined, EMPTY_KNOWLEDGE, 5)
    const write = { context: EMPTY_KNOWLEDGE, value, expiresAtMs: undefined }
    const time = { wallMs: 6, logical: 0 }
    const late = { wallMs: 8, logical: 0 }
    expect(make(state, first.batch.object, { ...write, time, after: late })).toEqual({
      kind: 'clock-behind',
      time: late,
    })
    expect(
      make(state, first.batch.object, { ...write, time: { wallMs: 5, logical: 0 }, after: undefined }),
    ).toMatchObject({ kind: 'clock-behind' })
    expect(put(state, first.batch.object, EMPTY_KNOWLEDGE, 6)).toMatchObject({ discarded: 1, replaced: [] })
  })
})

describe('a delete', () => {
  test('KV-8: leaves nothing behind, and a late copy of what it replaced does not come back', () => {
    const [a, b] = [replica('a'), replica('b')]
    const written = put(a, undefined, EMPTY_KNOWLEDGE)
    const atB = taken(b, undefined, written.told).batch?.object
    const deleted = remove(a, written.batch.object, contextOf(written.told))
    expect(deleted.batch).toEqual({ object: undefined, rows: ['a'] })
    expect(taken(b, atB, deleted.told).batch).toEqual({ object: undefined, rows: ['a'] })
    const late = taken(b, undefined, written.told)
    expect(late).toMatchObject({ batch: undefined, added: [], outdated: [{ actor: 'a', counter: 1 }] })
    const again = put(a, undefined, EMPTY_KNOWLEDGE)
    expect(dotsOf(taken(b, undefined, again.told).batch?.object)).toEqual(['a:3'])
  })

  test('KV-8: what was seen in a span above the base does not come back either', () => {
    const [a, b] = [replica('a'), replica('b')]
    put(a, undefined, EMPTY_KNOWLEDGE)
    const lost = put(a, undefined, EMPTY_KNOWLEDGE)
    const deleted = remove(a, lost.batch.object, contextOf(lost.told))
    const atB = taken(b, undefined, deleted.told).batch?.object
    expect(b.seen.row('a')).toEqual({ actor: 'a', base: 0, spans: [2, 3] })
    expect(atB).toMatchObject({ versions: [], deletes: [{ counter: 3 }] })
    expect(taken(b, undefined, lost.told).added).toEqual([])
    joinSeen(b, a.seen.snapshot())
    expect(strip(b.seen, atB as DottedObject)).toBeUndefined()
  })

  test('KV-8: a first copy that comes in the middle of a sync has its key compared again, if the other one had seen it', () => {
    const [a, b] = [replica('a'), replica('b')]
    const written = put(a, undefined, EMPTY_KNOWLEDGE)
    remove(a, written.batch.object, contextOf(written.told))
    const before = Seen.of(a.seen.snapshot())
    const late = taken(b, undefined, written.told)
    expect(mustCompareAgain(late.added, before)).toBe(true)
    const after = put(a, undefined, EMPTY_KNOWLEDGE)
    expect(mustCompareAgain(taken(b, late.batch?.object, after.told).added, before)).toBe(false)
  })

  test('of what has expired names just that', () => {
    const state = replica('a')
    const write = { context: EMPTY_KNOWLEDGE, value, time: undefined, after: undefined }
    const short = make(state, undefined, { ...write, expiresAtMs: 10 }) as Made
    const both = make(state, short.batch.object, { ...write, expiresAtMs: 20 }) as Made
    expect(expiredContext(both.batch.object as DottedObject, 9)).toBeUndefined()
    const expired = expiredContext(both.batch.object as DottedObject, 10) as Knowledge
    expect(dotsOf(remove(state, both.batch.object, expired).batch.object)).toEqual(['a:2'])
  })
})

describe('objects that are read from several replicas', () => {
  test('are one: without what one of them knows to be replaced', () => {
    const [a, b] = [replica('a'), replica('b')]
    const old = put(a, undefined, EMPTY_KNOWLEDGE)
    const atB = taken(b, undefined, old.told).batch?.object
    const next = put(a, old.batch.object, contextOf(old.told))
    const beside = put(b, atB, EMPTY_KNOWLEDGE)
    const read = mergeTold(tell(a.seen, next.batch.object), tell(b.seen, beside.batch.object))
    expect(dotsOf(read)).toEqual(['a:2', 'b:1'])
    expect(dotsOf(taken(b, beside.batch.object, read).batch?.object)).toEqual(['a:2', 'b:1'])
    expect(contextOf(read).clock).toEqual([
      { actor: 'a', counter: 2 },
      { actor: 'b', counter: 1 },
    ])
  })
})
