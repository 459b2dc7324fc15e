import { describe, expect, test } from 'vitest'
import { simpleConfiguration } from '../../src/core/configuration.ts'
import type { VoteRequest } from '../../src/core/messages.ts'
import { coreOf, ELECTION_TIMEOUT_MS, find, HEARTBEAT_INTERVAL_MS, OF_THREE, stored } from './support/cluster.ts'
import { appendTerms as append, voteRequest, withConfigurations } from './support/members.ts'

describe('Raft §5.1, terms', () => {
  test('a node that hears of a higher term takes it and follows', () => {
    const node = coreOf()
    node.lead('n2')
    node.step('n3', { type: 'heartbeat-response', term: 7, round: 0 })
    expect(node.core).toMatchObject({ role: 'follower', term: 7, leader: undefined, votedFor: undefined })
  })

  test('a request of an older term is refused with the present one', () => {
    const node = coreOf(stored([1, 2], 5))
    node.step('n2', append(4, [2, 2], [4]))
    expect(node.terms).toEqual([1, 2])
    expect(find(node.messages(), 'heartbeat-response').term).toBe(5)
  })
})

describe('Raft §5.2, leader election', () => {
  test('a node begins as a follower and stays one while it hears a leader', () => {
    const node = coreOf()
    expect(node.core.role).toBe('follower')
    for (let i = 0; i < 50; i++) {
      node.step('n2', { type: 'heartbeat-request', term: 1, commitIndex: 0, round: 0 })
      node.pass(ELECTION_TIMEOUT_MS * 0.9)
    }
    expect(node.core).toMatchObject({ role: 'follower', term: 1, leader: 'n2' })
  })

  test('a node that gives a vote waits anew before it asks for votes itself', () => {
    const node = coreOf()
    node.pass(ELECTION_TIMEOUT_MS * 0.9)
    // Else the vote would have to put off nothing.
    expect(node.core.nextDueMs).toBeLessThan(node.nowMs + ELECTION_TIMEOUT_MS)
    node.step('n2', voteRequest(1))
    expect(node.core.votedFor).toBe('n2')
    expect(node.core.nextDueMs).toBeGreaterThanOrEqual(node.nowMs + ELECTION_TIMEOUT_MS)
  })

  test('a candidate raises its term, votes for itself and asks all others', () => {
    const node = coreOf()
    node.pass(3 * ELECTION_TIMEOUT_MS)
    node.step('n2', { type: 'vote-response', term: 1, preVote: true, granted: true })
    node.settle()
    expect(node.core).toMatchObject({ role: 'candidate', term: 1, votedFor: 'n1' })
  })

  test('the votes of a majority make a leader, those of fewer do not', () => {
    const node = coreOf({ ...stored([]) }, { voters: ['n1', 'n2', 'n3', 'n4', 'n5'] })
    node.lead('n2', 'n3')
    expect(node.core.role).toBe('leader')
    const lonely = coreOf(stored([]), { voters: ['n1', 'n2', 'n3', 'n4', 'n5'] })
    lonely.lead('n2')
    expect(lonely.core.role).not.toBe('leader')
  })

  test('a vote counts once, however often it comes', () => {
    const node = coreOf(stored([]), { voters: ['n1', 'n2', 'n3', 'n4', 'n5'] })
    node.core.campaign(0)
    for (const from of ['n2', 'n3']) node.step(from, { type: 'vote-response', term: 1, preVote: true, granted: true })
    node.settle()
    for (let i = 0; i < 5; i++) node.step('n2', { type: 'vote-response', term: 1, preVote: false, granted: true })
    expect(node.core.role).toBe('candidate')
  })

  test('one vote a term, first come first served', () => {
    const node = coreOf()
    node.step('n2', voteRequest(1, { lastTerm: 0, lastIndex: 0 }))
    node.step('n3', voteRequest(1, { lastTerm: 0, lastIndex: 0 }))
    const answers = node.settle()
    expect(answers).toMatchObject([
      { to: 'n2', message: { granted: true, term: 1 } },
      { to: 'n3', message: { granted: false, term: 1 } },
    ])
  })

  test('a candidate that hears the leader of its term follows it', () => {
    const node = coreOf()
    node.core.campaign(0)
    node.step('n2', { type: 'vote-response', term: 1, preVote: true, granted: true })
    expect(node.core.role).toBe('candidate')
    node.step('n3', append(1, [0, 0], [1]))
    expect(node.core).toMatchObject({ role: 'follower', term: 1, leader: 'n3', votedFor: 'n1' })
  })

  test('election deadlines are drawn anew each time, so that split votes end', () => {
    const node = coreOf()
    const waits = new Set<number>()
    for (let i = 0; i < 20; i++) {
      node.step('n2', { type: 'heartbeat-request', term: 1, commitIndex: 0, round: 0 })
      waits.add(node.core.nextDueMs)
    }
    expect(waits.size).toBe(20)
    for (const dueMs of waits) {
      expect(dueMs).toBeGreaterThanOrEqual(ELECTION_TIMEOUT_MS)
      expect(dueMs).toBeLessThanOrEqual(2 * ELECTION_TIMEOUT_MS)
    }
  })
})

describe('Raft §5.3, log replication', () => {
  test('an entry is committed when a majority has it, and followers learn that', () => {
    const node = coreOf()
    node.lead('n2')
    node.propose(7)
    node.settle()
    expect(node.core.commitIndex).toBe(0)
    node.step('n2', { type: 'append-accepted', term: 1, matchIndex: 2, round: 0 })
    expect(node.core.commitIndex).toBe(2)
    node.pass(HEARTBEAT_INTERVAL_MS)
    expect(find(node.messages(), 'heartbeat-request').commitIndex).toBe(2)
  })

  test('an append whose predecessor is not there, or is of another term, is refused', () => {
    for (const prev of [
      [3, 2],
      [2, 1],
    ] as [number, number][]) {
      const node = coreOf(stored([1, 2]))
      node.step('n2', append(3, prev, [3]))
      expect(
        find(
          node.settle().map(({ message }) => message),
          'append-rejected',
        ).rejectedIndex,
      ).toBe(prev[0])
      expect(node.terms).toEqual([1, 2])
    }
  })

  test('an entry that conflicts is removed with all that follow it', () => {
    const node = coreOf(stored([1, 1, 2, 2, 2]))
    node.step('n2', append(3, [2, 1], [3]))
    expect(node.terms).toEqual([1, 1, 3])
    expect(node.effects().write?.entries).toMatchObject([{ index: 3, term: 3 }])
  })

  // Raft figure 7: the leader of term 8 brings every one of these followers to its own log.
  test.each([
    ['a', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ['b', [1, 1, 1, 4]],
    ['c', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ['d', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ['e', [1, 1, 1, 4, 4, 4, 4]],
    ['f', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])('figure 7, follower %s ends with the log of the leader', (_name, terms) => {
    const leader = coreOf(stored([1, 1, 1, 4, 4, 5, 5, 6, 6, 6], 7))
    const follower = coreOf(stored(terms, 7), { id: 'n2' })
    let out = leader.lead('n3')
    expect(leader.core).toMatchObject({ role: 'leader', term: 8 })
    for (let i = 0; i < 12; i++) {
      for (const { to, message } of out) if (to === 'n2') follower.step('n1', message)
      for (const { to, message } of follower.settle()) if (to === 'n1') leader.step('n2', message)
      out = leader.settle()
    }
    expect(follower.terms).toEqual([1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8])
    expect(leader.core.commitIndex).toBe(11)
  })

  test('the leader steps back by a term for each refusal, not by an entry', () => {
    const leader = coreOf(stored([1, ...Array.from({ length: 60 }, () => 5)]))
    const follower = coreOf(stored([1, ...Array.from({ length: 60 }, () => 3)]), { id: 'n2' })
    let out = leader.lead('n3')
    let refusals = 0
    while (follower.terms.at(-1) !== 6) {
      for (const { to, message } of out) if (to === 'n2') follower.step('n1', message)
      for (const { to, message } of follower.settle()) {
        if (message.type === 'append-rejected') refusals++
        if (to === 'n1') leader.step('n2', message)
      }
      out = leader.settle()
    }
    expect(refusals).toBeLessThanOrEqual(3)
  })
})

describe('Raft §5.4, safety', () => {
  test.each([
    ['a higher last term wins over a longer log', [1, 1, 1], 2, 1, true],
    ['a lower last term loses with a longer log', [1, 2], 1, 9, false],
    ['with the same last term the longer log wins', [1, 2], 2, 3, true],
    ['an equal log is enough', [1, 2], 2, 2, true],
    ['with the same last term the shorter log loses', [1, 2], 2, 1, false],
  ])('§5.4.1 election restriction: %s', (_name, terms, lastTerm, lastIndex, granted) => {
    const node = coreOf(stored(terms))
    node.step('n2', voteRequest(9, { lastTerm, lastIndex }))
    expect(node.settle()).toMatchObject([{ message: { type: 'vote-response', granted } }])
  })

  test('§5.4.2, figure 8 (P-11): entries of older terms are committed only by one of the present term', () => {
    const node = coreOf(stored([1, 2]), { voters: ['n1', 'n2', 'n3', 'n4', 'n5'] })
    node.lead('n2', 'n3')
    for (const from of ['n2', 'n3']) node.step(from, { type: 'append-accepted', term: 3, matchIndex: 2, round: 0 })
    expect(node.core.commitIndex).toBe(0)
    for (const from of ['n2', 'n3']) node.step(from, { type: 'append-accepted', term: 3, matchIndex: 3, round: 0 })
    expect(node.core.commitIndex).toBe(3)
  })
})

describe('Raft §5.5 and §5.6, crashes and timing', () => {
  test('an append that comes twice changes nothing the second time', () => {
    const node = coreOf(stored([1]))
    for (let i = 0; i < 2; i++) node.step('n2', append(2, [1, 1], [2, 2]))
    expect(node.terms).toEqual([1, 2, 2])
    expect(node.effects().write?.entries).toHaveLength(2)
    node.step('n2', append(2, [1, 1], [2, 2]))
    expect(node.effects().write).toBeUndefined()
  })

  test('a node that begins anew has its term, vote and log, and knows nothing as committed', () => {
    const node = coreOf(stored([1, 2], 4, 'n3'))
    expect(node.core).toMatchObject({ role: 'follower', term: 4, votedFor: 'n3', commitIndex: 0 })
    node.step('n2', voteRequest(4))
    expect(node.settle()).toMatchObject([{ message: { granted: false } }])
  })
})

describe('Raft §7 and §8, snapshots and clients', () => {
  test('§7: a follower whose entries are compacted away is sent a snapshot', () => {
    const restored = {
      ...stored([]),
      hardState: { term: 2, votedFor: undefined },
      snapshot: { index: 10, term: 2, configuration: OF_THREE },
    }
    const node = coreOf(restored)
    node.lead('n3')
    node.step('n2', { type: 'append-rejected', term: 3, rejectedIndex: 10, hintIndex: 3, hintTerm: 1, round: 0 })
    expect(node.effects().snapshotWanted).toEqual(['n2'])
  })

  test('§7: a snapshot replaces a log that conflicts with it, and keeps what follows its entry in one that agrees', () => {
    const agrees = coreOf(stored([1, 1, 1, 2]))
    expect(agrees.core.snapshotInstalled(3, 1, OF_THREE)).toBe('keep-suffix')
    expect(agrees.terms).toEqual([2])
    const conflicts = coreOf(stored([1, 1, 1, 2]))
    expect(conflicts.core.snapshotInstalled(3, 2, OF_THREE)).toBe('reset')
    expect(conflicts.terms).toEqual([])
    expect(conflicts.core).toMatchObject({ commitIndex: 3, durableIndex: 3 })
  })

  test('§8: a leader begins its term with an empty entry', () => {
    const node = coreOf(withConfigurations(simpleConfiguration(['n1', 'n2', 'n3'])))
    const out = node.lead('n2').map(({ message }) => message)
    expect(find(out, 'append-request').entries).toMatchObject([{ index: 3, term: 2, kind: 0, data: new Uint8Array() }])
  })
})

describe('dissertation', () => {
  test('§3.10: a leader hands over once the target has its whole log, and takes no proposal meanwhile', () => {
    const node = coreOf()
    node.lead('n2')
    node.step('n2', { type: 'append-accepted', term: 1, matchIndex: 1, round: 0 })
    node.propose(1)
    expect(node.core.transfer('n2', node.nowMs)).toBe(true)
    expect(node.messages().map(({ type }) => type)).not.toContain('timeout-now')
    expect(node.propose(2)).toBe('transferring')
    node.step('n2', { type: 'append-accepted', term: 1, matchIndex: 2, round: 0 })
    expect(find(node.messages(), 'timeout-now').term).toBe(1)
  })

  test('§3.10: the target begins its election at once, and living leaders are no reason to refuse it', () => {
    const target = coreOf(stored([1]), { id: 'n2' })
    target.step('n1', append(1, [1, 1], []))
    target.settle()
    target.step('n1', { type: 'timeout-now', term: 1 })
    const request = find(
      target.settle().map(({ message }) => message),
      'vote-request',
    )
    expect(request).toMatchObject({ term: 2, preVote: false, transfer: true })
    const voter = coreOf(stored([1]), { id: 'n3' })
    voter.step('n1', append(1, [1, 1], []))
    voter.settle()
    voter.step('n2', request)
    expect(
      find(
        voter.settle().map(({ message }) => message),
        'vote-response',
      ).granted,
    ).toBe(true)
  })

  test('§3.10: a transfer that does not succeed ends after an election timeout', () => {
    const node = coreOf()
    node.lead('n2', 'n3')
    node.core.transfer('n2', node.nowMs)
    for (let waited = 0; waited <= ELECTION_TIMEOUT_MS; waited += HEARTBEAT_INTERVAL_MS) {
      node.step('n3', { type: 'heartbeat-response', term: 1, round: 0 })
      node.pass(HEARTBEAT_INTERVAL_MS)
    }
    expect(node.core).toMatchObject({ role: 'leader', transferTarget: undefined })
    expect(node.propose(1)).toBeUndefined()
  })

  test('§6.2: a leader that no majority answers for an election timeout steps down', () => {
    const node = coreOf(stored([]), { voters: ['n1', 'n2', 'n3', 'n4', 'n5'] })
    node.lead('n2', 'n3')
    for (let i = 0; i < 12; i++) {
      node.step('n2', { type: 'heartbeat-response', term: 1, round: 0 })
      node.pass(HEARTBEAT_INTERVAL_MS)
    }
    expect(node.core).toMatchObject({ role: 'follower', term: 1 })
  })

  test('§6.4: a read waits for a round that begins after it, and is served at the commit of its arrival', () => {
    const node = coreOf()
    node.lead('n2')
    node.step('n2', { type: 'append-accepted', term: 1, matchIndex: 1, round: 0 })
    node.settle()
    expect(node.core.requestRead(1)).toBe(true)
    const first = find(node.messages(), 'heartbeat-request').round
    expect(node.core.requestRead(2)).toBe(true)
    expect(find(node.messages(), 'heartbeat-request').round).toBe(first + 1)
    node.step('n2', { type: 'heartbeat-response', term: 1, round: first })
    expect(node.effects().confirmedReads).toEqual([{ ticket: 1, index: 1 }])
    node.step('n2', { type: 'heartbeat-response', term: 1, round: first + 1 })
    expect(node.effects().confirmedReads).toEqual([{ ticket: 2, index: 1 }])
  })

  test('§9.6: a pre-vote is given only to a log that is up to date, and not beside a leader that is heard', () => {
    const ask = (lastIndex: number): VoteRequest => voteRequest(3, { lastTerm: 2, lastIndex, preVote: true })
    const node = coreOf(stored([1, 2]))
    node.step('n2', ask(1))
    node.step('n2', ask(2))
    expect(node.settle()).toMatchObject([{ message: { granted: false } }, { message: { granted: true, term: 3 } }])
    node.step('n3', { type: 'heartbeat-request', term: 2, commitIndex: 0, round: 0 })
    node.step('n2', ask(2))
    expect(node.settle()).toMatchObject([{ to: 'n3' }, { message: { granted: false, term: 2 } }])
    expect(node.core).toMatchObject({ term: 2, votedFor: undefined })
  })
})
