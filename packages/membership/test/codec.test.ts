import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage, MAX_METADATA_BYTES, MAX_RUMOR_BYTES, rumorBytes } from '../src/core/codec.ts'
import { inParts } from '../src/core/gossip-queue.ts'
import type { Message, MessageBody } from '../src/core/message.ts'
import { metadataEntries, type Rumor, STATES } from '../src/core/record.ts'

const id = fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme' }).filter((text) => text.length <= 128)
const seq = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const generation = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const rumor: fc.Arbitrary<Rumor> = fc.record({
  record: fc.record({
    id,
    generation,
    incarnation: fc.nat({ max: 2 ** 48 }),
    state: fc.constantFrom(...STATES),
    metadata: fc
      .dictionary(fc.string({ maxLength: 20, unit: 'grapheme' }), fc.string({ maxLength: 20 }), { maxKeys: 5 })
      .map(metadataEntries),
  }),
  accuser: fc.option(id, { nil: undefined }),
  ageMs: seq,
})
const body: fc.Arbitrary<MessageBody> = fc.oneof(
  fc.record({ kind: fc.constant('ping' as const), seq, generation }),
  fc.record({ kind: fc.constant('ack' as const), seq }),
  fc.record({ kind: fc.constant('ping-request' as const), seq, target: id, generation }),
  fc.record({ kind: fc.constant('ping-answer' as const), seq, reached: fc.boolean() }),
  fc.record({ kind: fc.constant('gossip' as const) }),
  fc.record({ kind: fc.constant('hello' as const), answers: fc.nat() }),
  fc.record({ kind: fc.constantFrom('sync-request' as const, 'sync-reply' as const), last: fc.boolean() }),
)
const message: fc.Arbitrary<Message> = fc
  .tuple(body, fc.array(rumor, { maxLength: 4 }))
  .map(([one, rumors]) => ({ ...one, rumors }))
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('the codec', () => {
  test('round trip', () => {
    fc.assert(
      fc.property(message, id, (sent, cluster) => {
        const decoded = decodeMessage(encodeMessage(sent, cluster), cluster)
        expect(plain(decoded)).toEqual(plain({ ok: true, message: sent }))
      }),
      { numRuns: 500 },
    )
  })

  test('the size of a rumor is known without encoding it', () => {
    fc.assert(
      fc.property(rumor, (one) => {
        const frame = (rumors: Rumor[]): number => encodeMessage({ kind: 'gossip', rumors }, 'c').length
        const bytes = rumorBytes(one)
        expect(frame([one])).toBe(frame([]) + (bytes > 0x7f ? 2 : 1) + bytes)
      }),
      { numRuns: 500 },
    )
  })

  test('a frame is pinned, so that versions understand each other', () => {
    const record = {
      id: 'n1',
      generation: 2,
      incarnation: 300,
      state: 'suspect' as const,
      metadata: [['a', 'b'] as const],
    }
    const frame = encodeMessage(
      { kind: 'ping', seq: 7, generation: 1, rumors: [{ record, accuser: 'x', ageMs: 0 }] },
      'shop',
    )
    expect([...frame].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')).toBe(
      '01 04 73 68 6f 70 00 07 01 01 0f 02 6e 31 02 ac 02 01 01 01 61 01 62 01 78 00',
    )
  })

  test('M-27: a frame of another cluster, and of another version, is not read', () => {
    const frame = encodeMessage({ kind: 'gossip', rumors: [] }, 'one')
    expect(decodeMessage(frame, 'two')).toMatchObject({ ok: false, reason: 'cluster' })
    frame[0] = 2
    expect(decodeMessage(frame, 'one')).toMatchObject({ ok: false, reason: 'version' })
  })

  test('a field that a later version adds to a rumor is passed over', () => {
    const record = { id: 'n1', generation: 2, incarnation: 3, state: 'alive' as const, metadata: [] }
    const known: Message = { kind: 'gossip', rumors: [{ record, ageMs: 0 }] }
    const frame = encodeMessage(known, 'c')
    // The length of the rumor stands behind version, cluster (2), kind and count.
    const longer = Uint8Array.from([...frame, 9, 9])
    longer[5] = (longer[5] ?? 0) + 2
    expect(plain(decodeMessage(longer, 'c'))).toEqual(plain({ ok: true, message: known }))
  })

  test('garbage, and frames with any bytes changed or cut, never throw', () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeMessage(bytes, 'c').ok).toBe(false)
        decodeMessage(Uint8Array.from([1, 1, 0x63, ...bytes]), 'c')
      }),
      { numRuns: 5_000 },
    )
    fc.assert(
      fc.property(message, change, fc.nat(), (sent, changes, cut) => {
        const frame = encodeMessage(sent, 'c')
        for (const [at, byte] of changes) frame[at % frame.length] = byte
        decodeMessage(frame, 'c')
        decodeMessage(frame.subarray(0, cut % frame.length), 'c')
      }),
      { numRuns: 2_000 },
    )
  })

  test.each([
    ['a generation of 0', { generation: 0 }],
    ['an incarnation beyond the limit (M-10)', { incarnation: 2 ** 48 + 1 }],
    ['an empty id', { id: '' }],
    ['an id of 129 characters', { id: 'x'.repeat(129) }],
    ['metadata over the limit (M-33)', { metadata: [['k', 'v'.repeat(MAX_METADATA_BYTES)] as const] }],
    ['metadata out of order', { metadata: [['b', ''] as const, ['a', ''] as const] }],
    ['metadata with a key twice', { metadata: [['a', ''] as const, ['a', ''] as const] }],
  ])('%s is malformed', (_, wrong) => {
    const record = { id: 'n1', generation: 1, incarnation: 1, state: 'alive' as const, metadata: [], ...wrong }
    const frame = encodeMessage({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, 'c')
    expect(decodeMessage(frame, 'c')).toMatchObject({ ok: false, reason: 'malformed' })
  })

  test('M-31: the largest rumor fits, and a full state is cut into parts that fit a frame', () => {
    const largest: Rumor = {
      record: {
        id: '\uffff'.repeat(128),
        generation: Number.MAX_SAFE_INTEGER,
        incarnation: 2 ** 48,
        state: 'dead',
        metadata: [['k', 'v'.repeat(MAX_METADATA_BYTES - 5)]],
      },
      accuser: '\uffff'.repeat(128),
      ageMs: Number.MAX_SAFE_INTEGER,
    }
    expect(rumorBytes(largest)).toBeLessThanOrEqual(MAX_RUMOR_BYTES)
    const parts = inParts(
      Array.from({ length: 100 }, () => largest),
      3_072,
    )
    expect(parts.flat()).toHaveLength(100)
    for (const rumors of parts) {
      expect(encodeMessage({ kind: 'sync-reply', last: false, rumors }, 'x'.repeat(128)).length).toBeLessThanOrEqual(
        4_096,
      )
    }
    expect(inParts([], 100)).toEqual([[]])
  })
})
