import { describe, expect, test } from 'vitest'
import {
  coreOf,
  type Driven,
  ELECTION_TIMEOUT_MS,
  entriesOf,
  find,
  HEARTBEAT_INTERVAL_MS,
  OF_THREE,
  stored,
} from './support/cluster.ts'
import { appendTerms as append, voteRequest } from './support/members.ts'

// The ids are those of the list of known protocol bugs that comments in the core refer to.

describe('elections and votes', () => {
  test('P-01: a vote leaves only once term and vote are durable, as one record', () => {
    const node = coreOf()
    node.step('n2', voteRequest(3))
    const { write, messages } = node.effects()
    expect(write?.hardState).toEqual({ term: 3, votedFor: 'n2' })
    expect(messages).toEqual([])
    node.sync()
    expect(node.messages()).toMatchObject([{ type: 'vote-response', granted: true }])
  })

  test('P-01: a vote is also written where the term is on disk already', () => {
    const node = coreOf(stored([], 3))
    node.step('n2', voteRequest(3))
    expect(node.effects().write?.hardState).toEqual({ term: 3, votedFor: 'n2' })
  })

  test('P-02: stepping down within a term keeps the vote', () => {
    const node = coreOf()
    node.lead('n2')
    node.pass(2 * ELECTION_TIMEOUT_MS)
    expect(node.core).toMatchObject({ role: 'follower', term: 1, votedFor: 'n1' })
    node.step('n3', voteRequest(1))
    expect(
      find(
        node.settle().map(({ message }) => message),
        'vote-response',
      ).granted,
    ).toBe(false)
  })

  test('P-04: the own vote counts once it is durable, and not in another election', () => {
    const node = coreOf()
    node.core.campaign(0)
    node.step('n2', { type: 'vote-response', term: 1, preVote: true, granted: true })
    const { write } = node.effects()
    expect(write?.hardState).toEqual({ term: 1, votedFor: 'n1' })
    // The vote of n2 would make a majority with the own one.
    node.step('n2', { type: 'vote-response', term: 1, preVote: false, granted: true })
    expect(node.core.role).toBe('candidate')
    node.step('n3', voteRequest(2, { lastIndex: 0, lastTerm: 0 }))
    node.sync()
    expect(node.core).toMatchObject({ role: 'follower', term: 2 })
  })

  test('P-05: a pre-vote changes neither term nor vote nor timer, and grants name the term that was asked for', () => {
    const node = coreOf()
    const before = node.core.nextDueMs
    node.step('n2', voteRequest(1, { preVote: true }))
    const { write, messages } = node.effects()
    expect(write).toBeUndefined()
    expect(messages).toMatchObject([{ message: { granted: true, preVote: true, term: 1 } }])
    expect(node.core).toMatchObject({ term: 0, votedFor: undefined, nextDueMs: before })
  })

  test('P-05: a pre-vote is not given beside the vote of that very term', () => {
    for (const [from, granted] of [
      ['n2', false],
      ['n3', true],
    ] as const) {
      const node = coreOf(stored([], 3, 'n3'))
      node.step(from, voteRequest(3, { preVote: true }))
      expect(node.messages()).toMatchObject([{ type: 'vote-response', preVote: true, term: 3, granted }])
    }
  })

  test('P-05: a refusal of a pre-vote that names a higher term is taken over', () => {
    const node = coreOf()
    node.core.campaign(0)
    node.step('n2', { type: 'vote-response', term: 6, preVote: true, granted: false })
    expect(node.core).toMatchObject({ role: 'follower', term: 6 })
  })

  test('P-06: a leader of an old term learns the new one from a node that it writes to', () => {
    for (const message of [
      append(2, [0, 0], []),
      { type: 'heartbeat-request', term: 2, commitIndex: 0, round: 0 },
      { type: 'commit-notice', term: 2, commitIndex: 0 },
    ] as const) {
      const node = coreOf(stored([], 5))
      node.step('n2', message)
      expect(find(node.messages(), 'heartbeat-response').term).toBe(5)
    }
  })

  test('P-07: beside a leader that is heard, no request for votes is granted, and its term is not taken over', () => {
    const node = coreOf(stored([1]))
    node.step('n3', append(1, [1, 1], []))
    node.settle()
    node.step('n2', voteRequest(5))
    expect(node.settle()).toEqual([])
    expect(node.core).toMatchObject({ term: 1, leader: 'n3' })
    node.nowMs += ELECTION_TIMEOUT_MS
    node.step('n2', voteRequest(5))
    expect(
      find(
        node.settle().map(({ message }) => message),
        'vote-response',
      ).granted,
    ).toBe(true)
  })

  test('P-09: a node that stores a snapshot does not campaign, also when its leader hands over', () => {
    const node = coreOf()
    node.step('n2', { type: 'heartbeat-request', term: 1, commitIndex: 0, round: 0 })
    node.core.installing(true)
    node.step('n2', { type: 'timeout-now', term: 1 })
    node.pass(5 * ELECTION_TIMEOUT_MS)
    expect(node.core.role).toBe('follower')
    node.core.installing(false)
    node.pass(5 * ELECTION_TIMEOUT_MS)
    expect(node.core.role).toBe('pre-candidate')
  })

  test('P-10: nodes that are no voters get no vote, give none and do not campaign', () => {
    const node = coreOf(stored([1, 9]))
    // Its log is no newer, so it cannot know of a configuration that this node does not.
    node.step('n9', voteRequest(10, { lastTerm: 9, lastIndex: 2 }))
    node.step('n9', voteRequest(10, { lastTerm: 8, lastIndex: 9, transfer: true }))
    expect(node.settle()).toEqual([])
    expect(node.core.term).toBe(9)
    node.core.campaign(0)
    node.step('n9', { type: 'vote-response', term: 10, preVote: true, granted: true })
    // Nor is an answer of a higher term heard: nobody has asked it.
    node.step('n9', { type: 'heartbeat-response', term: 20, round: 0 })
    expect(node.core).toMatchObject({ role: 'pre-candidate', term: 9 })
    const outsider = coreOf(stored([]), { id: 'n9' })
    outsider.pass(5 * ELECTION_TIMEOUT_MS)
    expect(outsider.core.role).toBe('follower')
  })

  test('P-03: one that is a voter and does not know it yet gives its vote', () => {
    const learner = coreOf(stored([1]), { id: 'n4' })
    learner.step('n2', voteRequest(2))
    expect(learner.settle()).toMatchObject([{ to: 'n2', message: { type: 'vote-response', granted: true } }])
    const joining = coreOf(stored([]), { id: 'n5', voters: [] })
    joining.step('n2', voteRequest(2))
    expect(joining.settle()).toMatchObject([{ to: 'n2', message: { type: 'vote-response', granted: true } }])
  })
})

describe('log and commit', () => {
  test('P-12: a late append that ends earlier removes nothing', () => {
    const node = coreOf(stored([1]))
    node.step('n2', append(2, [1, 1], [2, 2, 2]))
    node.step('n2', append(2, [1, 1], [2]))
    node.step('n2', append(2, [2, 2], []))
    expect(node.terms).toEqual([1, 2, 2, 2])
  })

  test('P-13: an answer that claims more than the leader has, and the hint of a refusal, do not count as replicated', () => {
    const node = coreOf(stored([1, 1, 1]))
    node.lead('n2')
    node.step('n2', { type: 'append-accepted', term: 2, matchIndex: 99, round: 0 })
    node.step('n3', { type: 'append-rejected', term: 2, rejectedIndex: 3, hintIndex: 2, hintTerm: 1, round: 0 })
    expect(node.core.commitIndex).toBe(0)
    expect(node.core.progress?.get('n2')?.match).toBe(0)
    expect(node.core.progress?.get('n3')).toMatchObject({ match: 0, next: 3 })
  })

  test('P-14: a follower believes a commit only as far as its log was compared with that of the leader', () => {
    const node = coreOf(stored([1, 1, 1, 1]))
    node.step('n2', { type: 'heartbeat-request', term: 2, commitIndex: 4, round: 0 })
    expect(node.core.commitIndex).toBe(0)
    node.step('n2', append(2, [1, 1], [1], 4))
    expect(node.core.commitIndex).toBe(2)
    node.step('n2', { type: 'commit-notice', term: 2, commitIndex: 4 })
    expect(node.core.commitIndex).toBe(2)
  })

  test('P-14: what was compared in an older term does not count in the next', () => {
    const node = coreOf(stored([1]))
    node.step('n2', append(2, [1, 1], [2, 2]))
    node.step('n3', { type: 'heartbeat-request', term: 3, commitIndex: 3, round: 0 })
    expect(node.core.commitIndex).toBe(0)
  })

  test('P-15: a conflict with a committed entry is the end, not a repair', () => {
    const node = coreOf(stored([1, 1]))
    node.step('n2', append(2, [2, 1], [2], 3))
    expect(node.core.commitIndex).toBe(3)
    expect(() => node.step('n3', append(3, [1, 1], [3, 3]))).toThrow(/differs from the committed one/)
  })

  test('P-19: an empty append behind a conflict is refused', () => {
    const node = coreOf(stored([1, 1]))
    node.step('n2', append(3, [2, 2], []))
    expect(
      find(
        node.settle().map(({ message }) => message),
        'append-rejected',
      ).rejectedIndex,
    ).toBe(2)
  })

  test('P-19: a refusal that comes after a success does not move next to or below match', () => {
    const node = coreOf(stored([1, 1, 1]))
    node.lead('n2')
    node.step('n3', { type: 'append-accepted', term: 2, matchIndex: 4, round: 0 })
    node.step('n3', { type: 'append-rejected', term: 2, rejectedIndex: 3, hintIndex: 0, hintTerm: 0, round: 0 })
    expect(node.core.progress?.get('n3')).toMatchObject({ state: 'replicate', match: 4, next: 5 })
  })
})

describe('reads', () => {
  test('P-21: a new leader answers reads only after it has committed in its term', () => {
    const node = coreOf(stored([1, 1]))
    node.lead('n2')
    node.core.requestRead(5)
    node.step('n2', { type: 'heartbeat-response', term: 2, round: 0 })
    expect(node.effects().confirmedReads).toEqual([])
    node.step('n2', { type: 'append-accepted', term: 2, matchIndex: 3, round: 0 })
    const { round } = find(node.messages(), 'heartbeat-request')
    node.step('n2', { type: 'heartbeat-response', term: 2, round })
    expect(node.effects().confirmedReads).toEqual([{ ticket: 5, index: 3 }])
  })

  test('P-22: an answer to an earlier round confirms no later read', () => {
    const node = coreOf()
    node.lead('n2')
    node.step('n2', { type: 'append-accepted', term: 1, matchIndex: 1, round: 0 })
    node.settle()
    node.core.requestRead(1)
    const { round } = find(node.messages(), 'heartbeat-request')
    node.core.requestRead(2)
    node.effects()
    for (const from of ['n2', 'n3', 'n2']) node.step(from, { type: 'heartbeat-response', term: 1, round })
    expect(node.effects().confirmedReads).toEqual([{ ticket: 1, index: 1 }])
  })

  test('P-23: reads that share a round keep the index of their own arrival', () => {
    const node = coreOf()
    node.lead('n2')
    node.step('n2', { type: 'append-accepted', term: 1, matchIndex: 1, round: 0 })
    node.propose(1)
    node.settle()
    node.core.requestRead(1)
    node.step('n2', { type: 'append-accepted', term: 1, matchIndex: 2, round: 0 })
    node.core.requestRead(2)
    const { round } = find(node.messages(), 'heartbeat-request')
    node.step('n2', { type: 'heartbeat-response', term: 1, round })
    const { confirmedReads } = node.effects()
    expect(confirmedReads).toEqual([
      { ticket: 1, index: 1 },
      { ticket: 2, index: 2 },
    ])
  })

  test('P-24: a lone voter that begins anew answers reads only after it has committed', () => {
    const node = coreOf(stored([1, 1]), { voters: ['n1'] })
    node.core.campaign(0)
    node.effects()
    node.sync()
    expect(node.core.role).toBe('leader')
    node.core.requestRead(1)
    expect(node.effects().confirmedReads).toEqual([])
    node.sync()
    expect(node.effects().confirmedReads).toEqual([{ ticket: 1, index: 3 }])
  })

  test('P-08, P-47: the reads of a leader that leads no more are given back', () => {
    const node = coreOf()
    node.lead('n2')
    node.core.requestRead(1)
    node.step('n3', { type: 'heartbeat-response', term: 9, round: 0 })
    expect(node.effects()).toMatchObject({ confirmedReads: [], droppedReads: [1] })
    expect(node.core.requestRead(2)).toBe(false)
    expect(node.propose(1)).toBe('not-leader')
  })
})

describe('snapshots', () => {
  test('P-33: a snapshot at or below the commit takes nothing back', () => {
    const node = coreOf(stored([1, 1, 1]))
    node.step('n2', append(1, [3, 1], [], 3))
    node.settle()
    expect(node.core.snapshotInstalled(2, 1, OF_THREE)).toBe('stale')
    expect(node.core).toMatchObject({ commitIndex: 3 })
    expect(node.terms).toEqual([1, 1, 1])
  })

  test('P-34: a snapshot that conflicts removes all of the log, and writes under way make nothing of it durable', () => {
    const node = coreOf(stored([1]))
    node.step('n2', append(1, [1, 1], [1, 1, 1]))
    node.effects()
    expect(node.core.snapshotInstalled(3, 2, OF_THREE)).toBe('reset')
    node.sync()
    expect(node.core).toMatchObject({ durableIndex: 3, commitIndex: 3 })
    expect(node.core.log.lastIndex).toBe(3)
  })

  test('P-34: entries that only memory has survive the snapshot, and are written behind it', () => {
    const node = coreOf(stored([1]))
    node.step('n2', append(1, [1, 1], [1, 1, 1]))
    expect(node.core.snapshotInstalled(3, 1, OF_THREE)).toBe('reset')
    const { write, messages } = node.effects()
    expect(write?.entries).toMatchObject([{ index: 4, term: 1 }])
    expect(messages).toEqual([])
    node.sync()
    expect(find(node.messages(), 'append-accepted').matchIndex).toBe(4)
  })

  /** It leads n1 to n3 in term 3, and n2 needs entries that only its snapshot at 10 has. */
  function leaderBesideOneInWantOfSnapshot(): Driven {
    const node = coreOf({
      ...stored([]),
      hardState: { term: 2, votedFor: undefined },
      snapshot: { index: 10, term: 2, configuration: OF_THREE },
    })
    node.lead('n3')
    node.step('n2', { type: 'append-rejected', term: 3, rejectedIndex: 10, hintIndex: 3, hintTerm: 1, round: 0 })
    return node
  }

  test('P-35: a follower in want of a snapshot is freed by any answer that reconnects it to the log', () => {
    const node = leaderBesideOneInWantOfSnapshot()
    expect(node.core.progress?.get('n2')?.state).toBe('snapshot')
    node.step('n2', { type: 'append-accepted', term: 3, matchIndex: 9, round: 0 })
    expect(node.core.progress?.get('n2')?.state).toBe('snapshot')
    node.step('n2', { type: 'append-accepted', term: 3, matchIndex: 10, round: 0 })
    expect(node.core.progress?.get('n2')).toMatchObject({ state: 'replicate', next: 11 })
  })

  test('P-35: a snapshot that could not be brought to a follower is tried again with the next heartbeat, not at once', () => {
    const node = leaderBesideOneInWantOfSnapshot()
    expect(node.effects().snapshotWanted).toEqual(['n2'])
    node.core.snapshotFailed('n2')
    expect(node.effects().snapshotWanted).toEqual([])
    node.core.tick(node.core.nextDueMs)
    expect(node.effects().snapshotWanted).toEqual(['n2'])
  })

  test('P-35: a follower that has more than the snapshot says where it is', () => {
    const node = coreOf(stored([1, 1, 1]))
    node.step('n2', append(1, [3, 1], [], 3))
    node.settle()
    const place = { snapshotIndex: 2, snapshotTerm: 1, context: new Uint8Array(0), offset: 0, totalBytes: 1 }
    node.step('n2', { type: 'snapshot-chunk', term: 1, ...place, data: new Uint8Array(1), checksums: undefined })
    const { messages, snapshotTraffic } = node.effects()
    expect(snapshotTraffic).toEqual([])
    expect(messages).toMatchObject([{ message: { type: 'append-accepted', matchIndex: 3 } }])
  })

  test('P-43: a snapshot ahead of term and log is a legal start, and gives no vote away twice', () => {
    const node = coreOf({
      hardState: { term: 3, votedFor: 'n2' },
      snapshot: { index: 9, term: 5, configuration: OF_THREE },
      entries: [],
    })
    expect(node.core).toMatchObject({ term: 5, votedFor: undefined, commitIndex: 9 })
    expect(node.core.log).toMatchObject({ baseIndex: 9, lastIndex: 9, lastTerm: 5 })
  })

  test('P-43: a log with a hole is refused', () => {
    const restored = {
      ...stored([]),
      snapshot: { index: 3, term: 0, configuration: OF_THREE },
      entries: entriesOf([1], 7),
    }
    expect(() => coreOf(restored)).toThrow(/does not follow/)
  })
})

describe('storage', () => {
  test('P-38: a term is never durable after entries of that term: both are one write', () => {
    const node = coreOf(stored([1]))
    node.step('n2', append(4, [1, 1], [4]))
    expect(node.effects().write).toMatchObject({ hardState: { term: 4 }, entries: [{ index: 2, term: 4 }] })
  })

  test('P-39: the end of a write says nothing of entries that were replaced meanwhile', () => {
    const node = coreOf(stored([1]))
    node.step('n2', append(2, [1, 1], [2, 2, 2]))
    const first = node.effects().write
    node.step('n3', append(3, [1, 1], [3, 3]))
    const second = node.effects().write
    node.core.durable(first?.id as number, 0)
    expect(node.core.durableIndex).toBe(1)
    node.core.durable(second?.id as number, 0)
    expect(node.core.durableIndex).toBe(3)
    const answers = node.messages().filter((message) => message.type === 'append-accepted' && message.term === 3)
    expect(answers).toMatchObject([{ matchIndex: 3 }])
  })

  test('P-44: a leader whose disk stalls steps down after a while, and not at once', () => {
    const node = coreOf()
    node.lead('n2')
    node.propose(1)
    node.effects()
    const roles: string[] = []
    for (let i = 0; i < 20; i++) {
      node.step('n2', { type: 'heartbeat-response', term: 1, round: 0 })
      node.pass(HEARTBEAT_INTERVAL_MS)
      roles.push(node.core.role)
    }
    expect(roles.indexOf('follower')).toBeGreaterThanOrEqual(10)
    expect(node.core.role).toBe('follower')
  })
})

describe('flow', () => {
  test('P-45, P-48: when a full window is lost, an empty append finds out, and the follower is brought up to date', () => {
    const leader = coreOf(stored([]), { maxInflightAppends: 2, maxAppendBytes: 1 })
    leader.lead('n2')
    leader.step('n2', { type: 'append-accepted', term: 1, matchIndex: 1, round: 0 })
    leader.settle()
    leader.propose(1, 2, 3, 4)
    expect(leader.settle().filter(({ to }) => to === 'n2')).toHaveLength(2)
    const follower = coreOf(stored([1]), { id: 'n2' })
    for (let i = 0; i < 3 || follower.core.log.lastIndex < 5; i++) {
      expect(i).toBeLessThan(20)
      leader.pass(HEARTBEAT_INTERVAL_MS)
      for (let trip = 0; trip < 3; trip++) {
        for (const { to, message } of leader.settle()) if (to === 'n2') follower.step('n1', message)
        for (const { message } of follower.settle()) leader.step('n2', message)
      }
    }
    expect(follower.terms).toEqual([1, 1, 1, 1, 1])
  })

  test('P-46: what is not committed is counted from anew in each term, and not a byte is left over', () => {
    // An entry of one byte counts 33; two of them pass the limit of 40.
    const node = coreOf(stored([]), { maxUncommittedBytes: 40 })
    node.lead('n2')
    for (let round = 0; round < 5; round++) {
      const { lastIndex } = node.core.log
      node.step('n2', { type: 'append-accepted', term: 1, matchIndex: lastIndex, round: 0 })
      expect(node.core.commitIndex).toBe(lastIndex)
      expect(node.propose(1)).toBeUndefined()
      expect(node.propose(2)).toBeUndefined()
      expect(node.propose(3)).toBe('overloaded')
      node.settle()
    }
    expect(node.core.log.lastIndex).toBe(11)
  })

  test('P-46: what an older term has left uncommitted counts in the next, until it is committed with it', () => {
    // Nothing was committed of the term before: its two entries count 32 each, beside the first of this term.
    const node = coreOf(stored([1, 1]), { maxUncommittedBytes: 64 + 1 })
    node.lead('n2')
    expect(node.propose(1)).toBe('overloaded')
    node.step('n2', { type: 'append-accepted', term: 2, matchIndex: 3, round: 0 })
    expect([node.propose(1), node.propose(2), node.propose(3)]).toEqual([undefined, undefined, 'overloaded'])
  })

  test('P-48: a follower that begins anew in a term that goes on learns what is committed without a new entry', () => {
    const leader = coreOf(stored([]))
    leader.lead('n2')
    leader.step('n2', { type: 'append-accepted', term: 1, matchIndex: 1, round: 0 })
    leader.settle()
    const follower = coreOf(stored([1]), { id: 'n2' })
    for (let trip = 0; trip < 3; trip++) {
      leader.pass(HEARTBEAT_INTERVAL_MS)
      for (const { to, message } of leader.settle()) if (to === 'n2') follower.step('n1', message)
      for (const { message } of follower.settle()) leader.step('n2', message)
    }
    expect(follower.core.commitIndex).toBe(1)
  })
})
