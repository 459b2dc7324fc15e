import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter, MalformedError } from '../src/bytes.ts'
import type { VoteRefusal } from '../src/core/messages.ts'
import {
  decodeFrame,
  encodeFrame,
  FRAME_OVERHEAD_BYTES,
  ITEM_OVERHEAD_BYTES,
  incarnationIn,
  MESSAGE_OVERHEAD_BYTES,
  type WireMessage,
  wireBytes,
} from '../src/wire.ts'
import { GOLDEN } from './wire-golden.ts'

const whole = fc.oneof(fc.nat(300), fc.maxSafeNat())
const data = fc.uint8Array({ maxLength: 40 })
const kind = fc.nat(255)
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })

/** Ids of any characters, as a length in bytes is not one in characters. */
const ids = fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { maxLength: 5 })
const membership = fc.oneof(
  fc.record({ voters: ids, learners: ids }),
  fc.record({ voters: ids, learners: ids, witnesses: ids.filter(({ length }) => length > 0) }),
)

const appendRequest = fc
  .record({
    term: whole,
    prevIndex: fc.nat(2 ** 40),
    prevTerm: whole,
    commitIndex: whole,
    round: whole,
    entries: fc.array(fc.record({ term: whole, kind, data }), { maxLength: 5 }),
  })
  .map(
    ({ entries, ...rest }): WireMessage => ({
      type: 'append-request',
      ...rest,
      entries: entries.map((entry, i) => ({ index: rest.prevIndex + 1 + i, ...entry })),
    }),
  )

const record = <T extends WireMessage['type']>(
  type: T,
  fields: { [K in Exclude<keyof Extract<WireMessage, { type: T }>, 'type'>]: fc.Arbitrary<unknown> },
): fc.Arbitrary<WireMessage> =>
  fc.record({ type: fc.constant(type), ...fields }) as fc.Arbitrary<unknown> as fc.Arbitrary<WireMessage>

const voteRefusal: fc.Arbitrary<VoteRefusal | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.constantFrom({ reason: 'later-term' } as const, { reason: 'abstains' } as const),
  fc.record({
    reason: fc.constant('hears-leader' as const),
    leader: fc.constantFrom(undefined, 'n1', 'ü'.repeat(128)),
  }),
  fc.record({ reason: fc.constant('log-behind' as const), lastIndex: whole, lastTerm: whole }),
  fc.record({ reason: fc.constant('voted' as const), votedFor: fc.constantFrom('n1', 'a node') }),
)

const message = fc.oneof(
  appendRequest,
  record('vote-request', {
    term: whole,
    preVote: fc.boolean(),
    transfer: fc.boolean(),
    lastIndex: whole,
    lastTerm: whole,
  }),
  fc
    .record({ term: whole, preVote: fc.boolean() })
    .map((fields): WireMessage => ({ type: 'vote-response', ...fields, granted: true })),
  fc.record({ term: whole, preVote: fc.boolean(), why: voteRefusal }).map(
    ({ why, ...fields }): WireMessage => ({
      type: 'vote-response',
      ...fields,
      granted: false,
      ...(why === undefined ? {} : { why }),
    }),
  ),
  record('append-accepted', { term: whole, matchIndex: whole, round: whole }),
  fc
    .record(
      {
        type: fc.constant('append-rejected' as const),
        term: whole,
        rejectedIndex: whole,
        hintIndex: whole,
        hintTerm: whole,
        round: whole,
        lostEntries: fc.constant(true as const),
      },
      { requiredKeys: ['type', 'term', 'rejectedIndex', 'hintIndex', 'hintTerm', 'round'] },
    )
    .map((rejected): WireMessage => rejected),
  record('heartbeat-request', { term: whole, commitIndex: whole, round: whole }),
  record('heartbeat-response', { term: whole, round: whole }),
  record('sleep-request', { term: whole, commitIndex: whole, round: whole }),
  record('sleep-response', { term: whole, round: whole, asleep: fc.boolean() }),
  record('identity-lost', { heard: whole, known: whole }),
  record('log-end-request', { term: whole, ticket: whole }),
  record('log-end-response', { term: whole, ticket: whole, lastIndex: whole }),
  record('commit-notice', { term: whole, commitIndex: whole }),
  record('snapshot-chunk', {
    term: whole,
    snapshotIndex: whole,
    snapshotTerm: whole,
    context: data,
    offset: whole,
    totalBytes: whole,
    data,
    checksums: fc.option(fc.record({ chunk: u32, whole: u32 }), { nil: undefined }),
  }),
  fc.oneof(
    fc.record({
      type: fc.constant('snapshot-progress' as const),
      term: whole,
      snapshotIndex: whole,
      nextOffset: whole,
      resendFrom: fc.option(whole, { nil: undefined }),
    }),
    fc.record({
      type: fc.constant('snapshot-progress' as const),
      term: whole,
      snapshotIndex: whole,
      nextOffset: whole,
      resendFrom: fc.option(whole, { nil: undefined }),
      unreadable: fc.constant(true as const),
    }),
  ),
  record('timeout-now', { term: whole }),
  record('forward-request', { items: fc.array(fc.record({ sequence: whole, kind, data }), { maxLength: 5 }) }),
  record('forward-refused', { sequences: fc.array(whole, { maxLength: 5 }) }),
  record('read-index-request', { ticket: whole }),
  record('read-index-response', { ticket: whole, index: whole }),
  record('read-index-refused', { ticket: whole }),
  record('read-lease-request', { ticket: whole }),
  record('reconfigure-request', {
    ticket: whole,
    basis: whole,
    target: membership,
    expected: fc.option(membership, { nil: undefined }),
  }),
  record('reconfigure-accepted', { ticket: whole, index: whole }),
  record('reconfigure-refused', {
    ticket: whole,
    why: fc.constantFrom(
      'not-leader',
      'transferring',
      'not-ready',
      'in-progress',
      'unexpected',
      'outdated',
      'witness-role',
    ),
  }),
)

/** Views and buffers of any kind, as plain arrays that can be compared. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, part) =>
      part instanceof Uint8Array
        ? Buffer.from(part).toString('hex')
        : part?.type === 'Buffer'
          ? Buffer.from(part.data).toString('hex')
          : part,
    ),
  )

const isMalformed = (bytes: Uint8Array): boolean => {
  try {
    decodeFrame(bytes)
    return false
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return true
  }
}

/** A frame of one message, whatever it holds. */
const frameOf = (tag: number, body: Uint8Array, header: Uint8Array = new Uint8Array(0)): Uint8Array =>
  new ByteWriter().u8(2).u8(header.length).raw(header).u8(tag).bytes(body).finish()

describe('the bytes of every message are what they were', () => {
  for (const [hex, golden] of GOLDEN) {
    test(golden.type, () => {
      expect(Buffer.from(encodeFrame([golden])).toString('hex')).toBe(hex)
      expect(plain(decodeFrame(Buffer.from(hex, 'hex')))).toEqual(plain([golden]))
    })
  }

  test('no message is missing', () => {
    const tags = GOLDEN.map(([hex]) => Number.parseInt(hex.slice(4, 6), 16))
    expect([...new Set(tags)]).toEqual(Array.from({ length: 25 }, (_, i) => i + 1))
    expect(new Set(GOLDEN.map(([, { type }]) => type)).size).toBe(25)
  })
})

test('P-30: the incarnation of the sender stands in the header, where earlier versions skip it', () => {
  const frame = encodeFrame([{ type: 'timeout-now', term: 4 }], 0xa1b2c3d4e5f6)
  expect(Buffer.from(frame).toString('hex')).toBe('02080000a1b2c3d4e5f60b000000080000000000000004')
  expect(plain(decodeFrame(frame))).toEqual([{ type: 'timeout-now', term: 4 }])
  expect(incarnationIn(frame)).toBe(0xa1b2c3d4e5f6)
  expect(incarnationIn(encodeFrame([{ type: 'timeout-now', term: 4 }]))).toBeUndefined()
  // A later version may have more to say in the header.
  expect(incarnationIn(Uint8Array.of(2, 9, ...frame.subarray(2, 10), 1))).toBe(0xa1b2c3d4e5f6)
  expect(() => incarnationIn(frame.subarray(0, 9))).toThrow(MalformedError)
})

test('what is encoded is decoded as it was, several messages in a frame', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), (messages) => {
      expect(plain(decodeFrame(encodeFrame(messages)))).toEqual(plain(messages))
    }),
  )
})

test('the size that is used to fill frames is never too small', () => {
  fc.assert(
    fc.property(message, (one) => {
      const { length } = encodeFrame([one])
      expect(length - FRAME_OVERHEAD_BYTES).toBeLessThanOrEqual(wireBytes(one))
      if ('entries' in one || 'items' in one) return
      const content = one.type === 'snapshot-chunk' ? one.context.length + one.data.length : 0
      // Members are checked against the frame before they are sent.
      if (one.type === 'reconfigure-request') return
      expect(length - content).toBeLessThanOrEqual(MESSAGE_OVERHEAD_BYTES)
    }),
  )
  const entry = encodeFrame([{ type: 'forward-request', items: [{ sequence: 1, kind: 1, data: new Uint8Array(10) }] }])
  const empty = encodeFrame([{ type: 'forward-request', items: [] }])
  expect(entry.length - empty.length - 10).toBeLessThanOrEqual(ITEM_OVERHEAD_BYTES)
})

describe('bytes that are no frame', () => {
  test('of any kind throw a MalformedError and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void isMalformed(bytes)),
      { numRuns: 2_000 },
    )
    const beginning = fc.tuple(fc.nat(22), fc.uint8Array({ maxLength: 100 }))
    fc.assert(
      fc.property(beginning, ([tag, rest]) => void isMalformed(frameOf(tag, rest))),
      { numRuns: 2_000 },
    )
  })

  test('frames with flipped bytes throw that too, or are other messages', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, flip) => {
        const bytes = encodeFrame([one])
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip
        isMalformed(bytes)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a frame that was cut is refused wherever it was cut', () => {
    for (const [hex] of GOLDEN) {
      const bytes = Buffer.from(hex, 'hex')
      for (let length = 0; length < bytes.length; length++) {
        // Behind the header alone a frame of no messages ends, which says nothing.
        if (length !== 2) expect(isMalformed(bytes.subarray(0, length))).toBe(true)
      }
    }
  })

  test('of another version, or with a number that is too large, are refused', () => {
    const term = (...bytes: number[]) => frameOf(11, Uint8Array.of(...bytes))
    expect(isMalformed(term(0, 0x20, 0, 0, 0, 0, 0, 0))).toBe(true)
    const largest = term(0, 0x1f, 255, 255, 255, 255, 255, 255)
    expect(decodeFrame(largest)).toEqual([{ type: 'timeout-now', term: Number.MAX_SAFE_INTEGER }])
    for (const version of [0, 1, 3, 255]) {
      largest[0] = version
      expect(isMalformed(largest)).toBe(true)
    }
  })

  test('a count that nothing is behind reserves no memory', () => {
    const claims: WireMessage[] = [
      { type: 'forward-request', items: [] },
      { type: 'forward-refused', sequences: [] },
      { type: 'append-request', term: 1, prevIndex: 1, prevTerm: 1, commitIndex: 1, round: 1, entries: [] },
    ]
    const before = process.memoryUsage()
    for (const claim of claims) {
      const bytes = encodeFrame([claim])
      bytes.fill(0xff, bytes.length - 4)
      for (let again = 0; again < 100; again++) expect(isMalformed(bytes)).toBe(true)
    }
    const body = new ByteWriter().u53(1).u53(1).u53(1).u53(0).u53(9).u32(0xffffffff).finish()
    const chunk = frameOf(9, body)
    for (let again = 0; again < 100; again++) expect(isMalformed(chunk)).toBe(true)
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(64 * 1_024 * 1_024)
  })
})

test('fields that an earlier version does not send are absent', () => {
  let seen = 0
  for (const [hex, message] of GOLDEN) {
    const isWithout =
      (message.type === 'snapshot-chunk' && message.checksums === undefined) ||
      (message.type === 'snapshot-progress' && message.resendFrom === undefined && message.unreadable === undefined)
    if (!isWithout) continue
    const shorter = Buffer.from(hex, 'hex').subarray(0, -1)
    shorter.writeUInt32BE(shorter.readUInt32BE(3) - 1, 3)
    expect(plain(decodeFrame(shorter))).toEqual(plain([message]))
    seen++
  }
  expect(seen).toBe(2)
})

test('a request to reconfigure of a version that knows no witnesses names none', () => {
  const hex =
    '020011000000390000000000000007000000000000000900000002000000026e31000000026e3400000001000000026e350100000001000000026e3100000000'
  expect(decodeFrame(Buffer.from(hex, 'hex'))).toEqual([
    {
      type: 'reconfigure-request',
      ticket: 7,
      basis: 9,
      target: { voters: ['n1', 'n4'], learners: ['n5'] },
      expected: { voters: ['n1'], learners: [] },
    },
  ])
})

describe('what a later version adds is passed over', () => {
  const extra = fc.uint8Array({ maxLength: 20 })

  test('fields at the end of a message, and of the header', () => {
    fc.assert(
      fc.property(message, extra, extra, (one, fields, header) => {
        const frame = encodeFrame([one])
        const longer = Buffer.concat([frame.subarray(7), fields])
        expect(plain(decodeFrame(frameOf(frame[2] as number, longer, header)))).toEqual(plain([one]))
      }),
    )
  })

  test('messages, and those behind them are read', () => {
    fc.assert(
      fc.property(message, message, fc.integer({ min: 200, max: 255 }), extra, (one, two, tag, body) => {
        const frame = Buffer.concat([
          encodeFrame([one]),
          frameOf(tag, body).subarray(2),
          encodeFrame([two]).subarray(2),
        ])
        expect(plain(decodeFrame(frame))).toEqual(plain([one, two]))
      }),
    )
  })

  test('why a vote is refused, which is then not known, as where an earlier version does not say', () => {
    const refused = { type: 'vote-response', term: 3, preVote: true, granted: false } as const
    const frame = encodeFrame([{ ...refused, why: { reason: 'later-term' } }])
    frame[frame.length - 1] = 250
    expect(decodeFrame(frame)).toEqual([refused])
    expect(decodeFrame(frameOf(2, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 3, 1)))).toEqual([refused])
  })

  test('the reason of a refusal, which is then one to ask again', () => {
    const frame = encodeFrame([{ type: 'reconfigure-refused', ticket: 7, why: 'unexpected' }])
    frame[frame.length - 1] = 250
    expect(decodeFrame(frame)).toEqual([{ type: 'reconfigure-refused', ticket: 7, why: 'not-ready' }])
  })
})

test('what is decoded is a view of the frame, not a copy', () => {
  const frame = encodeFrame([
    { type: 'forward-request', items: [{ sequence: 1, kind: 1, data: Uint8Array.of(7, 8, 9) }] },
  ])
  const [decoded] = decodeFrame(frame)
  expect(decoded?.type === 'forward-request' && decoded.items[0]?.data.buffer).toBe(frame.buffer)
})

test('numbers of every size, and bytes, go through writer and reader, however often the buffer grows', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(whole, fc.nat(0xffffffff), kind, data)), (values) => {
      const writer = new ByteWriter(1)
      for (const [a, b, c, bytes] of values) writer.u53(a).u32(b).u8(c).bytes(bytes)
      const reader = new ByteReader(writer.finish())
      for (const [a, b, c, bytes] of values) {
        expect([reader.u53(), reader.u32(), reader.u8()]).toEqual([a, b, c])
        expect(Buffer.compare(reader.bytes(), bytes)).toBe(0)
      }
      expect(reader.done).toBe(true)
    }),
  )
})
