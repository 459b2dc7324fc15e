import { expect, test } from 'vitest'
import type { AppendRequest } from '../../src/core/messages.ts'
import { coreOf, ELECTION_TIMEOUT_MS, find, stored } from './support/cluster.ts'

/** What the leader of term 1 sends to a node that has everything. */
const HEARD: AppendRequest = {
  type: 'append-request',
  term: 1,
  prevIndex: 1,
  prevTerm: 1,
  commitIndex: 0,
  round: 0,
  entries: [],
}

test('P-06: a node without pre-vote begins its election at once, and disturbs nobody who hears a leader', () => {
  const older = coreOf(stored([1]), { preVote: false })
  older.core.campaign(0)
  expect(older.core).toMatchObject({ role: 'candidate', term: 2 })
  const request = find(
    older.settle().map(({ message }) => message),
    'vote-request',
  )
  expect(request).toMatchObject({ term: 2, preVote: false, transfer: false })
  const newer = coreOf(stored([1]), { id: 'n2' })
  newer.step('n3', HEARD)
  newer.settle()
  newer.step('n1', request)
  expect(newer.settle()).toEqual([])
  expect(newer.core).toMatchObject({ term: 1, leader: 'n3' })
  // The leader learns that the other is ahead when it writes to it, and the group meets in a higher term.
  older.step('n3', HEARD)
  expect(
    find(
      older.settle().map(({ message }) => message),
      'heartbeat-response',
    ).term,
  ).toBe(2)
})

test('Raft §5.2: who asks for votes in vain, term after term, does not keep from its election who could win it', () => {
  const node = coreOf(stored([1]))
  const { nextDueMs } = node.core
  for (const term of [2, 3]) {
    node.step('n2', { type: 'vote-request', term, preVote: false, transfer: false, lastTerm: 0, lastIndex: 0 })
    node.settle()
    expect(node.core).toMatchObject({ term, role: 'follower', votedFor: undefined, nextDueMs })
  }
  // A vote that it gives is another matter: then somebody else may win.
  node.nowMs = ELECTION_TIMEOUT_MS / 10
  node.step('n2', { type: 'vote-request', term: 4, preVote: false, transfer: false, lastTerm: 1, lastIndex: 1 })
  expect(node.core.votedFor).toBe('n2')
  expect(node.core.nextDueMs).not.toBe(nextDueMs)
})

test('P-25: where there are leases every node asks first', () => {
  const node = coreOf(stored([]), { preVote: false, leaseClockDrift: 0.01 })
  node.core.campaign(0)
  expect(node.core.role).toBe('pre-candidate')
})
