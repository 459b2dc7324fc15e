import { InvariantError } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { CONFIGURATION_KIND, simpleConfiguration } from '../../src/core/configuration.ts'
import { decodePlaced, encodePlaced } from '../../src/core/configuration-codec.ts'
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
import { append, catchingUp, joint, last, leader, preVotes, withConfigurations } from './support/members.ts'

// The ids are those of the list of known protocol bugs that comments in the core refer to; § is Ongaro's dissertation.

describe('a change of the voters (dissertation §4.3)', () => {
  test('goes by learners that catch up, both configurations, and the new one alone', () => {
    const node = leader()
    expect(node.core.reconfigure({ voters: ['n1', 'n2', 'n4'], learners: ['n3'] })).toBe('begun')
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
    expect(node.core.reconfigure(target)).toBe('begun')
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

  test('rests while leadership is being handed over, and goes on when that was in vain', () => {
    const node = leader()
    node.core.reconfigure({ voters: ['n1', 'n2'], learners: [] })
    node.settle()
    node.core.transfer('n3', node.nowMs)
    node.have('n2')
    expect(node.core.commitIndex).toBe(2)
    expect(last(node)).toBe(2)
    for (let i = 0; i < ELECTION_TIMEOUT_MS / HEARTBEAT_INTERVAL_MS; i++) {
      node.pass(HEARTBEAT_INTERVAL_MS)
      node.step('n2', { type: 'heartbeat-response', term: 1, round: 0 })
    }
    node.settle()
    expect(node.members).toBe('n1 n2|n1 n2 n3||')
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
    expect(node.core.reconfigure(other)).toBe('begun')
  })

  test('P-27: asking again for what is on its way, or reached, appends nothing', () => {
    const node = leader()
    const four = { voters: ['n1', 'n2', 'n3', 'n4'], learners: [] }
    for (const ids of [[], ['n2'], ['n4'], ['n2', 'n4'], ['n2', 'n4'], ['n2', 'n4']]) {
      const before = last(node)
      const reached = before > 1
      expect(node.core.reconfigure({ ...four, voters: [...four.voters].reverse() })).toBe(reached ? 'reached' : 'begun')
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
    expect(node.core.reconfigure({ voters: ['n1', 'n2', 'n3'], learners: [] })).toBe('begun')
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
    expect(node.core.reconfigure(target, { voters: ['n3', 'n2', 'n1'], learners: [] })).toBe('begun')
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

  test('is no voter when it has fallen silent by the time that it could be one', () => {
    const node = leader()
    node.core.reconfigure({ voters: ['n1', 'n2', 'n4'], learners: [] })
    node.have('n4')
    for (let ms = 0; ms < 2 * ELECTION_TIMEOUT_MS; ms += HEARTBEAT_INTERVAL_MS) {
      node.pass(HEARTBEAT_INTERVAL_MS)
      node.step('n2', { type: 'heartbeat-response', term: 1, round: 0 })
    }
    node.have('n2')
    expect(node.core.commitIndex).toBe(2)
    expect(node.members).toBe('n1 n2 n3||n4|n1 n2 n4')
    node.step('n4', { type: 'heartbeat-response', term: 1, round: 0 })
    node.settle()
    expect(node.members).toBe('n1 n2 n4|n1 n2 n3||')
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
    const rejected = { rejectedIndex: 4, hintIndex: 0, hintTerm: 0, round: 0 }
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
    expect(node.core.takeEvents()).toContainEqual({ type: 'configuration', ...OF_THREE })
  })

  test('is gone when a snapshot takes the place of its entry', () => {
    const node = coreOf(stored([1]))
    node.step('n2', append(1, [1, 1], [configurationEntry(2, 1, newer)]))
    node.settle()
    node.step('n3', append(2, [9, 2], []))
    node.core.snapshotInstalled(5, 2, OF_THREE)
    expect(node.core.configuration).toEqual(OF_THREE)
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
      snapshot: { index: 5, term: 2, configuration: { index: 3, configuration } },
      entries: entriesOf([2], 6),
    })
    expect(node.core.configuration).toEqual({ index: 3, configuration })
    expect(node.core.configurationAt(6)).toEqual({ index: 3, configuration })
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

  test('where it came from is in a snapshot, and not where the snapshot is', () => {
    const placed = { index: 3, configuration: newer }
    expect(decodePlaced(encodePlaced(placed))).toEqual(placed)
    const node = coreOf(stored([1]))
    node.step('n2', { type: 'heartbeat-request', term: 1, commitIndex: 0, round: 0 })
    node.core.snapshotInstalled(9, 1, placed)
    expect(node.core.configuration).toEqual(placed)
    expect(node.core.committedConfiguration).toEqual(placed)
  })

  test('one that cannot be read is neither taken nor acknowledged: the node stops', () => {
    const node = coreOf(stored([1]))
    const entry = { index: 2, term: 1, kind: CONFIGURATION_KIND, data: Uint8Array.of(99) }
    expect(() => node.step('n2', append(1, [1, 1], [entry]))).toThrow(InvariantError)
    expect(node.core.log.lastIndex).toBe(1)
  })
})

describe('a request that comes late or twice', () => {
  test('changes nothing that was changed since its sender has looked', () => {
    const node = leader()
    const basis = node.core.committedConfiguration.index
    const wanted = { voters: ['n1', 'n2', 'n3'], learners: ['n4'] }
    expect(node.core.reconfigure(wanted, undefined, basis)).toBe('begun')
    node.have('n2')
    expect(node.core.reconfigure({ voters: ['n1', 'n2', 'n3'], learners: [] })).toBe('begun')
    node.have('n2')
    expect(node.core.reconfigure(wanted, undefined, basis)).toBe('outdated')
    expect(node.members).toBe('n1 n2 n3|||')
    expect(node.core.reconfigure(wanted, undefined, node.core.committedConfiguration.index)).toBe('begun')
  })
})
