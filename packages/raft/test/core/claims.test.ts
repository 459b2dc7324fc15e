import { InvariantError } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import {
  aimAt,
  type Configuration,
  enterJoint,
  leaveJoint,
  type Membership,
  simpleConfiguration,
} from '../../src/core/configuration.ts'
import type { AppendRequest, Message } from '../../src/core/messages.ts'
import { countVotes } from '../../src/core/quorum.ts'
import {
  coreOf,
  ELECTION_TIMEOUT_MS,
  entriesOf,
  find,
  HEARTBEAT_INTERVAL_MS,
  NOTHING_STORED,
  OF_THREE,
  stored,
} from './support/cluster.ts'

// Claims of the paper and the dissertation that `paper.test.ts` does not have.

const append = (term: number, prev: [number, number], terms: number[]): AppendRequest => ({
  ...{ type: 'append-request', term, prevIndex: prev[0], prevTerm: prev[1], commitIndex: 0, round: 0 },
  entries: entriesOf(terms, prev[0] + 1),
})

describe('Raft §5', () => {
  test('§5.1: a request for a vote of an older term is refused with the present one', () => {
    const node = coreOf(stored([1], 5))
    const request = { type: 'vote-request', preVote: false, transfer: false, lastTerm: 9, lastIndex: 9 } as const
    node.step('n2', { ...request, term: 4 })
    expect(node.settle()).toMatchObject([{ to: 'n2', message: { type: 'vote-response', term: 5, granted: false } }])
    expect(node.core.votedFor).toBeUndefined()
  })

  test('§5.2: a leader with nothing to say shows that it lives, at every heartbeat and to everybody', () => {
    const node = coreOf()
    node.lead('n2')
    node.have('n2', 'n3')
    for (let i = 0; i < 5; i++) {
      node.pass(HEARTBEAT_INTERVAL_MS)
      const told = node.settle().filter(({ message }) => message.type === 'heartbeat-request')
      expect(told.map(({ to }) => to).sort()).toEqual(['n2', 'n3'])
      node.have('n2', 'n3')
    }
  })

  test('§5.2: a candidate whom no majority answers begins another election, in a higher term', () => {
    const node = coreOf()
    for (const term of [1, 2, 3]) {
      while (node.core.role !== 'pre-candidate') node.pass(HEARTBEAT_INTERVAL_MS)
      node.settle()
      node.step('n2', { type: 'vote-response', term, preVote: true, granted: true })
      expect(node.core).toMatchObject({ role: 'candidate', term })
      node.settle()
    }
  })

  test('§5.3, leader append-only: what others send changes nothing in the log of a leader', () => {
    const node = coreOf(stored([1, 1]))
    node.lead('n2')
    node.propose(1)
    const { terms } = node
    node.step('n3', append(1, [1, 1], [1, 1, 1]))
    expect(node.terms).toEqual(terms)
    expect(() => node.step('n3', append(2, [1, 1], [2]))).toThrow(/leads term 2 beside n1/)
    expect(node.terms).toEqual(terms)
  })

  test('§5.2, election safety: who hears two leaders in one term stops, whatever it is told and also after it has lost the first', () => {
    const heartbeat = { type: 'heartbeat-request', term: 1, commitIndex: 0, round: 1 } as const
    const requests: readonly Message[] = [
      heartbeat,
      append(1, [0, 0], [1]),
      { ...heartbeat, type: 'sleep-request' },
      { type: 'commit-notice', term: 1, commitIndex: 0 },
    ]
    for (const request of requests) {
      for (const loses of [false, true]) {
        const node = coreOf()
        node.step('n2', heartbeat)
        if (loses) while (node.core.leader !== undefined) node.pass(ELECTION_TIMEOUT_MS)
        expect(() => node.step('n3', request)).toThrow(InvariantError)
        expect(() => node.step('n3', request)).toThrow(/n3 leads term 1 beside n2/)
        expect([node.core.leader, node.terms]).toEqual([loses ? undefined : 'n2', []])
        node.step('n3', { ...request, term: 2 })
        expect(node.core).toMatchObject({ term: 2, leader: 'n3' })
      }
    }
    const deposed = coreOf()
    deposed.lead('n2')
    deposed.pass(2 * ELECTION_TIMEOUT_MS)
    expect(deposed.core).toMatchObject({ role: 'follower', term: 1 })
    expect(() => deposed.step('n3', heartbeat)).toThrow(/n3 leads term 1 beside n1/)
  })

  test('§5.6: a leader whom a majority answers within the election timeout stays, however long', () => {
    const node = coreOf()
    node.lead('n2')
    for (let i = 0; i < 100; i++) {
      node.have('n2')
      node.pass(ELECTION_TIMEOUT_MS * 0.9)
    }
    expect(node.core).toMatchObject({ role: 'leader', term: 1 })
  })
})

describe('Raft §7', () => {
  const restored = {
    ...NOTHING_STORED,
    hardState: { term: 2, votedFor: undefined },
    snapshot: { index: 10, term: 2, configuration: OF_THREE },
  }

  test('§7: the last index and term of a snapshot are what the first append behind it is compared with', () => {
    const node = coreOf(restored)
    node.step('n2', append(3, [10, 1], [3]))
    expect(node.core.log.lastIndex).toBe(10)
    node.step('n2', append(3, [10, 2], [3]))
    expect(node.core.log.lastIndex).toBe(11)
  })

  test('§7: a part of a snapshot is a word of the leader, so its follower waits on', () => {
    const node = coreOf(stored([1]))
    const chunk = { snapshotIndex: 20, snapshotTerm: 1, offset: 0, totalBytes: 9_000, checksums: undefined }
    for (let i = 0; i < 20; i++) {
      node.step('n2', {
        ...{ type: 'snapshot-chunk', term: 1, ...chunk },
        ...{ context: new Uint8Array(0), data: new Uint8Array(1) },
      })
      node.pass(ELECTION_TIMEOUT_MS * 0.9)
      node.settle()
    }
    expect(node.core).toMatchObject({ role: 'follower', leader: 'n2', term: 1 })
  })
})

/** Every set of `ids`, the empty one among them. */
const subsets = (ids: readonly string[]): string[][] =>
  Array.from({ length: 2 ** ids.length }, (_, bits) => ids.filter((_id, i) => (bits >> i) & 1))

describe('dissertation', () => {
  test('§4.1, Raft §6: whatever decides in a step of a change shares a node with whatever decides in the next', () => {
    const ids = ['n1', 'n2', 'n3', 'n4', 'n5']
    const sets = subsets(ids)
    const decides = (configuration: Configuration, set: readonly string[]): boolean =>
      countVotes(configuration, new Map(set.map((id) => [id, true]))) === 'won'
    const apart = (a: Configuration, b: Configuration): boolean =>
      sets.some(
        (set) =>
          decides(a, set) &&
          decides(
            b,
            ids.filter((id) => !set.includes(id)),
          ),
      )
    const groups: Membership[] = sets.filter(({ length }) => length > 0).map((voters) => ({ voters, learners: [] }))
    const found: string[] = []
    for (const from of groups) {
      for (const target of groups) {
        const first = simpleConfiguration(from.voters)
        const aimed = aimAt(first, target)
        const joint = enterJoint(aimed, target)
        if (apart(first, aimed) || apart(aimed, joint) || apart(joint, leaveJoint(joint)))
          found.push(`${from.voters} to ${target.voters}`)
      }
    }
    expect(found).toEqual([])
    // It is no matter of course: the first and the last can be apart.
    expect(apart(simpleConfiguration(['n1', 'n2', 'n3']), simpleConfiguration(['n3', 'n4', 'n5']))).toBe(true)
  })

  test('§4.2.3: who is no member any more cannot disturb those who hear their leader', () => {
    const node = coreOf(stored([1]))
    node.step('n2', append(1, [1, 1], []))
    node.settle()
    const request = { type: 'vote-request', transfer: false, lastTerm: 9, lastIndex: 9 } as const
    for (const preVote of [true, false]) node.step('n9', { ...request, term: 50, preVote })
    expect(node.core).toMatchObject({ term: 1, leader: 'n2', votedFor: undefined })
  })

  test('§10.2.1: the leader writes beside its followers, and an entry is committed without the leader where they are a majority', () => {
    const node = coreOf()
    node.lead('n2')
    node.have('n2', 'n3')
    node.propose(7)
    const { write, messages } = node.effects()
    expect(write?.entries).toMatchObject([{ index: 2 }])
    expect(messages.filter(({ message }) => message.type === 'append-request').map(({ to }) => to)).toEqual([
      'n2',
      'n3',
    ])
    node.step('n2', { type: 'append-accepted', term: 1, matchIndex: 2, round: 0 })
    expect(node.core).toMatchObject({ commitIndex: 1, durableIndex: 1 })
    node.step('n3', { type: 'append-accepted', term: 1, matchIndex: 2, round: 0 })
    expect(node.core).toMatchObject({ commitIndex: 2, durableIndex: 1 })
  })

  test('§10.2.2: proposals of one turn share a message, and the next leaves before the one before is answered', () => {
    const node = coreOf()
    node.lead('n2')
    node.have('n2', 'n3')
    node.propose(1)
    node.propose(2)
    expect(find(node.messages(), 'append-request').entries).toHaveLength(2)
    node.propose(3)
    expect(find(node.messages(), 'append-request')).toMatchObject({ prevIndex: 3, entries: [{ index: 4 }] })
  })
})
