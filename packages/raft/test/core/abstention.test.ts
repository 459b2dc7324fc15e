import { describe, expect, test } from 'vitest'
import type { Message } from '../../src/core/messages.ts'
import { Progress } from '../../src/core/progress.ts'
import { RaftCore } from '../../src/core/raft-core.ts'
import { coreOf, type Driven, ELECTION_TIMEOUT_MS, find, HEARTBEAT_INTERVAL_MS, stored } from './support/cluster.ts'
import { appendTerms as append } from './support/members.ts'

/** A node whose log had entries of `had` terms, of which those behind the first `left` are gone. */
const damaged = (had: readonly number[], left: number, term = had.at(-1) as number): Driven =>
  coreOf({ ...stored(had.slice(0, left), term), lost: { throughIndex: had.length, term: had.at(-1) as number } })

const asksForVotes = (messages: readonly { message: Message }[]): boolean =>
  messages.some(({ message }) => message.type === 'vote-request')

describe('a node that has lost entries abstains (P-40)', () => {
  test('it gives neither votes nor pre-votes, whoever asks, and takes the term', () => {
    const node = damaged([1, 1, 2, 2], 2, 5)
    node.pass(3 * ELECTION_TIMEOUT_MS)
    node.settle()
    const request = { type: 'vote-request', transfer: false, lastIndex: 99, lastTerm: 5 } as const
    for (const [preVote, transfer] of [
      [true, false],
      [false, false],
      [false, true],
    ] as const) {
      node.step('n2', { ...request, term: node.core.term + 1, preVote, transfer })
      const sent = node.settle().map(({ message }) => message)
      expect(find(sent, 'vote-response')).toMatchObject({ preVote, granted: false, why: { reason: 'abstains' } })
    }
    expect([node.core.term, node.core.votedFor]).toEqual([7, undefined])
  })

  test('it does not campaign: not when nobody is heard, not when leadership is handed to it, not when it is asked to', () => {
    const node = damaged([1, 1, 2, 2], 2, 5)
    node.step('n2', append(5, [2, 1], []))
    node.step('n2', { type: 'timeout-now', term: 5 })
    expect(asksForVotes(node.settle())).toBe(false)
    node.core.campaign(node.nowMs)
    for (let i = 0; i < 10; i++) {
      node.pass(ELECTION_TIMEOUT_MS)
      expect(asksForVotes(node.settle())).toBe(false)
    }
    expect([node.core.role, node.core.term]).toEqual(['follower', 5])
  })

  test('its mark is on the disk before it answers anybody, and a restart does not end it', () => {
    const node = damaged([1, 1, 2, 2], 2)
    node.step('n2', append(2, [4, 2], []))
    const { write, messages } = node.effects()
    expect(write?.hardState).toEqual({ term: 2, votedFor: undefined, abstention: { throughIndex: 4, term: 2 } })
    expect(messages).toEqual([])
    node.sync()
    expect(find(node.messages(), 'append-rejected')).toMatchObject({
      rejectedIndex: 4,
      hintIndex: 2,
      lostEntries: true,
    })
    const again = coreOf({ ...stored([1, 1], 2), hardState: write?.hardState ?? { term: 0, votedFor: undefined } })
    expect(again.core.abstention).toEqual({ throughIndex: 4, term: 2 })
    again.pass(3 * ELECTION_TIMEOUT_MS)
    expect(asksForVotes(again.settle())).toBe(false)
  })

  test('a second loss makes the mark no weaker', () => {
    const hardState = { term: 9, votedFor: undefined, abstention: { throughIndex: 8, term: 3 } }
    const node = coreOf({ ...stored([1, 1]), hardState, lost: { throughIndex: 5, term: 4 } })
    expect(node.core.abstention).toEqual({ throughIndex: 8, term: 4 })
  })

  test('it is over when all that it had is committed here: by the write that has the entries', () => {
    const node = damaged([1, 1, 2, 2], 2)
    node.settle()
    node.step('n2', append(2, [2, 1], [2, 2], 3))
    node.settle()
    expect(node.core.abstention).toBeDefined()
    node.step('n2', append(2, [4, 2], [2], 4))
    const { write } = node.effects()
    expect([write?.hardState, write?.entries.length]).toEqual([{ term: 2, votedFor: undefined }, 1])
    expect(node.core.takeEvents()).toContainEqual({ type: 'repaired', index: 4 })
    node.pass(3 * ELECTION_TIMEOUT_MS)
    expect(asksForVotes(node.settle())).toBe(true)
  })

  test('it is over when an entry of a higher term is committed here, wherever, and not by one of the same', () => {
    const node = damaged([1, 1, 2, 2, 2, 2], 2)
    node.settle()
    node.step('n2', append(2, [2, 1], [2], 3))
    node.settle()
    expect([node.core.commitIndex, node.core.abstention]).toEqual([3, { throughIndex: 6, term: 2 }])
    node.step('n3', append(7, [3, 2], [7], 3))
    node.settle()
    expect(node.core.abstention).toBeDefined()
    node.step('n3', { type: 'heartbeat-request', term: 7, commitIndex: 4, round: 1 })
    node.settle()
    expect([node.core.commitIndex, node.core.abstention]).toEqual([4, undefined])
  })

  test('a vote leaves only once the end of the abstention is durable', () => {
    const node = damaged([1, 1], 1)
    node.settle()
    node.step('n2', append(1, [1, 1], [1], 2))
    node.effects()
    node.pass(3 * ELECTION_TIMEOUT_MS)
    node.step('n3', { type: 'vote-request', term: 2, preVote: true, transfer: false, lastIndex: 2, lastTerm: 1 })
    expect(node.messages().filter(({ type }) => type === 'vote-response')).toEqual([])
    node.sync()
    expect(find(node.messages(), 'vote-response')).toMatchObject({ granted: true })
  })

  test('with its vote a node could win that lacks what was committed: without it none does', () => {
    // Entry 2 is committed by n1 with the help of n2, which has lost it since. n1 is gone, and n3 never had it.
    const [n2, n3] = [damaged([1, 1], 1), coreOf(stored([1], 1), { id: 'n3' })]
    for (let i = 0; i < 20; i++) {
      n2.pass(ELECTION_TIMEOUT_MS)
      n3.pass(ELECTION_TIMEOUT_MS)
      for (const { to, message } of n3.settle()) if (to === 'n2') n2.step('n3', message)
      for (const { to, message } of n2.settle()) if (to === 'n3') n3.step('n2', message)
    }
    expect([n2.core.role, n3.core.role === 'leader']).toEqual(['follower', false])
  })
})

/** A leader n1 of term 1 with `length` entries, all of which n2 and n3 have; n2 is the one that will lose some. */
function leading(length: number): Driven {
  const leader = coreOf()
  leader.lead('n2', 'n3')
  while (leader.core.log.lastIndex < length) leader.propose(leader.core.log.lastIndex)
  leader.have('n2', 'n3')
  expect(leader.core.commitIndex).toBe(length)
  return leader
}

/** Lets `leader` and n2 talk, and time pass, until both have nothing to say but heartbeats. */
function talk(leader: Driven, follower: Driven, rounds = 20): void {
  for (let i = 0; i < rounds; i++) {
    follower.nowMs = leader.nowMs
    for (const { to, message } of leader.settle()) if (to === 'n2') follower.step('n1', message)
    for (const { message } of follower.settle()) leader.step('n2', message)
    // The third voter is there all the time.
    const { term, log } = leader.core
    leader.step('n3', { type: 'append-accepted', term, matchIndex: log.lastIndex, round: 0 })
    leader.pass(HEARTBEAT_INTERVAL_MS)
  }
}

describe('its leader, in whose term it has lost them, and which sees no gap (P-13, P-19)', () => {
  test.each([0, 1, 3, 5])('gives them again when %i of 6 are left, though nobody writes', (left) => {
    const leader = leading(6)
    const follower = coreOf(
      { ...stored([1, 1, 1, 1, 1, 1].slice(0, left), 1), lost: { throughIndex: 6, term: 1 } },
      { id: 'n2' },
    )
    talk(leader, follower)
    expect([follower.terms, follower.core.commitIndex]).toEqual([[1, 1, 1, 1, 1, 1], 6])
    expect(follower.core.abstention).toBeUndefined()
    expect(leader.core.progress?.get('n2')).toMatchObject({ match: 6, state: 'replicate', mending: false })
  })

  test('and replaces those that are older than what it had acknowledged', () => {
    const leader = coreOf(stored([1, 1, 3], 3), { id: 'n1' })
    leader.lead('n2', 'n3')
    leader.have('n2', 'n3')
    // Its entries 2 and 3 are of a term whose entries it had replaced.
    const follower = coreOf({ ...stored([1, 2, 2, 2], 4), lost: { throughIndex: 4, term: 4 } }, { id: 'n2' })
    talk(leader, follower)
    expect([follower.terms, follower.core.abstention]).toEqual([[1, 1, 3, 4], undefined])
  })

  test('hands it no leadership until it has them', () => {
    const leader = leading(4)
    leader.step('n2', {
      type: 'append-rejected',
      term: 1,
      rejectedIndex: 3,
      hintIndex: 2,
      hintTerm: 1,
      round: 0,
      lostEntries: true,
    })
    expect(leader.core.progress?.get('n2')).toMatchObject({ match: 0, next: 3, state: 'probe' })
    expect(leader.core.transfer('n2', leader.nowMs)).toBe(false)
    leader.step('n2', { type: 'append-accepted', term: 1, matchIndex: 4, round: 0 })
    expect(leader.core.transfer('n2', leader.nowMs)).toBe(true)
  })

  test('goes by an ordinary refusal no more than before: what is acknowledged stays so', () => {
    const leader = leading(4)
    const refusal = { type: 'append-rejected', term: 1, rejectedIndex: 3, hintIndex: 2, hintTerm: 1, round: 0 } as const
    leader.step('n2', refusal)
    expect(leader.core.progress?.get('n2')).toMatchObject({ match: 4, next: 5, state: 'replicate' })
  })
})

describe('of one whose last entry may have been of the present term (P-40), as where its snapshot is damaged', () => {
  /** Its log ended at 8, with entries that no leader had; entry 5 is the first of the leader in term 5, which is idle. */
  const ofIdleGroup = (): { leader: Driven; follower: Driven } => {
    const leader = coreOf(stored([1, 1, 2, 2], 4))
    leader.lead('n2', 'n3')
    const follower = coreOf({ ...stored([1, 1], 5), lost: { throughIndex: 8, term: 5 } }, { id: 'n2' })
    return { leader, follower }
  }
  const asks = (sent: readonly { message: Message }[]): Message[] =>
    sent.map(({ message }) => message).filter(({ type }) => type === 'log-end-request')

  test('the abstention ends, though nobody writes, once it has the whole log of its leader', () => {
    const { leader, follower } = ofIdleGroup()
    talk(leader, follower)
    expect(follower.core.abstention).toBeUndefined()
    expect(follower.core.takeEvents()).toContainEqual({ type: 'repaired', index: 5 })
    expect([leader.core.term, leader.core.log.lastIndex]).toEqual([5, 5])
    leader.pass(HEARTBEAT_INTERVAL_MS)
    for (const { to, message } of leader.settle()) if (to === 'n2') follower.step('n1', message)
    expect(asks(follower.settle())).toEqual([])
  })

  test('it asks once it has all that it is told of, and the leader tells where its log ends, committed or not', () => {
    const { leader, follower } = ofIdleGroup()
    follower.step('n1', append(5, [2, 1], [2, 2, 5], 5))
    const heartbeat = { type: 'heartbeat-request', term: 5, commitIndex: 5, round: 1 } as const
    follower.step('n1', heartbeat)
    follower.settle()
    follower.step('n1', heartbeat)
    const [asked] = asks(follower.settle()) as [Extract<Message, { type: 'log-end-request' }>]
    expect(asked).toEqual({ type: 'log-end-request', term: 5, ticket: expect.any(Number) })
    leader.have('n3')
    leader.propose(1)
    leader.settle()
    leader.step('n2', asked)
    const answers = leader.messages()
    expect(answers).toEqual([{ type: 'log-end-response', term: 5, ticket: asked.ticket, lastIndex: 6 }])
    // It lacks that entry: the leader may commit it by an acknowledgement from before the loss.
    follower.step('n1', answers[0] as Message)
    expect(follower.core.abstention).toBeDefined()
    follower.step('n1', append(5, [5, 5], [5], 5))
    follower.step('n1', answers[0] as Message)
    const { write } = follower.effects()
    expect([follower.core.abstention, write?.entries.length, write?.hardState]).toEqual([
      undefined,
      1,
      { term: 5, votedFor: undefined },
    ])
  })

  test('an answer to an earlier life of it, from before the loss, says nothing', () => {
    const { follower } = ofIdleGroup()
    follower.step('n1', append(5, [2, 1], [2, 2, 5], 5))
    follower.step('n1', { type: 'log-end-response', term: 5, ticket: 7, lastIndex: 5 })
    expect(follower.core.abstention).toBeDefined()
    const again = new RaftCore(follower.core.view.config, stored([1, 1], 5), 2, 0)
    expect(again.view.abstentionTicket).not.toBe(follower.core.view.abstentionTicket)
  })

  test('it does not agree to sleep, since nobody would tell it then', () => {
    for (const lost of [{ throughIndex: 8, term: 5 }, undefined]) {
      const node = coreOf({ ...stored([1, 1], 5), lost }, { id: 'n2', sleepAfterHeartbeats: 2 })
      node.step('n1', append(5, [2, 1], [2, 2, 5], 5))
      node.settle()
      node.step('n1', { type: 'sleep-request', term: 5, commitIndex: 5, round: 1 })
      const sent = node.settle().map(({ message }) => message)
      expect(find(sent, 'sleep-response').asleep).toBe(lost === undefined)
    }
  })

  test('nobody tells but who leads, and nobody asks but who abstains', () => {
    const node = coreOf(stored([1], 5))
    for (let round = 1; round < 4; round++) {
      node.step('n2', append(5, [1, 1], [], 1))
      node.step('n2', { type: 'heartbeat-request', term: 5, commitIndex: 1, round })
      node.step('n3', { type: 'log-end-request', term: 5, ticket: 1 })
      expect(node.settle().filter(({ message }) => message.type.startsWith('log-end'))).toEqual([])
    }
  })
})

test('a late word of a loss costs a search, and never moves match up', () => {
  const progress = new Progress(11, 0)
  progress.becomeReplicate()
  progress.accepted(10)
  progress.lostEntries(5, 4)
  expect(progress).toMatchObject({ match: 0, next: 5, state: 'probe', mending: true })
  progress.accepted(8)
  progress.becomeReplicate()
  // This one says what is known: nothing is lost that was acknowledged since.
  progress.lostEntries(12, 9)
  expect(progress).toMatchObject({ match: 8, state: 'replicate' })
  progress.becomeSnapshot()
  progress.lostEntries(3, 2)
  expect(progress).toMatchObject({ match: 0, state: 'snapshot' })
})
