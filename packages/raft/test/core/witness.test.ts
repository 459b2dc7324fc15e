import { describe, expect, test } from 'vitest'
import { CONFIGURATION_KIND, type Configuration, simpleConfiguration } from '../../src/core/configuration.ts'
import { decodeConfiguration, encodeConfiguration } from '../../src/core/configuration-codec.ts'
import type { VoteRequest } from '../../src/core/messages.ts'
import { STRIPPED_KIND } from '../../src/core/witness.ts'
import { factsOf } from '../../src/core-facts.ts'
import { WitnessMismatchError } from '../../src/errors.ts'
import {
  configurationEntry,
  coreOf,
  type Driven,
  ELECTION_TIMEOUT_MS,
  entriesOf,
  find,
  HEARTBEAT_INTERVAL_MS,
  OF_THREE,
} from './support/cluster.ts'
import { append, last, leader, preVotes, receivers, withConfigurations } from './support/members.ts'

const WITNESSED = simpleConfiguration(['n1', 'n2', 'n3'], [], ['n3'])

/** n1 leads n2 and the witness n3, with its first entry and a configuration committed. */
function leaderWithWitness(): Driven {
  const node = coreOf(withConfigurations(WITNESSED))
  node.lead('n2')
  node.have('n2', 'n3')
  return node
}

const stripped = (index: number, term: number): ReturnType<typeof configurationEntry> => ({
  index,
  term,
  kind: STRIPPED_KIND,
  data: new Uint8Array(0),
})

describe('a witness', () => {
  test('is sent places and terms without data, and configurations whole', () => {
    const node = leaderWithWitness()
    node.propose(7)
    node.core.reconfigure({ ...WITNESSED, learners: ['n4'] })
    const sent = node.settle()
    const entriesTo = (id: string): unknown =>
      find(
        sent.filter(({ to }) => to === id).map(({ message }) => message),
        'append-request',
      ).entries
    expect(entriesTo('n2')).toMatchObject([
      { index: 4, term: 2, kind: 1, data: Uint8Array.from([7]) },
      { index: 5, kind: CONFIGURATION_KIND },
    ])
    expect(entriesTo('n3')).toEqual([stripped(4, 2), node.core.log.at(5)])
  })

  test('counts in the majority of a commit and of an election, also in the joint configuration that brings it', () => {
    const node = leaderWithWitness()
    node.propose(7)
    node.settle()
    node.have('n3')
    expect(node.core.commitIndex).toBe(4)
    const candidate = coreOf(withConfigurations(WITNESSED))
    expect(preVotes(candidate, 'n3')).toBe('candidate')
    const two = leader()
    two.core.reconfigure({ voters: ['n1', 'n2', 'n4'], learners: [], witnesses: ['n4'] })
    expect(two.core.configuration.configuration).toMatchObject({ learners: ['n4'], witnesses: ['n4'] })
    two.have('n2')
    two.have('n4')
    expect(two.core.configuration.configuration).toMatchObject({ outgoing: ['n1', 'n2', 'n3'], witnesses: ['n4'] })
    const joint = two.core.log.lastIndex
    two.have('n4')
    expect(two.core.commitIndex).toBe(joint - 1)
    two.have('n2')
    two.have('n2')
    expect(two.core.configuration.configuration).toEqual(simpleConfiguration(['n1', 'n2', 'n4'], [], ['n4']))
  })

  test('gives its vote like any other, and stays a follower whatever it is told', () => {
    const log = withConfigurations(WITNESSED)
    const node = coreOf({ ...log, entries: [stripped(1, 1), ...log.entries.slice(1)] }, { id: 'n3', witness: true })
    node.step('n1', append(1, [2, 1], [], 2))
    node.step('n1', { type: 'timeout-now', term: 1 })
    node.pass(1_000)
    node.core.campaign(node.nowMs)
    expect(node.core.role).toBe('follower')
    expect(receivers(node.settle(), 'vote-request')).toEqual([])
    node.step('n2', { type: 'vote-request', term: 2, preVote: false, transfer: false, lastIndex: 2, lastTerm: 1 })
    expect(
      find(
        node.settle().map(({ message }) => message),
        'vote-response',
      ),
    ).toMatchObject({ granted: true, term: 2 })
  })

  test('gets no vote, and is handed no lead', () => {
    const voter = coreOf(withConfigurations(WITNESSED))
    voter.step('n3', { type: 'vote-request', term: 5, preVote: true, transfer: false, lastIndex: 9, lastTerm: 4 })
    expect(voter.settle()).toEqual([])
    const node = leaderWithWitness()
    expect(node.core.transfer('n3', node.nowMs)).toBe(false)
    node.core.reconfigure({ voters: ['n2', 'n3'], learners: [], witnesses: ['n3'] })
    for (let step = 0; step < 4; step++) node.have('n2', 'n3')
    expect(node.core.transferTarget).toBe('n2')
  })

  test('is sent what its leader has on disk, and no more: a crash must leave somebody with the data', () => {
    const node = leaderWithWitness()
    node.propose(7)
    const first = node.effects().messages
    expect(receivers(first, 'append-request')).toEqual(['n2'])
    node.sync()
    expect(receivers(node.effects().messages, 'append-request')).toEqual(['n3'])
  })

  test('is sent no data when it is removed, and taken for a new one if it comes back before that is told (P-30)', () => {
    const node = leaderWithWitness()
    node.core.reconfigure({ voters: ['n1', 'n2'], learners: [] })
    for (let step = 0; step < 3; step++) node.have('n2')
    expect(node.core.configuration.configuration.voters).toEqual(['n1', 'n2'])
    // It has the whole log but for the entry that says that it was removed.
    expect(node.core.progress?.get('n3')?.match).toBeGreaterThan(0)
    node.propose(7)
    const sent = node.settle().filter(({ to }) => to === 'n3')
    const kinds = sent.flatMap(({ message }) => ('entries' in message ? message.entries.map(({ kind }) => kind) : []))
    expect(kinds.filter((kind) => kind !== CONFIGURATION_KIND)).toEqual([STRIPPED_KIND])
    node.core.reconfigure({ voters: ['n1', 'n2', 'n3'], learners: [], witnesses: ['n3'] })
    expect(node.core.progress?.get('n3')).toMatchObject({ match: 0, witness: true })
  })

  test('commits nothing with witnesses alone: a leader may go once its removal is committed, and a voter must have the data then', () => {
    const node = leaderWithWitness()
    // n2 has caught up, so the change begins; then it hears nothing more.
    node.core.reconfigure({ voters: ['n2', 'n3', 'n4'], learners: [], witnesses: ['n3', 'n4'] })
    node.have('n2', 'n3', 'n4')
    expect(node.members).toBe('n2 n3 n4|n1 n2 n3||')
    for (let step = 0; step < 4; step++) node.have('n3', 'n4')
    expect(node.members).toBe('n2 n3 n4|||')
    expect(node.core.committedConfiguration.configuration).toMatchObject({ outgoing: ['n1', 'n2', 'n3'] })
    node.have('n2')
    expect(node.core.committedConfiguration.configuration.voters).toEqual(['n2', 'n3', 'n4'])
  })

  test('takes the place of no leader where all others with data are silent: they would be waited for (P-31)', () => {
    const node = leaderWithWitness()
    for (let beat = 0; beat < 40; beat++) {
      if (beat === 20) node.core.reconfigure({ voters: ['n2', 'n3', 'n4'], learners: [], witnesses: ['n3', 'n4'] })
      node.pass(HEARTBEAT_INTERVAL_MS)
      node.have('n3', 'n4')
    }
    expect(node.members).toBe('n1 n2 n3||n4|n2 n3 n4')
    expect(factsOf(node.core.view, node.nowMs).leader?.hasHeir).toBe(false)
    node.have('n2')
    expect(node.members).toBe('n2 n3 n4|n1 n2 n3||')
    expect(factsOf(node.core.view, node.nowMs).leader?.hasHeir).toBe(true)
  })

  test('gets no snapshot any more once it was told that it was removed: it would be one with data', () => {
    const node = leaderWithWitness()
    node.core.reconfigure({ voters: ['n1', 'n2'], learners: [] })
    for (let step = 0; step < 3; step++) node.have('n2')
    expect(node.core.configuration.configuration.voters).toEqual(['n1', 'n2'])
    const removedAt = last(node)
    // What it lacks is compacted away; it is sent a snapshot, and by the time that it has that there is a newer one.
    node.core.compact(node.core.commitIndex)
    const { term } = node.core
    const refusal = { rejectedIndex: removedAt, hintIndex: 1, hintTerm: 1, round: 0 }
    node.step('n3', { type: 'append-rejected', term, ...refusal })
    for (let beat = 0; beat < 3; beat++) node.pass(HEARTBEAT_INTERVAL_MS)
    expect(node.effects().snapshotWanted).toEqual(['n3'])
    node.propose(7, 8)
    node.have('n2')
    node.core.compact(node.core.commitIndex)
    node.step('n3', { type: 'append-accepted', term, matchIndex: removedAt, round: 0 })
    const { snapshotWanted } = node.effects()
    expect(snapshotWanted.filter((id) => !node.core.isWitness(id))).toEqual([])
  })

  test('that has the newest log lets a node lead that was removed and has the data, when no voter can', () => {
    const gone = simpleConfiguration(['n2', 'n3'], [], ['n3'])
    const log = withConfigurations(WITNESSED, gone)
    const node = coreOf(log)
    node.step('n2', append(1, [3, 1], [], 3))
    expect(node.core.committedConfiguration.configuration).toEqual(gone)
    const begin = (): string => {
      node.core.campaign(node.nowMs)
      return node.core.role
    }
    node.nowMs += 3 * ELECTION_TIMEOUT_MS
    expect(begin()).toBe('follower')
    node.nowMs += 2 * ELECTION_TIMEOUT_MS
    expect(begin()).toBe('pre-candidate')
    const entries = [stripped(1, 1), ...log.entries.slice(1)]
    const request: VoteRequest = {
      type: 'vote-request',
      term: 2,
      preVote: true,
      transfer: false,
      lastIndex: 3,
      lastTerm: 1,
    }
    const witness = coreOf({ ...log, entries }, { id: 'n3', witness: true })
    witness.step('n1', request)
    expect(receivers(witness.settle(), 'vote-response')).toEqual(['n1'])
    // Elsewhere who was removed asks in vain.
    const voter = coreOf(log, { id: 'n2' })
    voter.step('n1', request)
    expect(voter.settle()).toEqual([])
    node.lead('n2', 'n3')
    node.have('n3')
    expect(node.core.role).toBe('leader')
    expect(node.core.commitIndex).toBe(3)
    // It goes once its heir has everything, not before.
    expect(receivers(node.have('n2', 'n3'), 'timeout-now')).toEqual(['n2'])
  })

  test('does not become a voter with data or a learner, nor a member a witness', () => {
    const node = leaderWithWitness()
    const { lastIndex } = node.core.log
    for (const target of [
      { voters: ['n1', 'n2', 'n3'], learners: [] },
      { voters: ['n1', 'n2'], learners: ['n3'] },
      { voters: ['n1', 'n2', 'n3'], learners: [], witnesses: ['n2', 'n3'] },
    ])
      expect(node.core.reconfigure(target)).toBe('witness-role')
    expect(node.core.log.lastIndex).toBe(lastIndex)
    expect(node.core.reconfigure({ voters: ['n1', 'n2'], learners: [] })).toBe('begun')
  })
})

describe('a log without data is never taken for a real one', () => {
  const STRIPPED = [stripped(1, 1)]

  test('a node that holds data stops when it is sent entries without', () => {
    const node = coreOf()
    expect(() => node.step('n2', append(1, [0, 0], STRIPPED))).toThrow(WitnessMismatchError)
    expect(node.core.log.lastIndex).toBe(0)
  })

  test('a witness stops when it is sent data', () => {
    const node = coreOf(undefined, { id: 'n3', voters: [], witness: true })
    expect(() => node.step('n1', append(1, [0, 0], entriesOf([1])))).toThrow(WitnessMismatchError)
    expect(() => node.step('n1', append(1, [0, 0], STRIPPED))).not.toThrow()
  })

  test('neither begins on the disk of the other', () => {
    const disk = (entries: typeof STRIPPED) => ({
      hardState: { term: 1, votedFor: undefined },
      snapshot: undefined,
      entries,
    })
    expect(() => coreOf(disk(STRIPPED), { voters: [] })).toThrow(WitnessMismatchError)
    expect(() => coreOf(disk(entriesOf([1])), { voters: [], witness: true })).toThrow(WitnessMismatchError)
  })

  test('a node stops when the group takes it for what it is not, by an entry, in its log or by a snapshot', () => {
    const entry = configurationEntry(1, 1, WITNESSED)
    const asData = { id: 'n3', voters: [] }
    const asWitness = { id: 'n2', voters: [], witness: true }
    for (const config of [asData, asWitness]) {
      expect(() => coreOf(undefined, config).step('n1', append(1, [0, 0], [entry]))).toThrow(WitnessMismatchError)
      const log = { hardState: { term: 1, votedFor: undefined }, snapshot: undefined, entries: [entry] }
      expect(() => coreOf(log, config)).toThrow(WitnessMismatchError)
      const placed = { index: 3, configuration: WITNESSED }
      expect(() => coreOf(undefined, config).core.snapshotInstalled(5, 1, placed)).toThrow(WitnessMismatchError)
    }
    expect(() =>
      coreOf(undefined, { id: 'n3', voters: [], witness: true }).step('n1', append(1, [0, 0], [entry])),
    ).not.toThrow()
  })
})

test('a configuration with witnesses is written and read, and one without as ever', () => {
  const target = { voters: ['n1', 'n4'], learners: ['n5'], witnesses: ['n4'] }
  const configurations: Configuration[] = [
    WITNESSED,
    { voters: ['n1', 'n3'], learners: ['n4'], outgoing: [], target, witnesses: ['n3', 'n4'] },
    { voters: ['n1', 'n4'], learners: ['n5'], outgoing: ['n1', 'n3'], target: undefined, witnesses: ['n3', 'n4'] },
    OF_THREE.configuration,
  ]
  for (const configuration of configurations) {
    const bytes = encodeConfiguration(configuration)
    expect(decodeConfiguration(bytes)).toEqual(configuration)
    expect(bytes[0]).toBe(configuration.witnesses === undefined ? 1 : 2)
  }
})
