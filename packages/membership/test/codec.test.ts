import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeMessage, encodeMessage } from '../src/core/codec.ts'
import { ALERT_QUESTIONS } from '../src/core/cut/alert-codec.ts'
import { describedAs } from '../src/core/description.ts'
import { BUCKETS, type DigestEntry, type DigestRange } from '../src/core/digest.ts'
import { inParts } from '../src/core/gossip-queue.ts'
import { type FrameHeader, KINDS, type Message, type MessageBody } from '../src/core/message.ts'
import { MAX_QUERY_MS, OUTCOMES, type QueryResult } from '../src/core/query-message.ts'
import { MAX_ACCUSERS, type MemberRecord, metadataEntries, type Rumor, STATES } from '../src/core/record.ts'
import { MAX_METADATA_BYTES, MAX_RUMOR_BYTES, rumorBytes } from '../src/core/record-codec.ts'
import { MAX_TTL_MS, type UserNews } from '../src/core/user-news.ts'
import { GOLDEN } from './golden-frames.ts'

const id = fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme' }).filter((text) => text.length <= 128)
const seq = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const generation = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const versions = fc
  .tuple(fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 255 }))
  .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }))
const unknown = fc
  .uniqueArray(fc.record({ tag: fc.integer({ min: 6, max: 10_000 }), bytes: fc.uint8Array({ maxLength: 40 }) }), {
    minLength: 1,
    maxLength: 3,
    selector: ({ tag }) => tag,
  })
  .map((fields) => fields.sort((a, b) => a.tag - b.tag))
const names = fc.array(fc.string({ minLength: 1, maxLength: 10, unit: 'grapheme' }), { maxLength: 3 })
const facts = fc
  .record({
    metadata: fc.constant({}),
    roles: names,
    capabilities: names,
    tags: fc.dictionary(fc.string({ minLength: 1, maxLength: 10, unit: 'grapheme' }), fc.string({ maxLength: 10 })),
  })
  .map((description) => describedAs({ ...description, roles: [...description.roles, 'worker'] }).facts ?? [])
const record: fc.Arbitrary<MemberRecord> = fc.record(
  {
    id,
    generation,
    incarnation: fc.nat({ max: 2 ** 48 }),
    state: fc.constantFrom(...STATES),
    metadata: fc
      .dictionary(fc.string({ maxLength: 20, unit: 'grapheme' }), fc.string({ maxLength: 20 }), { maxKeys: 5 })
      .map(metadataEntries),
    nonce: generation,
    versions,
    facts,
    unknown,
  },
  { requiredKeys: ['id', 'generation', 'incarnation', 'state', 'metadata'] },
)
const rumor: fc.Arbitrary<Rumor> = fc.record({
  record,
  accusers: fc.option(fc.array(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: MAX_ACCUSERS }), {
    nil: undefined,
  }),
  ageMs: fc.nat({ max: 2 ** 40 }),
})
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const entry: fc.Arbitrary<DigestEntry> = fc.record({
  id,
  generation,
  nonce: seq,
  incarnation: seq,
  state: fc.constantFrom(...STATES),
  hash: u32,
})
const range: fc.Arbitrary<DigestRange> = fc.record({
  bucket: fc.nat({ max: BUCKETS - 1 }),
  after: fc.string({ maxLength: 5 }),
  until: fc.string({ maxLength: 5 }),
  entries: fc.array(entry, { maxLength: 3 }),
})
const name = fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme' }).filter((text) => text.length <= 128)
const userNews: fc.Arbitrary<UserNews> = fc.record(
  {
    origin: id,
    generation,
    nonce: generation,
    sequence: generation,
    topic: name,
    payload: fc.uint8Array({ maxLength: 60 }),
    leftMs: fc.nat({ max: MAX_TTL_MS }),
    unknown: fc.uint8Array({ minLength: 1, maxLength: 20 }),
  },
  { requiredKeys: ['origin', 'generation', 'nonce', 'sequence', 'topic', 'payload', 'leftMs'] },
)
const queryResult: fc.Arbitrary<QueryResult> = fc.oneof(
  fc.record({ ok: fc.constant(true as const), payload: fc.uint8Array({ maxLength: 60 }) }),
  fc.record({
    ok: fc.constant(false as const),
    failure: fc.record({
      code: name,
      message: fc.string({ maxLength: 60, unit: 'grapheme' }).filter((text) => text.length <= 200),
      hint: name,
      retryable: fc.boolean(),
      outcome: fc.constantFrom(...OUTCOMES),
    }),
  }),
)
const body: fc.Arbitrary<MessageBody> = fc.oneof(
  fc.record({ kind: fc.constant('ping' as const), seq, generation }),
  fc.record({ kind: fc.constant('ack' as const), seq }),
  fc.record({ kind: fc.constant('ping-busy' as const), seq }),
  fc.record({ kind: fc.constant('ping-request' as const), seq, target: id, generation }),
  fc.record({ kind: fc.constant('ping-answer' as const), seq, reached: fc.boolean() }),
  fc.record({ kind: fc.constant('gossip' as const) }),
  fc.record({ kind: fc.constant('hello' as const), answers: fc.nat(), joined: fc.boolean() }),
  fc.record({
    kind: fc.constant('alerts' as const),
    question: fc.constantFrom(...ALERT_QUESTIONS),
    sum: u32,
    statements: fc.array(
      fc.record({
        observer: id,
        generation,
        subject: id,
        subjectGeneration: generation,
        version: seq,
        raised: fc.boolean(),
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record({ kind: fc.constant('digest' as const), sums: fc.array(u32, { minLength: BUCKETS, maxLength: BUCKETS }) }),
  fc.record({ kind: fc.constant('digest-answer' as const), ranges: fc.array(range, { maxLength: 3 }) }),
  fc.record({ kind: fc.constant('broadcasts' as const), items: fc.array(userNews, { maxLength: 3 }) }),
  fc.record({
    kind: fc.constant('query' as const),
    nonce: generation,
    number: generation,
    leftMs: fc.nat({ max: MAX_QUERY_MS }),
    name,
    payload: fc.uint8Array({ maxLength: 60 }),
  }),
  fc.record({ kind: fc.constant('answer' as const), nonce: generation, number: generation, result: queryResult }),
  fc.record({ kind: fc.constant('sync-delta' as const), pull: fc.array(id, { maxLength: 3 }) }),
  fc.record({ kind: fc.constantFrom('sync-request' as const, 'sync-reply' as const), last: fc.boolean() }),
)
const message: fc.Arbitrary<Message> = fc
  .tuple(body, fc.array(rumor, { maxLength: 4 }))
  .map(([one, rumors]) => ({ ...one, rumors }))
const header: fc.Arbitrary<FrameHeader> = fc.record({ version: fc.constant(2), versions, nonce: seq, sequence: seq })
const long = { tag: 3, bytes: Uint8Array.of(0x80 + 84, 4, ...new Uint8Array(596).fill(120)) }
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('the codec', () => {
  test('round trip', () => {
    fc.assert(
      fc.property(message, header, id, (sent, says, cluster) => {
        const decoded = decodeMessage(encodeMessage(sent, cluster, says), cluster)
        expect(plain(decoded)).toEqual(plain({ ok: true, header: says, message: sent }))
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

  test('frames are pinned, so that versions understand each other', () => {
    for (const [hex, says, sent] of GOLDEN) {
      expect(Buffer.from(encodeMessage(sent, 'shop', says)).toString('hex')).toBe(hex)
      const decoded = decodeMessage(Buffer.from(hex, 'hex'), 'shop')
      expect(plain(decoded)).toEqual(plain({ ok: true, header: says, message: sent }))
    }
    expect(new Set(GOLDEN.map(([, , { kind }]) => kind))).toEqual(new Set(KINDS))
  })

  test('M-27: a frame of another cluster is not read', () => {
    const frame = encodeMessage({ kind: 'gossip', rumors: [] }, 'one')
    expect(decodeMessage(frame, 'two')).toMatchObject({ ok: false, reason: 'cluster' })
  })

  test('M-28: of a frame of another version the header is read, and of the very first version nothing', () => {
    const says = { version: 9, versions: { min: 8, max: 9 }, nonce: 5, sequence: 6 }
    const frame = Uint8Array.from([...encodeMessage({ kind: 'gossip', rumors: [] }, 'one', says), 1, 2, 3])
    expect(decodeMessage(frame, 'one')).toMatchObject({ ok: false, reason: 'version', header: says })
    frame[0] = 1
    expect(decodeMessage(frame, 'one')).toMatchObject({ ok: false, reason: 'version', header: undefined })
  })

  test('M-28: fields that a later version adds to the header and to a message, and a kind of it, are passed over', () => {
    const node: MemberRecord = { id: 'n1', generation: 2, incarnation: 3, state: 'alive', metadata: [] }
    const known: Message = { kind: 'ack', seq: 1, rumors: [{ record: node, ageMs: 0 }] }
    const frame = [...encodeMessage(known, 'c')]
    // Version, cluster (2), header (its length, four fields), kind, body (its length, one field), rumors.
    expect(frame.slice(0, 11)).toEqual([2, 1, 0x63, 4, 2, 2, 0, 0, 1, 1, 1])
    const later = Uint8Array.from([2, 1, 0x63, 6, 2, 2, 0, 0, 7, 7, 1, 4, 1, 9, 9, 9, ...frame.slice(11)])
    expect(plain(decodeMessage(later, 'c'))).toMatchObject(plain({ ok: true, message: known }) as object)
    later[10] = 200
    const unread = { kind: 'unknown', number: 200, rumors: known.rumors }
    expect(plain(decodeMessage(later, 'c'))).toMatchObject(plain({ ok: true, message: unread }) as object)
  })

  test('M-28: a field that a later version adds to a rumor is passed over, one of a record is kept', () => {
    const node: MemberRecord = { id: 'n1', generation: 2, incarnation: 3, state: 'alive', metadata: [] }
    const unknown = [{ tag: 77, bytes: Uint8Array.of(1, 2, 3) }]
    const known: Message = { kind: 'gossip', rumors: [{ record: { ...node, unknown }, ageMs: 0 }] }
    const frame = [...encodeMessage(known, 'c')]
    const lengthAt = 11
    expect(frame[lengthAt]).toBe(frame.length - lengthAt - 1)
    const later = Uint8Array.from([...frame, 9, 9])
    later[lengthAt] = (later[lengthAt] ?? 0) + 2
    expect(plain(decodeMessage(later, 'c'))).toMatchObject(plain({ ok: true, message: known }) as object)
  })

  test('garbage, and frames with any bytes changed or cut, never throw', () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 6 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeMessage(bytes, 'c').ok).toBe(false)
        decodeMessage(Uint8Array.from([2, 1, 0x63, 4, 2, 2, 0, 0, ...bytes]), 'c')
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
    ['a nonce of 0', { nonce: 0 }],
    ['versions that end before they begin', { versions: { min: 3, max: 2 } }],
    ['fields out of order', { nonce: 1, unknown: [{ tag: 1, bytes: Uint8Array.of(1) }] }],
    ['fields over the limit', { unknown: [{ tag: 6, bytes: new Uint8Array(600) }] }],
    [
      'metadata and roles over the limit together (M-33)',
      { metadata: [['k', 'v'.repeat(500)] as const], facts: [long] },
    ],
    ['a role twice', { facts: [{ tag: 3, bytes: Uint8Array.of(1, 97, 1, 97) }] }],
    ['roles out of order', { facts: [{ tag: 3, bytes: Uint8Array.of(1, 98, 1, 97) }] }],
    ['a role without a name', { facts: [{ tag: 3, bytes: Uint8Array.of(0) }] }],
    ['a role that is cut', { facts: [{ tag: 3, bytes: Uint8Array.of(2, 97) }] }],
    ['no roles, in a field', { facts: [{ tag: 3, bytes: new Uint8Array(0) }] }],
    ['a tag without a value', { facts: [{ tag: 5, bytes: Uint8Array.of(1, 97) }] }],
    ['a tag twice', { facts: [{ tag: 5, bytes: Uint8Array.of(1, 97, 0, 1, 97, 0) }] }],
  ])('%s is malformed', (_, wrong) => {
    const node: MemberRecord = { id: 'n1', generation: 1, incarnation: 1, state: 'alive', metadata: [], ...wrong }
    const frame = encodeMessage({ kind: 'gossip', rumors: [{ record: node, ageMs: 0 }] }, 'c')
    expect(decodeMessage(frame, 'c')).toMatchObject({ ok: false, reason: 'malformed' })
  })

  test('M-31: the largest rumor fits, and a full state is cut into parts that fit a frame', () => {
    const largest: Rumor = {
      record: {
        id: '\uffff'.repeat(128),
        generation: Number.MAX_SAFE_INTEGER,
        incarnation: 2 ** 48,
        state: 'dead',
        metadata: [['k', 'v'.repeat(500)]],
        facts: describedAs({ metadata: {}, roles: ['x'.repeat(515)], capabilities: [], tags: {} }).facts,
        nonce: Number.MAX_SAFE_INTEGER,
        versions: { min: 255, max: 255 },
        unknown: [{ tag: 1_000, bytes: new Uint8Array(490) }],
      },
      accusers: Array.from({ length: MAX_ACCUSERS }, () => '\uffff'.repeat(128)),
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
    // The first accuser always fits.
    const decoded = decodeMessage(encodeMessage({ kind: 'gossip', rumors: [largest] }, 'c'), 'c')
    expect(decoded.ok && decoded.message.rumors[0]?.accusers).toHaveLength(1)
  })
})
