import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Configuration } from '../src/core/configuration.ts'
import type { CoreFacts, FollowerFacts, LeaderFacts } from '../src/core-facts.ts'
import { explain } from '../src/explain.ts'
import { FINDING_CODES, type NodeFacts } from '../src/findings.ts'
import type { RaftStatus } from '../src/status.ts'

const CONFIGURATION: Configuration = { voters: ['n1', 'n2', 'n3'], learners: [], outgoing: [], target: undefined }

const follower = (id: string, more: Partial<FollowerFacts> = {}): FollowerFacts => ({
  id,
  state: 'replicate',
  match: 9,
  silentMs: 20,
  heard: true,
  ackedRound: 4,
  roundMs: 10,
  roundForMs: 5,
  caughtUp: true,
  ...more,
})

const LEADER: LeaderFacts = {
  followers: [follower('n2'), follower('n3')],
  asleep: false,
  absent: [],
  termStartIndex: 7,
  uncommittedBytes: 0,
  maxUncommittedBytes: 1_000,
  transferTo: undefined,
  hasHeir: true,
  readRounds: [],
  earlyReads: 0,
}

interface Change {
  readonly status?: Partial<RaftStatus>
  readonly core?: Partial<CoreFacts>
  readonly leader?: Partial<LeaderFacts>
  readonly configuration?: Partial<Configuration>
  readonly node?: Partial<NodeFacts>
}

/** A node n1 of three that leads and has nothing to say, but for what a test changes. */
function factsOf({ status, core, leader, configuration, node }: Change): NodeFacts {
  const placed = { index: 1, configuration: { ...CONFIGURATION, ...configuration } }
  return {
    status: {
      id: 'n1',
      group: 'orders',
      role: 'leader',
      term: 3,
      leader: 'n1',
      commitIndex: 9,
      lastApplied: 9,
      lastIndex: 9,
      firstIndex: 1,
      snapshotIndex: 0,
      voters: placed.configuration.voters,
      witnesses: [],
      learners: placed.configuration.learners,
      repair: undefined,
      change: undefined,
      asleep: false,
      followers: [],
      ...status,
    },
    core: {
      placed,
      destination: placed.configuration,
      mayBeVoter: true,
      leaderlessMs: undefined,
      electionDueInMs: 250,
      votesFrom: [],
      refusals: [],
      ownVotePending: false,
      promisedForMs: 0,
      installing: false,
      writeForMs: undefined,
      durableIndex: 9,
      lastTerm: 3,
      commitStoodMs: 500,
      firstUncommittedTerm: 3,
      leader: { ...LEADER, ...leader },
      ...core,
    },
    electionTimeoutMs: 1_000,
    heartbeatIntervalMs: 100,
    priority: 1,
    maxPending: 8,
    maxPendingBytes: 1_000,
    maxCommandBytes: 200,
    runsForMs: 60_000,
    silentMs: new Map([
      ['n2', 20],
      ['n3', 30],
    ]),
    phi: new Map(),
    paused: undefined,
    connection: 'connected',
    failure: undefined,
    proposals: 0,
    proposalBytes: 0,
    reads: 0,
    strangers: new Map(),
    transfers: new Map(),
    refusals: new Map(),
    unreadable: undefined,
    ...node,
  }
}

/** The same node as a follower that knows no leader. */
const leaderless = ({ status, core, ...rest }: Change): NodeFacts =>
  factsOf({
    ...rest,
    status: { role: 'follower', leader: undefined, ...status },
    core: { leader: undefined, leaderlessMs: 400, ...core },
  })

const messages = (facts: NodeFacts): string[] => explain(facts).findings.map(({ message }) => message)

const AWAITS = 'No leader has been known for 400 ms; this node begins an election in 250 ms.'

describe('without a leader', () => {
  const cases: readonly (readonly [string, Change, readonly string[]])[] = [
    ['a healthy node awaits its election', {}, [AWAITS]],
    [
      'a candidate says whose votes it has',
      { status: { role: 'candidate' }, core: { votesFrom: ['n1', 'n2'] } },
      [
        'No leader has been known for 400 ms; this node is a candidate with the votes of n1 and n2, and asks again in 250 ms.',
      ],
    ],
    [
      'a node without voters waits',
      { configuration: { voters: [] }, core: { mayBeVoter: false } },
      ['Neither the log nor the options of this node name voters: it waits to be added, or for bootstrap.'],
    ],
    [
      'a learner waits for the voters',
      { configuration: { voters: ['n2', 'n3'], learners: ['n1'] }, core: { mayBeVoter: false } },
      ['This node is a learner, and waits for a leader among n2 and n3.'],
    ],
    [
      'a removed node waits too',
      { configuration: { voters: ['n2', 'n3'] }, core: { mayBeVoter: false } },
      ['This node is no member of the group, and waits for a leader among n2 and n3.'],
    ],
    [
      'a node without priority begins nothing, and does not know who is silent',
      { node: { priority: 0, silentMs: new Map() } },
      ['The priority of this node is 0, so it never begins an election by itself.'],
    ],
    [
      'a snapshot is being stored',
      { core: { installing: true } },
      ['This node stores a snapshot, and elects nobody but others meanwhile.', AWAITS],
    ],
    [
      'the log has lost entries',
      { status: { repair: { throughIndex: 12, term: 2 } } },
      [
        'Damage took entries of the log of this node, so it abstains from elections: it is committed up to 9 of 12.',
        AWAITS,
      ],
    ],
    [
      'a lease was promised',
      { core: { promisedForMs: 300 } },
      ['This node has promised the leader that it heard last to elect nobody for another 300 ms.', AWAITS],
    ],
    [
      'the own vote waits for the disk',
      { core: { writeForMs: 700, ownVotePending: true } },
      [
        'The oldest write to the disk of this node takes 700 ms as yet, and its vote for itself counts only when it is durable.',
        AWAITS,
      ],
    ],
    ['a write that is no longer than a heartbeat is none to speak of', { core: { writeForMs: 90 } }, [AWAITS]],
    [
      'the transport is down',
      { node: { connection: 'disconnected' } },
      ['The transport of this node is disconnected, so it hears nobody.', AWAITS],
    ],
    [
      'the process stood still',
      { node: { paused: { agoMs: 100, forMs: 2_300 } } },
      ['The process of this node stood still for 2300 ms until 100 ms ago.', AWAITS],
    ],
    ['long ago is no reason', { node: { paused: { agoMs: 2_100, forMs: 2_300 } } }, [AWAITS]],
    [
      'both majorities are needed while two configurations are in force',
      {
        configuration: { outgoing: ['n1', 'n4', 'n5'] },
        node: {
          silentMs: new Map([
            ['n2', 20],
            ['n4', 4_000],
          ]),
        },
      },
      [
        'Of the outgoing voters n1, n4 and n5 it takes 2, and 1 can take part: n4 has been silent for 4000 ms and n5 was not heard in the 60000 ms that this node runs.',
        AWAITS,
      ],
    ],
    [
      'refusals say why',
      {
        core: {
          refusals: [
            { from: 'n2', agoMs: 40, why: { reason: 'later-term' } },
            { from: 'n3', agoMs: 50, why: { reason: 'hears-leader', leader: undefined } },
            { from: 'n4', agoMs: 60, why: { reason: 'voted', votedFor: 'n2' } },
            { from: 'n5', agoMs: 70, why: undefined },
          ],
        },
      },
      [
        'n2 refused this node its vote 40 ms ago: its term is later than the one that this node asked for.',
        'n3 refused this node its vote 50 ms ago: it has promised a leader to elect nobody yet.',
        'n4 refused this node its vote 60 ms ago: it has voted for n2.',
        'n5 refused this node its vote 70 ms ago: it did not say why.',
        AWAITS,
      ],
    ],
  ]
  for (const [name, change, expected] of cases) {
    test(name, () => expect(messages(leaderless(change))).toEqual(expected))
  }
})

describe('at a leader', () => {
  const cases: readonly (readonly [string, Change, readonly string[]])[] = [
    [
      'an entry of an earlier term waits for the first of its own',
      {
        status: { commitIndex: 5, lastApplied: 5, lastIndex: 7 },
        core: { firstUncommittedTerm: 2, durableIndex: 7 },
        leader: {
          followers: [follower('n2', { match: 6 }), follower('n3', { match: 6, heard: false, silentMs: 900 })],
        },
      },
      [
        'Entries 6 to 7 are not committed: it takes 2 of the voters n1, n2 and n3 to have entry 7 on disk, and n1 has it. n2 has all up to 6 and was heard 20 ms ago; n3 has all up to 6 and has not answered for 900 ms.',
        'Entry 6 is of term 2: it is committed together with entry 7, the first of term 3.',
      ],
    ],
    [
      'both configurations must have it',
      {
        status: { lastIndex: 10 },
        core: { durableIndex: 10 },
        configuration: { outgoing: ['n1', 'n4', 'n5'] },
        leader: {
          followers: [
            follower('n2', { match: 10 }),
            follower('n3', { match: 10 }),
            follower('n4', { match: 4, state: 'snapshot' }),
            follower('n5', { match: 0 }),
          ],
        },
      },
      [
        'Entry 10 is not committed: it takes 2 of the outgoing voters n1, n4 and n5 to have entry 10 on disk, and n1 has it. n4 has all up to 4, is being sent a snapshot and was heard 20 ms ago; n5 has all up to 0 and was heard 20 ms ago.',
      ],
    ],
    [
      'leadership is on its way',
      { leader: { transferTo: 'n2' } },
      ['Leadership is being handed to n2, so proposals wait.'],
    ],
    [
      'the state machine is behind',
      { status: { lastApplied: 4 } },
      ['Entries up to 9 are committed, and the state machine of this node has applied those up to 4.'],
    ],
    [
      'voters and learners are missing',
      {
        configuration: { voters: ['n1', 'n2', 'n3', 'n4', 'n5'], learners: ['n6'] },
        leader: {
          followers: [
            follower('n2', { silentMs: 60_000 }),
            follower('n3'),
            follower('n4'),
            follower('n5'),
            follower('n6', { heard: false, silentMs: 2_000 }),
          ],
        },
      },
      [
        'n2, a voter, has been silent for 60000 ms, and the group can spare 1 more.',
        'n6, a learner, has not answered for 2000 ms.',
        'n6 is a learner because the members were set so; no change on its way makes it a voter.',
      ],
    ],
    [
      'a voter is missing, and no other may be',
      { leader: { followers: [follower('n2', { silentMs: 60_000 }), follower('n3')] } },
      ['n2, a voter, has been silent for 60000 ms, and the group can spare no more.'],
    ],
    [
      'nobody is missing where the group sleeps',
      { leader: { asleep: true, followers: [follower('n2', { silentMs: 60_000 }), follower('n3')] } },
      [],
    ],
    [
      'nobody is missing where the group sleeps, but for those without whom it does',
      {
        leader: {
          asleep: true,
          absent: ['n3'],
          followers: [follower('n2', { silentMs: 60_000 }), follower('n3', { silentMs: 90_000 })],
        },
      },
      ['n3, a voter, has been silent for 90000 ms, and the group can spare no more.'],
    ],
    [
      'a change waits for its commit, and a voter to be is slow',
      {
        status: { commitIndex: 0, lastApplied: 0, lastIndex: 9 },
        core: { commitStoodMs: 1 },
        configuration: { learners: ['n4'], target: { voters: ['n1', 'n2', 'n3', 'n4'], learners: [] } },
        leader: {
          termStartIndex: 1,
          followers: [
            follower('n2'),
            follower('n3'),
            follower('n4', { match: 2, caughtUp: false, roundMs: 2_400, roundForMs: 1_200 }),
          ],
        },
      },
      [
        'The change of the members in entry 1 is not committed yet, so the next step waits.',
        'n4 is to become a voter, and lacks 7 entries: its last round took 2400 ms, the present one takes 1200 ms as yet, and less than 1000 ms is wanted.',
      ],
    ],
    [
      'a change that takes this leader away waits for somebody with data',
      {
        configuration: { witnesses: ['n3'], target: { voters: ['n2', 'n3'], learners: [], witnesses: ['n3'] } },
        leader: { hasHeir: false, followers: [follower('n2', { silentMs: 60_000 }), follower('n3')] },
      },
      [
        'n2, a voter, has been silent for 60000 ms, and the group can spare no more.',
        'The change to the voters n2 and n3 waits, since this node leaves with it: of those who stay and hold data, n2, nobody answers and has caught up.',
      ],
    ],
    [
      'a voter to be is in its first round',
      {
        configuration: { learners: ['n4'], target: { voters: ['n1', 'n4'], learners: [] } },
        leader: {
          followers: [
            follower('n4', { match: 8, caughtUp: false, roundMs: Number.POSITIVE_INFINITY, roundForMs: 1_200 }),
          ],
        },
      },
      [
        'n4 is to become a voter, and lacks one entry: its first round takes 1200 ms as yet, and less than 1000 ms is wanted.',
      ],
    ],
    [
      'a voter to be waits for its turn to get a snapshot',
      {
        configuration: { learners: ['n4'], target: { voters: ['n1', 'n4'], learners: [] } },
        leader: { followers: [follower('n4', { match: 0, caughtUp: false, state: 'snapshot' })] },
      },
      ['n4 is to become a voter, and waits for the snapshot that it begins with.'],
    ],
    [
      'reads wait for the first commit of the term',
      { leader: { earlyReads: 2 } },
      ['2 questions of readers wait until entry 7, the first of term 3, is committed.'],
    ],
    [
      'reads wait for a round',
      { leader: { readRounds: [5, 6], followers: [follower('n2', { silentMs: 800 }), follower('n3')] } },
      [
        '2 questions of readers wait until 2 of the voters n1, n2 and n3 confirm that this node leads, and n1 did. n2 was heard 800 ms ago; n3 was heard 20 ms ago.',
      ],
    ],
    ['a round that a majority has confirmed keeps nobody', { leader: { readRounds: [4] } }, []],
    [
      'a command that is large would not fit beside those that wait',
      { node: { proposals: 3, proposalBytes: 801 } },
      ['3 proposals of this node wait with 801 bytes of commands: more than 199 bytes beside them are refused.'],
    ],
    ['every command still fits beside those that wait', { node: { proposals: 3, proposalBytes: 800 } }, []],
    [
      'a member came back without its disk',
      { node: { strangers: new Map([['n3', { heard: 7, known: 5, agoMs: 40 }]]) } },
      ['n3 answered 40 ms ago, but not with the disk that the group knows it by, so it counts for nothing.'],
    ],
    [
      'a follower cannot read what it is sent',
      { node: { refusals: new Map([['n3', { index: 6, times: 4, inMs: 7_000 }]]) } },
      ['n3 could not read the snapshot at 6 that it needs, for the 4th time; one is sent again in 7000 ms.'],
    ],
    [
      'this node cannot read what it is sent',
      {
        core: { leader: undefined },
        node: { unreadable: { index: 6, from: 'n2', times: 1, error: new Error('no such part', { cause: 'kind 9' }) } },
      },
      ['The snapshot at 6 that n2 has sent cannot be read here, for the first time: no such part: kind 9.'],
    ],
    [
      'all that can be full is full',
      { leader: { uncommittedBytes: 1_200 }, node: { proposals: 8, reads: 9 } },
      [
        '8 proposals of this node wait, as much as it may: more is refused.',
        '9 reads of this node wait, as much as it may: more is refused.',
        'This leader holds 1200 bytes of entries that are not committed, as much as it may: more is refused.',
      ],
    ],
  ]
  for (const [name, change, expected] of cases) test(name, () => expect(messages(factsOf(change))).toEqual(expected))
})

test('the README has every code', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  for (const code of FINDING_CODES) expect(readme).toContain(`\`${code}\``)
})
