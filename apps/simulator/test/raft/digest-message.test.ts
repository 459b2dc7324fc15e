import type { Message } from '@dsys/raft/core'
import { expect, test } from 'vitest'
import { digestMessage } from '../../src/scenarios/raft/digest-message.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const entry = { index: 1, term: 2, kind: 3, data: bytes(1, 2) }

const MESSAGES: readonly Message[] = [
  { type: 'vote-request', term: 1, preVote: false, transfer: false, lastIndex: 2, lastTerm: 3 },
  { type: 'vote-response', term: 1, preVote: false, granted: true },
  { type: 'append-request', term: 1, prevIndex: 2, prevTerm: 3, commitIndex: 4, round: 5, entries: [entry] },
  { type: 'append-accepted', term: 1, matchIndex: 2, round: 3 },
  { type: 'append-rejected', term: 1, rejectedIndex: 2, hintIndex: 3, hintTerm: 4, round: 5 },
  { type: 'heartbeat-request', term: 1, commitIndex: 2, round: 3 },
  { type: 'heartbeat-response', term: 1, round: 2 },
  { type: 'commit-notice', term: 1, commitIndex: 2 },
  {
    ...{ type: 'snapshot-chunk', term: 1, snapshotIndex: 2, snapshotTerm: 3 },
    ...{ context: bytes(1), offset: 4, totalBytes: 5, data: bytes(2), checksums: { chunk: 6, whole: 7 } },
  },
  { type: 'snapshot-progress', term: 1, snapshotIndex: 2, nextOffset: 3, resendFrom: 4 },
  { type: 'timeout-now', term: 1 },
  { type: 'log-end-request', term: 1, ticket: 2 },
  { type: 'log-end-response', term: 1, ticket: 2, lastIndex: 3 },
]

/** The same value, changed a little. */
function changed(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (value instanceof Uint8Array) return value.map((byte) => byte + 1)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, changed(field)]))
  return value
}

test.each(MESSAGES.map((message) => [message.type, message] as const))(
  'the digest of a %s tells a change of each of its fields',
  (_, message) => {
    const digest = digestMessage(message)
    expect(digestMessage(structuredClone(message))).toBe(digest)
    for (const [name, value] of Object.entries(message)) {
      if (name === 'type') continue
      const others = Array.isArray(value)
        ? [[], ...Object.keys(entry).map((field) => [{ ...entry, [field]: changed(entry[field as 'index']) }])]
        : [changed(value)]
      for (const other of others) expect(digestMessage({ ...message, [name]: other } as Message), name).not.toBe(digest)
    }
  },
)
