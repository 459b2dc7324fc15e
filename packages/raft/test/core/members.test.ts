import { describe, expect, test } from 'vitest'
import { simpleConfiguration } from '../../src/core/configuration.ts'
import type { VoteRequest } from '../../src/core/messages.ts'
import {
  configurationEntry,
  coreOf,
  type Driven,
  ELECTION_TIMEOUT_MS,
  HEARTBEAT_INTERVAL_MS,
  stored,
} from './support/cluster.ts'
import { append, joint, last, leader, preVotes, receivers, withConfigurations } from './support/members.ts'

// The ids are those of the list of known protocol bugs that comments in the core refer to; § is Ongaro's dissertation.

describe('who counts', () => {
  test('P-17: in a joint configuration an entry needs a majority of both', () => {
    const node = leader()
    node.core.reconfigure({ voters: ['n1', 'n4', 'n5'], learners: [] })
    node.have('n2')
    node.have('n4', 'n5')
    expect(node.members).toBe('n1 n4 n5|n1 n2 n3||')
    const jointIndex = last(node)
    node.have('n4', 'n5')
    expect(node.core.commitIndex).toBe(jointIndex - 1)
    node.have('n2')
    expect(node.core.commitIndex).toBe(jointIndex)

    const other = leader()
    other.core.reconfigure({ voters: ['n1', 'n4', 'n5'], learners: [] })
    other.have('n2')
    other.have('n4', 'n5')
    other.have('n2', 'n3')
    expect(other.core.commitIndex).toBe(jointIndex - 1)
    other.have('n5')
    expect(other.core.commitIndex).toBe(jointIndex)
  })

  test('P-17: so does an election, and everybody in one of them is asked', () => {
    for (const [first, second] of [
      [['n4', 'n5'], 'n2'],
      [['n2', 'n3'], 'n4'],
    ] as const) {
      const node = coreOf(withConfigurations(joint(['n1', 'n4', 'n5'], ['n1', 'n2', 'n3'])))
      node.core.campaign(0)
      expect(receivers(node.settle(), 'vote-request').sort()).toEqual(['n2', 'n3', 'n4', 'n5'])
      for (const from of [...first, second]) {
        expect(node.core.role).toBe('pre-candidate')
        node.step(from, { type: 'vote-response', term: 2, preVote: true, granted: true })
      }
      node.settle()
      for (const from of [...first, second]) {
        expect(node.core.role).toBe('candidate')
        node.step(from, { type: 'vote-response', term: 2, preVote: false, granted: true })
      }
      expect(node.core.role).toBe('leader')
    }
  })

  test('P-17: so do a read and the doubt of a leader that it still leads', () => {
    const restored = withConfigurations(joint(['n1', 'n4', 'n5'], ['n1', 'n2', 'n3']))
    const lead = (): Driven => {
      const node = coreOf(restored)
      node.lead('n2', 'n4')
      return node
    }
    const node = lead()
    // The first entry of the term is committed, the next configuration is not.
    node.have('n2', 'n4')
    node.core.requestRead(7)
    const round = node.effects().messages.find(({ message }) => message.type === 'heartbeat-request')?.message
    const answer = { type: 'heartbeat-response', term: 2, round: (round as { round: number }).round } as const
    expect(node.members).toBe('n1 n4 n5|||')
    node.step('n2', answer)
    node.step('n3', answer)
    expect(node.effects().confirmedReads).toEqual([])
    node.step('n4', answer)
    expect(node.effects().confirmedReads).toMatchObject([{ ticket: 7 }])

    for (const answering of [
      ['n2', 'n3'],
      ['n4', 'n5'],
    ]) {
      const silent = lead()
      for (let ms = 0; ms <= 2 * ELECTION_TIMEOUT_MS; ms += HEARTBEAT_INTERVAL_MS) {
        for (const from of answering) silent.step(from, { type: 'heartbeat-response', term: 2, round: 0 })
        silent.pass(HEARTBEAT_INTERVAL_MS)
      }
      expect(silent.core.role).toBe('follower')
    }
  })

  test('P-17: learners never count and are not asked for votes', () => {
    const node = coreOf(undefined, { voters: ['n1', 'n2', 'n3'] })
    node.lead('n2')
    node.have('n2', 'n3')
    node.core.reconfigure({ voters: ['n1', 'n2', 'n3'], learners: ['n4', 'n5'] })
    node.pass(HEARTBEAT_INTERVAL_MS)
    expect(receivers(node.have('n4', 'n5'), 'append-request').sort()).toEqual(['n2', 'n3', 'n4', 'n5'])
    expect(node.core.commitIndex).toBe(1)
    node.have('n2')
    expect(node.core.commitIndex).toBe(2)
    expect(node.core.transfer('n4', node.nowMs)).toBe(false)

    const candidate = coreOf(withConfigurations(simpleConfiguration(['n1', 'n2', 'n3'], ['n4', 'n5'])))
    expect(preVotes(candidate, 'n4', 'n5')).toBe('pre-candidate')
    candidate.core.campaign(0)
    expect(receivers(candidate.settle(), 'vote-request')).toEqual(['n2', 'n3'])
    expect(preVotes(candidate, 'n4', 'n2')).toBe('candidate')
  })

  test('P-17: a learner does not campaign, also when it is told to', () => {
    const node = coreOf(withConfigurations(simpleConfiguration(['n2', 'n3'], ['n1'])), { voters: [] })
    node.pass(5 * ELECTION_TIMEOUT_MS)
    node.step('n2', append(1, [2, 1], [], 2))
    node.step('n2', { type: 'timeout-now', term: 1 })
    node.pass(5 * ELECTION_TIMEOUT_MS)
    expect(node.core).toMatchObject({ role: 'follower', term: 1, leader: undefined })
    expect(receivers(node.settle(), 'vote-request')).toEqual([])
  })

  test('P-29: a configuration is in force where it is appended, on the leader and on a follower', () => {
    const node = leader()
    node.core.takeEvents()
    node.core.reconfigure({ voters: ['n1', 'n2', 'n3', 'n4', 'n5'], learners: [] })
    node.have('n2', 'n4', 'n5')
    expect(node.members).toBe('n1 n2 n3 n4 n5|n1 n2 n3||')
    expect(node.core.configuration.index).toBe(3)
    expect(node.core.commitIndex).toBe(2)
    // Two of the old three are no majority of the new five.
    node.have('n2')
    expect(node.core.commitIndex).toBe(2)
    expect(node.core.takeEvents().map((event) => (event.type === 'configuration' ? event.index : event.type))).toEqual([
      2, 3,
    ])

    const follower = coreOf(stored([1]))
    follower.step('n2', append(1, [1, 1], [configurationEntry(2, 1, simpleConfiguration(['n1', 'n2', 'n4']))]))
    follower.settle()
    follower.nowMs += 3 * ELECTION_TIMEOUT_MS
    follower.core.campaign(follower.nowMs)
    expect(receivers(follower.settle(), 'vote-request')).toEqual(['n2', 'n4'])
  })
})

describe('P-10: a leader that is removed', () => {
  /** n1 leads until n2 and n3 alone are the voters; that is not committed yet. */
  const leaving = (): Driven => {
    const node = leader()
    node.core.reconfigure({ voters: ['n2', 'n3'], learners: [] })
    node.have('n2')
    node.have('n2', 'n3')
    expect(node.members).toBe('n2 n3|||')
    return node
  }

  test('P-17: goes on until that is committed, and does not count itself', () => {
    const node = leaving()
    expect(receivers(node.have('n2'), 'append-request')).toEqual([])
    expect(node.core).toMatchObject({ role: 'leader', commitIndex: 3 })
    node.propose(1)
    expect(receivers(node.settle(), 'append-request')).toEqual(['n2', 'n3'])
    expect(node.core.role).toBe('leader')
    node.have('n3')
    expect(node.core).toMatchObject({ role: 'follower', commitIndex: 4 })
  })

  test('§4.2.2: then tells the voter with the most of the log to take over, and steps down', () => {
    for (const [behind, heir] of [
      ['n2', 'n3'],
      ['n3', 'n2'],
    ] as const) {
      const node = leaving()
      node.settle()
      node.step(behind, { type: 'append-accepted', term: 1, matchIndex: 4, round: 0 })
      node.propose(1)
      const sent = node.have(heir)
      expect(receivers(sent, 'timeout-now')).toEqual([heir])
      expect(node.core).toMatchObject({ role: 'follower', leader: undefined, term: 1 })
      node.pass(5 * ELECTION_TIMEOUT_MS)
      expect(node.core.role).toBe('follower')
    }
  })

  test('who takes over needs no vote of it', () => {
    const members = withConfigurations(joint(['n1', 'n3'], ['n1', 'n2', 'n3']), simpleConfiguration(['n1', 'n3']))
    const heir = coreOf(members)
    heir.step('n2', append(1, [3, 1], [], 3))
    heir.step('n2', { type: 'timeout-now', term: 1 })
    expect(heir.core).toMatchObject({ role: 'candidate', term: 2 })
    expect(receivers(heir.settle(), 'vote-request')).toEqual(['n3'])
    heir.step('n2', { type: 'vote-response', term: 2, preVote: false, granted: true })
    expect(heir.core.role).toBe('candidate')
    heir.step('n3', { type: 'vote-response', term: 2, preVote: false, granted: true })
    expect(heir.core.role).toBe('leader')
  })
})

describe('a node that is removed', () => {
  /** n1 leads n1 and n2 alone, and that is committed; n3 has not heard of it. */
  const without = (): Driven => {
    const node = leader()
    node.core.reconfigure({ voters: ['n1', 'n2'], learners: [] })
    for (let i = 0; i < 3; i++) node.have('n2')
    expect(node.core).toMatchObject({ commitIndex: 4, role: 'leader' })
    expect(node.members).toBe('n1 n2|||')
    return node
  }

  test('is sent to until it knows, and counts for nothing meanwhile', () => {
    const node = without()
    expect([...(node.core.progress?.keys() ?? [])]).toEqual(['n2', 'n3'])
    node.propose(1)
    node.have('n3')
    expect(node.core.commitIndex).toBe(4)
    // It has the entries, and is told that they are committed by the next word.
    node.pass(HEARTBEAT_INTERVAL_MS)
    expect(receivers(node.settle(), 'heartbeat-request')).toContain('n3')
    node.settle()
    expect([...(node.core.progress?.keys() ?? [])]).toEqual(['n2'])
    node.pass(HEARTBEAT_INTERVAL_MS)
    expect(receivers(node.settle(), 'heartbeat-request')).toEqual(['n2'])
  })

  test('and is not there is given up after ten election timeouts', () => {
    const node = without()
    const pass = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += HEARTBEAT_INTERVAL_MS) {
        node.pass(HEARTBEAT_INTERVAL_MS)
        node.have('n2')
      }
    }
    pass(9 * ELECTION_TIMEOUT_MS)
    expect(node.core.progress?.has('n3')).toBe(true)
    pass(2 * ELECTION_TIMEOUT_MS)
    expect(node.core.progress?.has('n3')).toBe(false)
    expect(node.core.role).toBe('leader')
  })

  test('and knows it does not campaign', () => {
    const node = coreOf(withConfigurations(joint(['n2', 'n3'], ['n1', 'n2', 'n3']), simpleConfiguration(['n2', 'n3'])))
    node.step('n2', append(1, [3, 1], [], 3))
    node.pass(5 * ELECTION_TIMEOUT_MS)
    expect(node.core).toMatchObject({ role: 'follower', leader: undefined })
    expect(receivers(node.settle(), 'vote-request')).toEqual([])
  })

  test('§4.2.2: but may be the only one that can be elected as long as that is not committed: then it campaigns', () => {
    // n1 has the newest log; of n2 and n3 one has less, so neither can win without the other.
    const removed = withConfigurations(joint(['n2', 'n3'], ['n1', 'n2', 'n3']), simpleConfiguration(['n2', 'n3']))
    const node = coreOf(removed)
    node.step('n2', append(1, [3, 1], [], 2))
    node.pass(5 * ELECTION_TIMEOUT_MS)
    expect(node.core.role).toBe('pre-candidate')
    // It asks the voters of the newest configuration, and its own vote is none among them.
    expect(preVotes(node, 'n2')).toBe('pre-candidate')
    node.lead('n2', 'n3')
    expect(node.core.role).toBe('leader')
    // It commits, with the votes of others, and hands over.
    const handedOver = node.have('n2', 'n3')
    expect(receivers(handedOver, 'timeout-now')).toEqual(['n2'])
    expect(node.core).toMatchObject({ role: 'follower', commitIndex: 4 })
  })

  test('and does not know it disturbs nobody: neither beside a leader nor without', () => {
    const request: VoteRequest = {
      type: 'vote-request',
      term: 8,
      preVote: false,
      transfer: false,
      lastIndex: 2,
      lastTerm: 1,
    }
    const node = coreOf(withConfigurations(joint(['n1', 'n2'], ['n1', 'n2', 'n3']), simpleConfiguration(['n1', 'n2'])))
    node.step('n2', append(1, [3, 1], [], 3))
    node.settle()
    node.step('n3', request)
    node.nowMs += 5 * ELECTION_TIMEOUT_MS
    node.step('n3', request)
    node.step('n3', { ...request, preVote: true })
    expect(node.settle()).toEqual([])
    expect(node.core.term).toBe(1)
  })
})

describe('priority', () => {
  const waits = (priority: number, begin: (node: Driven) => void): number => {
    const node = coreOf(undefined, { priority })
    begin(node)
    return node.core.nextDueMs - node.nowMs
  }
  const hear = (node: Driven): void => node.step('n2', { type: 'heartbeat-request', term: 1, commitIndex: 0, round: 0 })

  test('a fraction makes the wait for a leader longer, by 1 / priority, from the first one on', () => {
    for (const begin of [hear, () => undefined]) {
      expect(waits(0.5, begin)).toBeCloseTo(2 * waits(1, begin))
      expect(waits(0.1, begin)).toBeCloseTo(10 * waits(1, begin))
    }
  })

  test('without any a node does not campaign on its own, and sees that its leader is gone', () => {
    const node = coreOf(undefined, { priority: 0 })
    hear(node)
    for (let i = 0; i < 50; i++) node.pass(ELECTION_TIMEOUT_MS)
    expect(node.core).toMatchObject({ role: 'follower', term: 1, leader: undefined })
    expect(receivers(node.settle(), 'vote-request')).toEqual([])
  })

  test('but takes over when it is told to, and gives the lead up for good when that was in vain', () => {
    for (const won of [true, false]) {
      const node = coreOf(undefined, { priority: 0 })
      hear(node)
      node.step('n2', { type: 'timeout-now', term: 1 })
      node.settle()
      if (won) node.step('n3', { type: 'vote-response', term: 2, preVote: false, granted: true })
      else for (let i = 0; i < 50; i++) node.pass(ELECTION_TIMEOUT_MS)
      expect(node.core).toMatchObject({ role: won ? 'leader' : 'follower', term: 2 })
    }
  })

  test('nobody else can lead a group of one, so there it does', () => {
    const node = coreOf(undefined, { priority: 0, voters: ['n1'] })
    node.pass(ELECTION_TIMEOUT_MS)
    node.settle()
    expect(node.core.role).toBe('leader')
  })
})
