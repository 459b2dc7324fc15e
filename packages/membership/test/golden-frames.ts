import { describedAs } from '../src/core/description.ts'
import type { FrameHeader, Message } from '../src/core/message.ts'
import type { MemberRecord } from '../src/core/record.ts'

const header: FrameHeader = { version: 2, versions: { min: 2, max: 3 }, nonce: 300, sequence: 5 }
const node: MemberRecord = { id: 'n1', generation: 2, incarnation: 300, state: 'suspect', metadata: [['a', 'b']] }
const full: MemberRecord = {
  ...node,
  nonce: 77,
  versions: { min: 2, max: 4 },
  unknown: [{ tag: 9, bytes: Uint8Array.of(0xaa, 0xbb) }],
}
const described: MemberRecord = {
  ...full,
  ...describedAs({ metadata: {}, roles: ['w', 'g'], capabilities: ['s/2'], tags: { zone: 'a', rack: '' } }),
}

/** Frames of the cluster `shop`. They pin the format: a change here breaks a cluster that is upgraded node by node. */
export const GOLDEN: readonly (readonly [hex: string, header: FrameHeader, message: Message])[] = [
  [
    '020473686f70050203ac02050002070101110c026e3102ac0201010161016200010178',
    header,
    { kind: 'ping', seq: 7, generation: 1, rumors: [{ record: node, accusers: ['x'], ageMs: 0 }] },
  ],
  ['020473686f70050203ac020501010700', header, { kind: 'ack', seq: 7, rumors: [] }],
  [
    '020473686f70050203ac0205020508026e320300',
    header,
    { kind: 'ping-request', seq: 8, target: 'n2', generation: 3, rumors: [] },
  ],
  ['020473686f70050203ac02050302080100', header, { kind: 'ping-answer', seq: 8, reached: true, rumors: [] }],
  ['020473686f70050203ac02050f010800', header, { kind: 'ping-busy', seq: 8, rumors: [] }],
  [
    '020473686f70050203ac02050400012017026e3102ac0201010161016201014d020202040902aabbe80702017802797a',
    header,
    { kind: 'gossip', rumors: [{ record: full, accusers: ['x', 'yz'], ageMs: 1_000 }] },
  ],
  ['020473686f70050203ac02050502030000', header, { kind: 'hello', answers: 3, joined: false, rumors: [] }],
  ['020473686f70050203ac020506010100', header, { kind: 'sync-request', last: true, rumors: [] }],
  ['020473686f70050203ac020507010000', header, { kind: 'sync-reply', last: false, rumors: [] }],
  [
    '020473686f70050203ac0205081202deadbeef010b026e3102026e3203ac020100',
    header,
    {
      kind: 'alerts',
      question: 'all',
      sum: 0xdeadbeef,
      statements: [{ observer: 'n1', generation: 2, subject: 'n2', subjectGeneration: 3, version: 300, raised: true }],
      rumors: [],
    },
  ],
  [
    '020473686f70050203ac020509220215026e3102ac0203b8170563616368650361626399880a0178010607904e01740000',
    header,
    {
      kind: 'broadcasts',
      items: [
        {
          origin: 'n1',
          generation: 2,
          nonce: 300,
          sequence: 3,
          leftMs: 3_000,
          topic: 'cache',
          payload: Uint8Array.of(0x61, 0x62, 0x63),
          unknown: Uint8Array.of(0x99, 0x88),
        },
        { origin: 'x', generation: 1, nonce: 6, sequence: 7, leftMs: 10_000, topic: 't', payload: Uint8Array.of() },
      ],
      rumors: [],
    },
  ],
  [
    '020473686f70050203ac02050a0dac0207d00f046469736b02010200',
    header,
    {
      kind: 'query',
      nonce: 300,
      number: 7,
      leftMs: 2_000,
      name: 'disk',
      payload: Uint8Array.of(1, 2),
      rumors: [],
    },
  ],
  [
    '020473686f70050203ac02050b07ac02070002010200',
    header,
    { kind: 'answer', nonce: 300, number: 7, result: { ok: true, payload: Uint8Array.of(1, 2) }, rumors: [] },
  ],
  [
    '020473686f70050203ac02050b0eac020701024143016d026869010100',
    header,
    {
      kind: 'answer',
      nonce: 300,
      number: 7,
      result: {
        ok: false,
        failure: { code: 'AC', message: 'm', hint: 'hi', retryable: true, outcome: 'not-applied' },
      },
      rumors: [],
    },
  ],
  [
    '020473686f70050203ac02050c810240000000000101010102020202030303030404040405050505060606060707070708080808090909090a0a0a0a0b0b0b0b0c0c0c0c0d0d0d0d0e0e0e0e0f0f0f0f101010101111111112121212131313131414141415151515161616161717171718181818191919191a1a1a1a1b1b1b1b1c1c1c1c1d1d1d1d1e1e1e1e1f1f1f1f202020202121212122222222232323232424242425252525262626262727272728282828292929292a2a2a2a2b2b2b2b2c2c2c2c2d2d2d2d2e2e2e2e2f2f2f2f303030303131313132323232333333333434343435353535363636363737373738383838393939393a3a3a3a3b3b3b3b3c3c3c3c3d3d3d3d3e3e3e3e3f3f3f3f00',
    header,
    { kind: 'digest', sums: Array.from({ length: 64 }, (_, i) => i * 0x1010101), rumors: [] },
  ],
  [
    '020473686f70050203ac02050d13010500026e3101026e31024dac0202deadbeef00',
    header,
    {
      kind: 'digest-answer',
      ranges: [
        {
          bucket: 5,
          after: '',
          until: 'n1',
          entries: [{ id: 'n1', generation: 2, nonce: 77, incarnation: 300, state: 'dead', hash: 0xdeadbeef }],
        },
      ],
      rumors: [],
    },
  ],
  ['020473686f70050203ac02050e0702026e31026e3200', header, { kind: 'sync-delta', pull: ['n1', 'n2'], rumors: [] }],
  [
    '020473686f70050203ac0205040001312e026e3102ac02010001014d02020204030401670177040403732f32050d047261636b00047a6f6e6501610902aabb0000',
    header,
    { kind: 'gossip', rumors: [{ record: described, ageMs: 0 }] },
  ],
]
