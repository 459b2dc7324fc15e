import { describe, expect, test } from 'vitest'
import type { VoteRequest } from '../../src/core/messages.ts'
import { coreOf, type Driven, ELECTION_TIMEOUT_MS, HEARTBEAT_INTERVAL_MS, stored } from './support/cluster.ts'

// P-25 of the list of known protocol bugs; dissertation §6.4.1.

const FIVE = ['n1', 'n2', 'n3', 'n4', 'n5']
/** Clocks that differ by a tenth: a lease lasts 81.8 ms of the election timeout of 100 ms. */
const LEASES = { leaseClockDrift: 0.1 }

/** n1 leads and has committed its first entry; no round has begun. */
function leader(config: Parameters<typeof coreOf>[1] = LEASES): Driven {
  const node = coreOf(undefined, config)
  const others = (config.voters ?? ['n2']).filter((id) => id !== 'n1')
  node.lead(...others)
  node.have(...others)
  return node
}

/** Begins a round at the next heartbeat; `voters` answer it after so many milliseconds. */
function round(node: Driven, answeredAfterMs: number, ...voters: string[]): void {
  node.pass(HEARTBEAT_INTERVAL_MS)
  const sent = node.messages().find(({ type }) => type === 'heartbeat-request')
  if (sent?.type !== 'heartbeat-request') throw new Error('no heartbeat was sent')
  node.nowMs += answeredAfterMs
  for (const from of voters) node.step(from, { type: 'heartbeat-response', term: node.core.term, round: sent.round })
  node.effects()
}

/** Whether a read at `nowMs` is answered at once. */
function hasLease(node: Driven, nowMs: number): boolean {
  node.nowMs = nowMs
  const before = node.core.commitIndex
  expect(node.core.requestLeaseRead(1, nowMs)).toBe(true)
  const { confirmedReads } = node.effects()
  if (confirmedReads.length > 0) expect(confirmedReads).toEqual([{ ticket: 1, index: before }])
  return confirmedReads.length > 0
}

const vote = (term: number, more: Partial<VoteRequest> = {}): VoteRequest => ({
  type: 'vote-request',
  term,
  preVote: false,
  transfer: false,
  lastIndex: 9,
  lastTerm: 9,
  ...more,
})

const isGranted = (node: Driven, request: VoteRequest): boolean => {
  node.step('n3', request)
  return node.settle().some(({ message }) => message.type === 'vote-response' && message.granted)
}

describe('P-25, dissertation §6.4.1: the lease of a leader', () => {
  test('counts from when the round left, however late its answers come, and ends earlier by the drift of clocks', () => {
    const beginsMs = HEARTBEAT_INTERVAL_MS
    for (const [leaseClockDrift, lastsMs] of [
      [0.1, 81.8],
      [0, 99.9],
      [0.5, 33.3],
    ] as const) {
      for (const answeredAfterMs of [0, 20]) {
        for (const [atMs, expected] of [
          [beginsMs + lastsMs, true],
          [beginsMs + lastsMs + 0.1, false],
          // A process that was paused looks at the clock before it answers.
          [beginsMs + 20 * lastsMs, false],
        ] as const) {
          const node = leader({ leaseClockDrift })
          round(node, answeredAfterMs, 'n2')
          expect(hasLease(node, atMs)).toBe(expected)
        }
      }
    }
  })

  test('counts from the newest round that a majority has answered, not from the newest', () => {
    const node = leader({ ...LEASES, voters: FIVE })
    round(node, 0, 'n2', 'n3')
    round(node, 0, 'n2')
    round(node, 0)
    expect(hasLease(node, 91)).toBe(true)
    expect(hasLease(node, 92)).toBe(false)
    const renewed = leader({ ...LEASES, voters: FIVE })
    for (let i = 0; i < 5; i++) round(renewed, 0, 'n2', 'n3')
    expect(hasLease(renewed, 131)).toBe(true)
    expect(hasLease(renewed, 132)).toBe(false)
  })

  test('is that of both majorities where two configurations are in force', () => {
    const leaseOf = (...answering: string[]): boolean => {
      const node = leader()
      node.core.reconfigure({ voters: ['n1', 'n4', 'n5'], learners: [] })
      node.have('n2')
      node.have('n4', 'n5')
      expect(node.members).toBe('n1 n4 n5|n1 n2 n3||')
      round(node, 0, ...answering)
      return hasLease(node, node.nowMs + 1)
    }
    expect(leaseOf('n2', 'n4')).toBe(true)
    expect(leaseOf('n4', 'n5')).toBe(false)
    expect(leaseOf('n2', 'n3')).toBe(false)
  })

  test('is none before the first commit of the term', () => {
    const node = coreOf(stored([1], 0), LEASES)
    node.nowMs = ELECTION_TIMEOUT_MS
    node.lead('n2')
    round(node, 0, 'n2', 'n3')
    expect(node.core.role).toBe('leader')
    expect(hasLease(node, node.nowMs + 1)).toBe(false)
    node.have('n2')
    expect(hasLease(node, node.nowMs + 1)).toBe(true)
  })

  test('is none where it is not asked for, and a round answers then', () => {
    const node = leader({ electionTimeoutMs: ELECTION_TIMEOUT_MS })
    round(node, 0, 'n2')
    expect(node.core.requestLeaseRead(1, node.nowMs)).toBe(true)
    const { confirmedReads, messages } = node.effects()
    expect(confirmedReads).toEqual([])
    expect(messages.map(({ message }) => message.type)).toContain('heartbeat-request')
    node.step('n2', { type: 'heartbeat-response', term: 1, round: 2 })
    expect(node.effects().confirmedReads).toMatchObject([{ ticket: 1 }])
  })

  test('is none at a node that does not lead', () => {
    expect(coreOf(undefined, LEASES).core.requestLeaseRead(1, 0)).toBe(false)
  })

  test('is given up for the rest of the term once somebody was told to take over, whatever comes of it', () => {
    const node = leader()
    round(node, 0, 'n2')
    expect(hasLease(node, node.nowMs)).toBe(true)
    expect(node.core.transfer('n2', node.nowMs)).toBe(true)
    expect(hasLease(node, node.nowMs)).toBe(false)
    for (let i = 0; i < 20; i++) round(node, 0, 'n2', 'n3')
    expect(node.core.transferTarget).toBeUndefined()
    expect(hasLease(node, node.nowMs)).toBe(false)
    // The next term is another matter.
    node.step('n2', { type: 'heartbeat-response', term: 5, round: 0 })
    node.nowMs += 2 * ELECTION_TIMEOUT_MS
    node.lead('n2')
    node.have('n2')
    round(node, 0, 'n2')
    expect(hasLease(node, node.nowMs)).toBe(true)
  })

  test('rests while a transfer waits for its target, and comes back when nobody was told', () => {
    const node = leader()
    node.propose(1)
    node.have('n2')
    expect(node.core.transfer('n3', node.nowMs)).toBe(true)
    round(node, 0, 'n2')
    expect(hasLease(node, node.nowMs)).toBe(false)
    for (let i = 0; i < 20; i++) round(node, 0, 'n2')
    expect(hasLease(node, node.nowMs)).toBe(true)
  })
})

describe('P-25: the promise that a lease counts on', () => {
  const hear = (node: Driven): void => {
    node.step('n2', { type: 'heartbeat-request', term: 1, commitIndex: 0, round: 0 })
    node.settle()
  }

  test('outlives a change of term', () => {
    for (const [config, expected] of [
      [LEASES, false],
      [{}, true],
    ] as const) {
      const node = coreOf(undefined, config)
      hear(node)
      node.step('n3', { type: 'heartbeat-response', term: 5, round: 0 })
      expect(node.core).toMatchObject({ term: 5, leader: undefined })
      node.nowMs = ELECTION_TIMEOUT_MS - 1
      expect(isGranted(node, vote(6, { preVote: true }))).toBe(expected)
      expect(isGranted(node, vote(6))).toBe(expected)
      node.nowMs = ELECTION_TIMEOUT_MS
      expect(isGranted(node, vote(6))).toBe(true)
    }
  })

  test('outlives a restart, as far as anybody can know: unless the node was never in a term', () => {
    for (const [config, restored, expected] of [
      [LEASES, stored([1]), false],
      [LEASES, stored([], 1), false],
      [LEASES, stored([]), true],
      [{}, stored([1]), true],
    ] as const) {
      const node = coreOf(restored, config)
      node.nowMs = ELECTION_TIMEOUT_MS - 1
      expect(isGranted(node, vote(6, { preVote: true }))).toBe(expected)
      expect(isGranted(node, vote(6))).toBe(expected)
      node.nowMs = ELECTION_TIMEOUT_MS
      expect(isGranted(node, vote(6))).toBe(true)
    }
  })

  test('does not bind against an election that the leader has asked for', () => {
    const node = coreOf(stored([1]), LEASES)
    hear(node)
    expect(isGranted(node, vote(6, { transfer: true }))).toBe(true)
  })

  test('binds the own vote, in a pre-vote and in an election', () => {
    const asked = (...voters: string[]): Driven => {
      const node = coreOf(stored([1]), { ...LEASES, voters: FIVE })
      node.pass(ELECTION_TIMEOUT_MS - 1)
      expect(node.core.role).toBe('pre-candidate')
      for (const from of voters) node.step(from, { type: 'vote-response', term: 2, preVote: true, granted: true })
      return node
    }
    expect(asked('n2', 'n3').core.role).toBe('pre-candidate')
    // The others would do without it, but as a candidate it would vote for itself: the three may think otherwise by then.
    const node = asked('n2', 'n3', 'n4')
    expect(node.core).toMatchObject({ role: 'follower', term: 1, votedFor: undefined })
    while (node.core.role !== 'pre-candidate') node.pass(10)
    for (const from of ['n2', 'n3']) node.step(from, { type: 'vote-response', term: 2, preVote: true, granted: true })
    expect(node.core).toMatchObject({ role: 'candidate', term: 2 })
  })

  test('keeps no transfer waiting', () => {
    const node = coreOf(stored([1]), LEASES)
    hear(node)
    node.step('n2', { type: 'timeout-now', term: 1 })
    expect(node.core.role).toBe('candidate')
  })
})
