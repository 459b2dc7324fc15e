import { describe, expect, test } from 'vitest'
import { type Configuration, simpleConfiguration } from '../../src/core/configuration.ts'
import type { AppendRequest, Message, VoteRequest } from '../../src/core/messages.ts'
import type { RestoredState } from '../../src/core/raft-core.ts'
import {
  configurationEntry,
  coreOf,
  type Driven,
  ELECTION_TIMEOUT_MS,
  entriesOf,
  HEARTBEAT_INTERVAL_MS,
  OF_THREE,
  stored,
} from './support/cluster.ts'

// The ids are those of the list of known protocol bugs that comments in the core refer to; § is Ongaro's dissertation.

type Sent = readonly { readonly to: string; readonly message: Message }[]

/** n1 leads term 1 and has committed its first entry. */
function leader(config: Parameters<typeof coreOf>[1] = {}): Driven {
  const node = coreOf(undefined, config)
  node.lead('n2')
  node.have('n2')
  return node
}

/** A node whose log, in term 1, is one entry and then these configurations. */
function withConfigurations(...configurations: Configuration[]): RestoredState {
  const entries = configurations.map((configuration, i) => configurationEntry(2 + i, 1, configuration))
  return { hardState: { term: 1, votedFor: undefined }, snapshot: undefined, entries: [...entriesOf([1]), ...entries] }
}

const joint = (voters: string[], outgoing: string[], learners: string[] = []): Configuration => ({
  voters,
  outgoing,
  learners,
  target: undefined,
})

const catchingUp = (voters: string[], learners: string[], target: string[]): Configuration => ({
  voters,
  learners,
  outgoing: [],
  target: { voters: target, learners: [] },
})

const append = (
  term: number,
  prev: [number, number],
  entries: AppendRequest['entries'],
  commitIndex = 0,
): AppendRequest => ({
  type: 'append-request',
  term,
  prevIndex: prev[0],
  prevTerm: prev[1],
  commitIndex,
  round: 0,
  entries,
})

const receivers = (sent: Sent, type: Message['type']): string[] => [
  ...new Set(sent.filter(({ message }) => message.type === type).map(({ to }) => to)),
]

/** Asks for pre-votes and has those of `voters`. Returns the role that comes of it. */
function preVotes(node: Driven, ...voters: string[]): string {
  node.core.campaign(node.nowMs)
  node.settle()
  const term = node.core.term + 1
  for (const from of voters) node.step(from, { type: 'vote-response', term, preVote: true, granted: true })
  return node.core.role
}

const last = (node: Driven): number => node.core.log.lastIndex

describe('a change of the voters', () => {
  test('goes by learners that catch up, both configurations, and the new one alone', () => {
    const node = leader()
    expect(node.core.reconfigure({ voters: ['n1', 'n2', 'n4'], learners: ['n3'] })).toBeUndefined()
    expect(node.members).toBe('n1 n2 n3||n4|n1 n2 n4')
    node.have('n2')
    expect(node.core.commitIndex).toBe(2)
    expect(node.members).toBe('n1 n2 n3||n4|n1 n2 n4')
    node.have('n4')
    expect(node.members).toBe('n1 n2 n4|n1 n2 n3|n3|')
    node.have('n2')
    expect(node.members).toBe('n1 n2 n4||n3|')
    node.have('n2')
    expect(node.core.commitIndex).toBe(4)
    expect(node.terms).toEqual([1, 1, 1, 1])
  })

  test('of the learners alone is one step', () => {
    const node = leader()
    node.core.reconfigure({ voters: ['n1', 'n2', 'n3'], learners: ['n4'] })
    expect(node.members).toBe('n1 n2 n3||n4|')
    node.have('n2', 'n4')
    expect(last(node)).toBe(2)
  })

  test('P-26: is not begun before the first commit of the term', () => {
    const node = coreOf()
    node.lead('n2')
    const target = { voters: ['n1', 'n2'], learners: [] }
    expect(node.core.reconfigure(target)).toBe('not-ready')
    expect(last(node)).toBe(1)
    node.have('n2')
    expect(node.core.reconfigure(target)).toBeUndefined()
  })

  test('P-26: nor is one that was found in the log gone on with before that, even if it is known to be committed', () => {
    const node = coreOf(withConfigurations(joint(['n1', 'n2', 'n4'], ['n1', 'n2', 'n3'])))
    node.step('n2', append(1, [2, 1], [], 2))
    expect(node.core.commitIndex).toBe(2)
    node.nowMs += 2 * ELECTION_TIMEOUT_MS
    node.lead('n2', 'n3', 'n4')
    expect(node.core).toMatchObject({ role: 'leader', term: 2 })
    expect(node.terms).toEqual([1, 1, 2])
    node.have('n2')
    expect(node.terms).toEqual([1, 1, 2, 2])
    expect(node.members).toBe('n1 n2 n4|||')
  })

  test('is refused where this node does not lead, or hands over', () => {
    const target = { voters: ['n1', 'n2'], learners: [] }
    expect(coreOf().core.reconfigure(target)).toBe('not-leader')
    const node = leader()
    node.core.transfer('n3', node.nowMs)
    expect(node.core.reconfigure(target)).toBe('transferring')
  })

  test('P-27: another is refused while one is not committed, or both configurations are in force', () => {
    const node = leader()
    const two = { voters: ['n1', 'n2'], learners: [] }
    const other = { voters: ['n1', 'n3'], learners: [] }
    node.core.reconfigure(two)
    expect(node.core.reconfigure(other)).toBe('in-progress')
    node.have('n2')
    expect(node.members).toBe('n1 n2|n1 n2 n3||')
    expect(node.core.reconfigure(other)).toBe('in-progress')
    // Also once the joint one is committed: what leaves it is on its way then.
    node.have('n2')
    expect(node.members).toBe('n1 n2|||')
    expect(node.core.reconfigure(other)).toBe('in-progress')
    node.have('n2')
    expect(node.core.reconfigure(other)).toBeUndefined()
  })

  test('P-27: asking again for what is on its way, or reached, appends nothing', () => {
    const node = leader()
    const four = { voters: ['n1', 'n2', 'n3', 'n4'], learners: [] }
    for (const ids of [[], ['n2'], ['n4'], ['n2', 'n4'], ['n2', 'n4'], ['n2', 'n4']]) {
      const before = last(node)
      const reached = before > 1
      expect(node.core.reconfigure({ ...four, voters: [...four.voters].reverse() })).toBeUndefined()
      expect(last(node)).toBe(reached ? before : 2)
      node.have(...ids)
    }
    expect(last(node)).toBe(4)
    expect(node.core.commitIndex).toBe(4)
  })

  test('P-27: the joint configuration is left once, however often the leader looks', () => {
    const node = leader()
    node.core.reconfigure({ voters: ['n1', 'n2'], learners: [] })
    node.have('n2')
    for (let i = 0; i < 5; i++) node.settle()
    expect(last(node)).toBe(3)
    node.have('n2')
    for (let i = 0; i < 5; i++) node.settle()
    expect(last(node)).toBe(4)
    node.have('n2', 'n3')
    for (let i = 0; i < 5; i++) node.settle()
    expect(last(node)).toBe(4)
  })

  test('P-27: the joint configuration is not left before it is committed', () => {
    const node = leader()
    node.core.reconfigure({ voters: ['n2', 'n3', 'n4'], learners: [] })
    node.have('n2')
    node.have('n4')
    expect(node.members).toBe('n2 n3 n4|n1 n2 n3||')
    for (let i = 0; i < 5; i++) node.settle()
    expect(node.members).toBe('n2 n3 n4|n1 n2 n3||')
    expect(last(node)).toBe(3)
  })

  test('something else takes the place of one whose voters are still being brought the log', () => {
    const node = leader()
    node.core.reconfigure({ voters: ['n1', 'n2', 'n4'], learners: [] })
    node.have('n2')
    expect(node.core.reconfigure({ voters: ['n1', 'n2', 'n3'], learners: [] })).toBeUndefined()
    expect(node.members).toBe('n1 n2 n3|||')
    node.have('n2', 'n4')
    expect(last(node)).toBe(3)
  })

  test('P-31: nothing is begun when the group is not what the caller takes it for', () => {
    const node = leader()
    const target = { voters: ['n1', 'n2'], learners: [] }
    for (const expected of [
      { voters: ['n1', 'n2'], learners: [] },
      { voters: ['n1', 'n2', 'n3', 'n4'], learners: [] },
      { voters: ['n1', 'n2', 'n3'], learners: ['n4'] },
    ])
      expect(node.core.reconfigure({ voters: ['n1', 'n3'], learners: [] }, expected)).toBe('unexpected')
    expect(last(node)).toBe(1)
    expect(node.core.reconfigure(target, { voters: ['n3', 'n2', 'n1'], learners: [] })).toBeUndefined()
    expect(last(node)).toBe(2)
  })
})

describe('a later leader finishes what it finds in its log', () => {
  const finish = (node: Driven, ...ids: string[]): string => {
    node.lead('n2', 'n3', 'n4')
    expect(node.core.role).toBe('leader')
    for (let i = 0; i < 5; i++) node.have(...ids)
    expect(node.core.commitIndex).toBe(last(node))
    return node.members
  }

  test('P-27: voters that are being brought the log', () => {
    const node = coreOf(withConfigurations(catchingUp(['n1', 'n2', 'n3'], ['n4'], ['n1', 'n2', 'n4'])))
    expect(finish(node, 'n2', 'n4')).toBe('n1 n2 n4|||')
    expect(node.terms).toEqual([1, 1, 2, 2, 2])
  })

  test('P-27: the joint configuration, committed or not', () => {
    for (const commitIndex of [0, 2]) {
      const node = coreOf(withConfigurations(joint(['n1', 'n2', 'n4'], ['n1', 'n2', 'n3'])))
      node.step('n2', append(1, [2, 1], [], commitIndex))
      node.nowMs += 2 * ELECTION_TIMEOUT_MS
      expect(finish(node, 'n2')).toBe('n1 n2 n4|||')
      expect(node.terms).toEqual([1, 1, 2, 2])
    }
  })

  test('P-27: the new one alone, that is not committed yet', () => {
    const both = joint(['n1', 'n2', 'n4'], ['n1', 'n2', 'n3'])
    const node = coreOf(withConfigurations(both, simpleConfiguration(['n1', 'n2', 'n4'])))
    expect(finish(node, 'n2')).toBe('n1 n2 n4|||')
    expect(node.terms).toEqual([1, 1, 1, 2])
  })
})

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

    const silent = lead()
    for (let ms = 0; ms <= 2 * ELECTION_TIMEOUT_MS; ms += HEARTBEAT_INTERVAL_MS) {
      for (const from of ['n2', 'n3']) silent.step(from, { type: 'heartbeat-response', term: 2, round: 0 })
      silent.pass(HEARTBEAT_INTERVAL_MS)
    }
    expect(silent.core.role).toBe('follower')
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

describe('P-31: who is new', () => {
  test('counts for nothing until it has the log, so one that is not there takes nothing away', () => {
    const node = leader()
    node.core.reconfigure({ voters: ['n1', 'n2', 'n3', 'n4'], learners: [] })
    for (let i = 0; i < 20; i++) {
      node.propose(i)
      node.pass(HEARTBEAT_INTERVAL_MS)
      // n3 is down, too: with n4 as a voter, two of four would be no majority.
      node.have('n2')
    }
    expect(node.members).toBe('n1 n2 n3||n4|n1 n2 n3 n4')
    expect(node.core.commitIndex).toBe(22)
  })

  test('is no voter while it needs a snapshot', () => {
    const node = leader()
    node.propose(1, 2, 3)
    node.have('n2', 'n3')
    node.core.compact(4)
    node.core.reconfigure({ voters: ['n1', 'n2', 'n3', 'n4'], learners: [] })
    node.have('n2')
    node.pass(HEARTBEAT_INTERVAL_MS)
    node.settle()
    const rejected = { rejectedIndex: 5, hintIndex: 0, hintTerm: 0, round: 0 }
    node.step('n4', { type: 'append-rejected', term: 1, ...rejected })
    expect(node.effects().snapshotWanted).toEqual(['n4'])
    node.pass(HEARTBEAT_INTERVAL_MS)
    node.have('n2')
    expect(node.members).toBe('n1 n2 n3||n4|n1 n2 n3 n4')
    node.have('n4')
    expect(node.members).toBe('n1 n2 n3 n4|n1 n2 n3||')
  })

  /** A new node that answers each round of catching up so late, while entries come all the time. Whether it came to vote. */
  const becomesVoter = (answersAfterMs: number): boolean => {
    const node = leader()
    node.core.reconfigure({ voters: ['n1', 'n2', 'n4'], learners: [] })
    node.have('n2')
    let has = 0
    let reachesMs = answersAfterMs
    for (let ms = 0; ms < 10 * answersAfterMs; ms += HEARTBEAT_INTERVAL_MS) {
      const before = last(node)
      if (node.nowMs >= reachesMs) {
        const round = { type: 'append-accepted', term: 1, matchIndex: has === 0 ? 2 : has, round: 0 } as const
        node.step('n4', round)
        has = before
        reachesMs = node.nowMs + answersAfterMs
      } else node.step('n4', { type: 'heartbeat-response', term: 1, round: 0 })
      node.propose(1)
      node.pass(HEARTBEAT_INTERVAL_MS)
      node.have('n2')
      if (node.core.configuration.configuration.voters.includes('n4')) return true
    }
    return false
  }

  test('§4.2.1: votes when a round of catching up takes less than an election timeout, though entries never end', () => {
    expect(becomesVoter(ELECTION_TIMEOUT_MS / 2)).toBe(true)
    expect(becomesVoter(3 * ELECTION_TIMEOUT_MS)).toBe(false)
  })
})

describe('P-28: a configuration that is not committed', () => {
  const newer = simpleConfiguration(['n1', 'n4', 'n5'])

  test('is gone when its entry is cut', () => {
    const node = coreOf(stored([1]))
    node.step('n2', append(1, [1, 1], [configurationEntry(2, 1, joint(['n1', 'n4', 'n5'], ['n1', 'n2', 'n3']))]))
    expect(node.members).toBe('n1 n4 n5|n1 n2 n3||')
    node.core.takeEvents()
    node.step('n3', append(2, [1, 1], entriesOf([2], 2)))
    expect(node.members).toBe('n1 n2 n3|||')
    expect(node.core.takeEvents()).toContainEqual({ type: 'configuration', index: 0, configuration: OF_THREE })
  })

  test('is gone when a snapshot takes the place of its entry', () => {
    const node = coreOf(stored([1]))
    node.step('n2', append(1, [1, 1], [configurationEntry(2, 1, newer)]))
    node.settle()
    node.step('n3', append(2, [9, 2], []))
    node.core.snapshotInstalled(5, 2, OF_THREE)
    expect(node.core.configuration).toEqual({ index: 5, configuration: OF_THREE })
  })

  test('stays when it lies behind a snapshot that agrees with the log, and what the snapshot covers can still be asked for', () => {
    const node = coreOf(stored([1]))
    node.step('n2', append(1, [1, 1], [...entriesOf([1], 2), configurationEntry(3, 1, newer)]))
    node.settle()
    node.core.snapshotInstalled(2, 1, OF_THREE)
    expect(node.members).toBe('n1 n4 n5|||')
    expect(node.core.configurationAt(2)).toEqual(OF_THREE)
    node.step('n3', append(2, [2, 1], entriesOf([2], 3)))
    expect(node.members).toBe('n1 n2 n3|||')
  })

  test('a snapshot keeps both halves of a joint one, and a node that begins anew has them', () => {
    const configuration = joint(['n1', 'n4', 'n5'], ['n1', 'n2', 'n3'])
    const node = coreOf({
      hardState: { term: 2, votedFor: undefined },
      snapshot: { index: 5, term: 2, configuration },
      entries: entriesOf([2], 6),
    })
    expect(node.core.configuration).toEqual({ index: 5, configuration })
    expect(node.core.configurationAt(6)).toEqual(configuration)
    expect(preVotes(node, 'n4', 'n5')).toBe('pre-candidate')
    node.lead('n4', 'n5', 'n2')
    expect(node.core.role).toBe('leader')
  })

  test('what the log of a node says goes before what it is told, and the log before the snapshot', () => {
    const { hardState, entries } = withConfigurations(newer)
    expect(coreOf({ hardState, snapshot: undefined, entries }).members).toBe('n1 n4 n5|||')
    expect(coreOf({ hardState, snapshot: undefined, entries }, { voters: [] }).members).toBe('n1 n4 n5|||')
    const snapshot = { index: 5, term: 2, configuration: OF_THREE }
    const behind = [configurationEntry(6, 2, newer)]
    expect(coreOf({ hardState, snapshot, entries: behind }, { voters: ['n1'] }).members).toBe('n1 n4 n5|||')
    expect(coreOf({ hardState, snapshot, entries: [] }, { voters: ['n1'] }).members).toBe('n1 n2 n3|||')
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
