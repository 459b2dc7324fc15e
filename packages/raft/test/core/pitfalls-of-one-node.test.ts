import { expect, test } from 'vitest'
import { simpleConfiguration } from '../../src/core/configuration.ts'
import type { VoteRequest } from '../../src/core/messages.ts'
import {
  configurationEntry,
  coreOf,
  ELECTION_TIMEOUT_MS,
  entriesOf,
  find,
  HEARTBEAT_INTERVAL_MS,
  stored,
} from './support/cluster.ts'

// What the stories of several nodes show in passing, said of one. The ids are those of PITFALLS.md.

const appendsTo = (node: ReturnType<typeof coreOf>, to: string): unknown[] =>
  node.settle().flatMap((sent) => (sent.to === to && sent.message.type === 'append-request' ? [sent.message] : []))

test('P-05: a granted pre-vote brings no term: the one that it names has not begun', () => {
  const node = coreOf(stored([]), { voters: ['n1', 'n2', 'n3', 'n4', 'n5'] })
  node.core.campaign(0)
  node.step('n2', { type: 'vote-response', term: 1, preVote: true, granted: true })
  expect(node.core).toMatchObject({ role: 'pre-candidate', term: 0 })
})

test.each([
  ['a vote', false],
  ['a pre-vote', true],
])('P-16: %s goes to nobody whose log ends in an earlier term, or ends earlier in the same', (_what, preVote) => {
  for (const [lastTerm, lastIndex, granted] of [
    [1, 9, false],
    [2, 1, false],
    [2, 2, true],
    [3, 1, true],
  ] as const) {
    const node = coreOf(stored([1, 2]))
    const request: VoteRequest = { type: 'vote-request', term: 5, preVote, transfer: false, lastTerm, lastIndex }
    node.step('n2', request)
    expect(node.settle()).toMatchObject([{ to: 'n2', message: { type: 'vote-response', granted } }])
  }
})

test('P-08: a transfer to one that does not answer ends after an election timeout, and commands are taken again', () => {
  const node = coreOf()
  node.lead('n2')
  node.have('n2')
  expect(node.core.transfer('n2', node.nowMs)).toBe(true)
  expect(node.propose(1)).toBe('transferring')
  for (let ms = 0; ms <= ELECTION_TIMEOUT_MS; ms += HEARTBEAT_INTERVAL_MS) {
    node.pass(HEARTBEAT_INTERVAL_MS)
    node.step('n3', { type: 'heartbeat-response', term: 1, round: 0 })
  }
  expect(node.core).toMatchObject({ role: 'leader', transferTarget: undefined })
  expect(node.propose(1)).toBeUndefined()
})

test('P-29: a configuration that a log ends in is in force from the start', () => {
  const entries = [...entriesOf([1]), configurationEntry(2, 1, simpleConfiguration(['n1', 'n4', 'n5']))]
  const node = coreOf({ ...stored([], 1), entries })
  expect(node.members).toBe('n1 n4 n5|||')
  expect(node.core.configuration.index).toBe(2)
})

test('P-43: a node that begins anew takes for committed what its snapshot holds, and nothing else of its log', () => {
  expect(coreOf(stored([1, 1, 2])).core).toMatchObject({ commitIndex: 0, log: { lastIndex: 3 } })
})

test('P-45: a probe that was lost is sent again with the next heartbeat', () => {
  const node = coreOf()
  node.lead('n2')
  node.pass(HEARTBEAT_INTERVAL_MS)
  expect(appendsTo(node, 'n3')).toMatchObject([{ prevIndex: 0 }])
  node.pass(HEARTBEAT_INTERVAL_MS)
  expect(appendsTo(node, 'n3')).toMatchObject([{ prevIndex: 0 }])
})

test('P-45, P-48: an append that is lost beside heartbeats that are answered is asked for, and sent again', () => {
  const node = coreOf()
  node.lead('n2')
  node.have('n2', 'n3')
  node.propose(7)
  expect(appendsTo(node, 'n3')).toMatchObject([{ prevIndex: 1, entries: [{ index: 2 }] }])
  for (let i = 0; i < 3; i++) {
    node.pass(HEARTBEAT_INTERVAL_MS)
    const asked = node.settle().filter(({ to }) => to === 'n3')
    const append = asked.find(({ message }) => message.type === 'append-request')?.message
    if (append?.type === 'append-request' && append.prevIndex === 2) {
      node.step('n3', { type: 'append-rejected', term: 1, rejectedIndex: 2, hintIndex: 1, hintTerm: 1, round: 0 })
      expect(find(node.messages(), 'append-request')).toMatchObject({ prevIndex: 1, entries: [{ index: 2 }] })
      return
    }
    for (const from of ['n2', 'n3']) node.step(from, { type: 'heartbeat-response', term: 1, round: 0 })
  }
  expect.unreachable('nobody asks for what was lost')
})
