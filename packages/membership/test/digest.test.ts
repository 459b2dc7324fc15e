import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage } from '../src/core/codec.ts'
import { BUCKETS, bucketOf, Digest } from '../src/core/digest.ts'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import type { MemberRecord, MemberState } from '../src/core/record.ts'
import { resolveOptions } from '../src/options.ts'

const stranger = { id: 'far', generation: 1 }

class Side {
  readonly self: { readonly id: string; readonly generation: number }
  readonly core: MembershipCore

  constructor(id: string, seed: number, maxFrameBytes = 4_096) {
    this.self = { id, generation: 1 }
    // Nothing is due for a long time, so all that is sent belongs to the exchange.
    const times = { syncIntervalMs: 3_600_000, probeIntervalMs: 3_600_000, gossipIntervalMs: 3_600_000 }
    const options = resolveOptions({ cluster: 'shop', ...times })
    this.core = new MembershipCore({
      ...options,
      self: this.self,
      nonce: seed,
      seed,
      canBroadcast: false,
      maxFrameBytes,
    })
    this.core.connection(true, 0)
    this.core.join(0)
  }

  learn(records: readonly MemberRecord[]): void {
    for (const one of records) this.core.receive({ kind: 'gossip', rumors: [{ record: one, ageMs: 0 }] }, stranger, 1)
  }

  view(): string[] {
    return this.core.members().map(({ id, generation, incarnation, state, metadata }) => {
      return `${id} ${generation}@${incarnation} ${state} ${JSON.stringify(metadata)}`
    })
  }
}

const of = (id: string, incarnation = 0, state: MemberState = 'alive', text = ''): MemberRecord => {
  return { id, generation: 1, incarnation, state, metadata: text === '' ? [] : [['text', text]], nonce: 9 }
}
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `node-${i}`)

interface Exchange {
  readonly kinds: string[]
  readonly bytes: number
  readonly largest: number
}

/** Lets `a` begin by a hello of `b`, and carries every frame until nothing is sent any more. */
function exchange(a: Side, b: Side, alter: (message: Message) => Message = (message) => message): Exchange {
  const kinds: string[] = []
  let bytes = 0
  let largest = 0
  const waiting: { from: Side; to: Side; frame: Uint8Array }[] = []
  const send = (from: Side, to: Side, effects: readonly Effect[]): void => {
    for (const effect of effects) {
      if (effect.type !== 'send' || effect.to.id !== to.self.id) continue
      waiting.push({ from, to, frame: encodeMessage(alter(effect.message), 'shop', effect.header) })
    }
  }
  send(a, b, a.core.receive({ kind: 'hello', answers: 0, joined: true, rumors: [] }, b.self, 2))
  for (let one = waiting.shift(); one !== undefined && kinds.length < 1_000; one = waiting.shift()) {
    const decoded = decodeMessage(one.frame, 'shop')
    if (!decoded.ok) throw new Error(decoded.why)
    kinds.push(decoded.message.kind)
    bytes += one.frame.length
    largest = Math.max(largest, one.frame.length)
    send(one.to, one.from, one.to.core.receive(decoded.message, one.from.self, 3, decoded.header))
  }
  return { kinds, bytes, largest }
}

function pair(frameBytes?: number): [Side, Side] {
  const [a, b] = [new Side('a', 1, frameBytes), new Side('b', 2, frameBytes)]
  exchange(a, b)
  return [a, b]
}

describe('the digest of a view', () => {
  const record = fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    generation: fc.integer({ min: 1, max: 2 }),
    incarnation: fc.nat({ max: 2 }),
    state: fc.constantFrom<MemberState>('alive', 'suspect', 'dead', 'left'),
    metadata: fc.constantFrom([], [['k', 'v'] as const]),
  })

  test('depends on what is known and not on how it came about', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 12 }), (records) => {
        const [one, other] = [new Digest(), new Digest()]
        for (const each of records) one.set(each)
        const last = new Map(records.map((each) => [each.id, each]))
        for (const each of [...last.values()].reverse()) other.set(each)
        expect(one.summary()).toEqual(other.summary())
        for (const id of last.keys()) one.remove(id)
        expect(one.summary()).toEqual(new Array(BUCKETS).fill(0))
      }),
    )
  })

  test('two records of one bucket that change alike do not hide each other', () => {
    const [first, second] = names(1_000).filter((id) => id.length === 7 && bucketOf(id) === bucketOf('node-10'))
    const digest = new Digest()
    for (const id of [first, second]) digest.set(of(id as string, 1))
    const before = digest.summary()
    for (const id of [first, second]) digest.set(of(id as string, 2))
    expect(digest.summary()).not.toEqual(before)
  })

  test('ids spread over the buckets', () => {
    const counts = new Array<number>(BUCKETS).fill(0)
    for (const id of names(6_400)) counts[bucketOf(id)] = (counts[bucketOf(id)] ?? 0) + 1
    expect(Math.min(...counts)).toBeGreaterThan(50)
    expect(Math.max(...counts)).toBeLessThan(200)
    expect(bucketOf('node-1')).toBe(bucketOf('node-1'))
  })
})

describe('push/pull by digests', () => {
  test('M-31: where nothing differs one small frame is sent, whatever the size of the cluster and the metadata', () => {
    const [a, b] = pair()
    const records = names(1_000).map((id) => of(id, 0, 'alive', 'x'.repeat(900)))
    a.learn(records)
    b.learn(records)
    const { kinds, bytes } = exchange(a, b)
    expect(kinds).toEqual(['digest'])
    expect(bytes).toBeLessThan(320)
  })

  test('M-31: what differs is sent, both ways, and not much more; every frame fits', () => {
    const [a, b] = pair()
    const records = names(1_000).map((id) => of(id, 1, 'alive', 'x'.repeat(900)))
    a.learn(records)
    b.learn(records.slice(3))
    a.learn([of('node-10', 2, 'alive', 'newer at a'), of('only-a')])
    b.learn([of('node-20', 3, 'left', 'newer at b'), of('only-b'), of('node-10', 1, 'suspect')])
    const { kinds, bytes, largest } = exchange(a, b)
    expect(a.view()).toEqual(b.view())
    expect(a.core.member('node-10')).toMatchObject({ state: 'alive', metadata: { text: 'newer at a' } })
    expect(b.core.member('node-20')).toMatchObject({ state: 'left' })
    expect(new Set(kinds)).toEqual(new Set(['digest', 'digest-answer', 'sync-delta']))
    // Three records of 900 bytes, three small ones, and the entries of seven of 64 buckets.
    expect(bytes).toBeLessThan(12_000)
    expect(largest).toBeLessThanOrEqual(4_096)
    expect(exchange(a, b).kinds).toEqual(['digest'])
  })

  test('M-31: views of any kind become one, in frames that fit, also with the longest ids', () => {
    const state = fc.constantFrom<MemberState>('alive', 'suspect', 'left')
    const long = (i: number): string => `${i}`.padStart(3, '0') + '\uffff'.repeat(125)
    const view = fc.array(fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 2 }), state, fc.boolean()), { maxLength: 25 })
    fc.assert(
      fc.property(view, view, (known, other) => {
        const [a, b] = [new Side('a', 1), new Side('b', 2)]
        const recordsOf = (all: typeof known): MemberRecord[] =>
          all.map(([i, incarnation, is, isLong]) => of(isLong ? long(i) : `n${i}`, incarnation, is, 'x'.repeat(i * 10)))
        a.learn(recordsOf(known))
        b.learn(recordsOf(other))
        const { largest } = exchange(a, b)
        expect(a.view()).toEqual(b.view())
        expect(largest).toBeLessThanOrEqual(4_096)
      }),
      { numRuns: 60 },
    )
  })

  test('M-31: one bucket that does not fit a frame is told in ranges, of which each is whole', () => {
    const crowd = Array.from({ length: 4_000 }, (_, i) => `${i}${'y'.repeat(120)}`).filter((id) => bucketOf(id) === 7)
    expect(crowd.length).toBeGreaterThan(40)
    const [a, b] = pair()
    a.learn(crowd.map((id) => of(id)))
    b.learn(crowd.filter((_, i) => i % 3 !== 0).map((id) => of(id)))
    const { kinds, largest } = exchange(a, b)
    expect(kinds.filter((kind) => kind === 'digest-answer').length).toBeGreaterThan(1)
    expect(largest).toBeLessThanOrEqual(4_096)
    expect(a.view()).toEqual(b.view())
  })

  test('M-02: a death that comes this way is doubted, as in any full exchange', () => {
    const [a, b] = pair()
    a.learn([of('x')])
    b.learn([of('x', 0, 'dead')])
    exchange(a, b)
    expect(a.core.member('x')?.state).toBe('suspect')
    expect(b.core.member('x')?.state).toBe('dead')
  })

  test('M-28: two nodes that never agree end every exchange after four steps', () => {
    const [a, b] = pair()
    a.learn(names(200).map((id) => of(id)))
    b.learn(names(200).map((id) => of(id)))
    // As a version would that makes its sums, or its hashes, in another way.
    const otherwise = (message: Message): Message => {
      if (message.kind === 'digest') return { ...message, sums: message.sums.map((sum) => (sum + 1) % 2 ** 32) }
      if (message.kind !== 'digest-answer') return message
      const ranges = message.ranges.map((range) => {
        return { ...range, entries: range.entries.map((entry) => ({ ...entry, hash: (entry.hash + 1) % 2 ** 32 })) }
      })
      return { ...message, ranges }
    }
    const { kinds, bytes } = exchange(a, b, otherwise)
    expect(kinds.length).toBeLessThan(30)
    expect(bytes).toBeLessThan(40_000)
    // Nothing is news, so it goes no further.
    expect(a.view()).toEqual(b.view())
  })

  test('who joins is told all, in parts that fit; who has joined is asked what it knows', () => {
    const [a] = pair()
    a.learn(names(300).map((id) => of(id, 0, 'alive', 'x'.repeat(100))))
    const answers = (joined: boolean): string[] =>
      a.core
        .receive({ kind: 'hello', answers: 0, joined, rumors: [] }, { id: 'b', generation: 1 }, 9)
        .flatMap((effect) => (effect.type === 'send' ? [effect.message.kind] : []))
    expect(new Set(answers(false))).toEqual(new Set(['sync-reply']))
    expect(answers(true)).toEqual(['digest'])
  })
})
