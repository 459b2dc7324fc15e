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
  [
    '020473686f70050203ac02050400012017026e3102ac0201010161016201014d020202040902aabbe80702017802797a',
    header,
    { kind: 'gossip', rumors: [{ record: full, accusers: ['x', 'yz'], ageMs: 1_000 }] },
  ],
  ['020473686f70050203ac020505010300', header, { kind: 'hello', answers: 3, rumors: [] }],
  ['020473686f70050203ac020506010100', header, { kind: 'sync-request', last: true, rumors: [] }],
  ['020473686f70050203ac020507010000', header, { kind: 'sync-reply', last: false, rumors: [] }],
]
