import type { WireMessage } from '../src/wire.ts'

/** One frame for each message, by its tag. They pin the format: a change here breaks a cluster that is upgraded node by node. */
export const GOLDEN: readonly (readonly [hex: string, message: WireMessage])[] = [
  [
    '0200010000001900000000000000030100000001000000020000000000000002',
    { type: 'vote-request', term: 3, preVote: true, transfer: false, lastIndex: 0x100000002, lastTerm: 2 },
  ],
  ['02000200000009000000000000000302', { type: 'vote-response', term: 3, preVote: false, granted: true }],
  [
    '02000300000048000000000000000400000000000000090000000000000003000000000000000800000000000000070000000200000000000000040100000002aabb00000000000000040000000000',
    {
      type: 'append-request',
      term: 4,
      prevIndex: 9,
      prevTerm: 3,
      commitIndex: 8,
      round: 7,
      entries: [
        { index: 10, term: 4, kind: 1, data: Uint8Array.of(0xaa, 0xbb) },
        { index: 11, term: 4, kind: 0, data: Uint8Array.of() },
      ],
    },
  ],
  [
    '020004000000180000000000000004000000000000000b0000000000000007',
    { type: 'append-accepted', term: 4, matchIndex: 11, round: 7 },
  ],
  [
    '020005000000290000000000000004000000000000000900000000000000050000000000000002000000000000000700',
    { type: 'append-rejected', term: 4, rejectedIndex: 9, hintIndex: 5, hintTerm: 2, round: 7 },
  ],
  [
    '020005000000290000000000000004000000000000000900000000000000050000000000000002000000000000000701',
    { type: 'append-rejected', term: 4, rejectedIndex: 9, hintIndex: 5, hintTerm: 2, round: 7, lostEntries: true },
  ],
  [
    '020006000000180000000000000004000000000000000b0000000000000008',
    { type: 'heartbeat-request', term: 4, commitIndex: 11, round: 8 },
  ],
  ['0200070000001000000000000000040000000000000008', { type: 'heartbeat-response', term: 4, round: 8 }],
  ['020008000000100000000000000004000000000000000b', { type: 'commit-notice', term: 4, commitIndex: 11 }],
  [
    '020009000000360000000000000004000000000000000a000000000000000300000000000004000000000000000403000000027b7d0000000301020300',
    {
      type: 'snapshot-chunk',
      term: 4,
      snapshotIndex: 10,
      snapshotTerm: 3,
      context: Uint8Array.of(0x7b, 0x7d),
      offset: 1024,
      totalBytes: 1027,
      data: Uint8Array.of(1, 2, 3),
      checksums: undefined,
    },
  ],
  [
    '0200090000003e0000000000000004000000000000000a000000000000000300000000000004000000000000000403000000027b7d000000030102030155bc801daabbccdd',
    {
      type: 'snapshot-chunk',
      term: 4,
      snapshotIndex: 10,
      snapshotTerm: 3,
      context: Uint8Array.of(0x7b, 0x7d),
      offset: 1024,
      totalBytes: 1027,
      data: Uint8Array.of(1, 2, 3),
      checksums: { chunk: 0x55bc801d, whole: 0xaabbccdd },
    },
  ],
  [
    '02000a0000001a0000000000000004000000000000000a00000000000004030000',
    { type: 'snapshot-progress', term: 4, snapshotIndex: 10, nextOffset: 1027, resendFrom: undefined },
  ],
  [
    '02000a000000220000000000000004000000000000000a000000000000040301000000000000020000',
    { type: 'snapshot-progress', term: 4, snapshotIndex: 10, nextOffset: 1027, resendFrom: 512 },
  ],
  [
    '02000a0000001a0000000000000004000000000000000a00000000000000000001',
    {
      type: 'snapshot-progress',
      term: 4,
      snapshotIndex: 10,
      nextOffset: 0,
      resendFrom: undefined,
      unreadable: true,
    },
  ],
  ['02000b000000080000000000000004', { type: 'timeout-now', term: 4 }],
  [
    '02000c0000002000000002000000000000000002000000010900000000000000050100000001ff',
    {
      type: 'forward-request',
      items: [
        { sequence: 0, kind: 2, data: Uint8Array.of(9) },
        { sequence: 5, kind: 1, data: Uint8Array.of(0xff) },
      ],
    },
  ],
  ['02000d000000140000000200000000000000000000000000000005', { type: 'forward-refused', sequences: [0, 5] }],
  ['02000e000000080000000000000006', { type: 'read-index-request', ticket: 6 }],
  ['02000f000000100000000000000006000000000000000b', { type: 'read-index-response', ticket: 6, index: 11 }],
  ['020010000000080000000000000006', { type: 'read-index-refused', ticket: 6 }],
  [
    '020011000000470000000000000007000000000000000900000002000000026e31000000026e3400000001000000026e350100000001000000026e310000000000000001000000026e3400000000',
    {
      type: 'reconfigure-request',
      ticket: 7,
      basis: 9,
      target: { voters: ['n1', 'n4'], learners: ['n5'], witnesses: ['n4'] },
      expected: { voters: ['n1'], learners: [] },
    },
  ],
  ['020012000000100000000000000007000000000000000c', { type: 'reconfigure-accepted', ticket: 7, index: 12 }],
  ['02001300000009000000000000000704', { type: 'reconfigure-refused', ticket: 7, why: 'in-progress' }],
  ['020014000000080000000000000006', { type: 'read-lease-request', ticket: 6 }],
  [
    '0200020000001a00000000000000030103000000000000000c0000000000000002',
    {
      type: 'vote-response',
      term: 3,
      preVote: true,
      granted: false,
      why: { reason: 'log-behind', lastIndex: 12, lastTerm: 2 },
    },
  ],
  [
    '0200020000001000000000000000030002000000026e31',
    { type: 'vote-response', term: 3, preVote: false, granted: false, why: { reason: 'hears-leader', leader: 'n1' } },
  ],
  [
    '0200020000001000000000000000030004000000026e32',
    { type: 'vote-response', term: 3, preVote: false, granted: false, why: { reason: 'voted', votedFor: 'n2' } },
  ],
  [
    '020015000000180000000000000004000000000000000b0000000000000008',
    { type: 'sleep-request', term: 4, commitIndex: 11, round: 8 },
  ],
  ['020016000000110000000000000004000000000000000801', { type: 'sleep-response', term: 4, round: 8, asleep: true }],
  ['020017000000100000a1b2c3d4e5f60000000000000007', { type: 'identity-lost', heard: 0xa1b2c3d4e5f6, known: 7 }],
  ['0200180000001000000000000000040000000000000007', { type: 'log-end-request', term: 4, ticket: 7 }],
  [
    '0200190000001800000000000000040000000000000007000000000000000b',
    { type: 'log-end-response', term: 4, ticket: 7, lastIndex: 11 },
  ],
]
