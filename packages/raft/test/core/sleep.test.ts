import { describe, expect, test } from 'vitest'
import type { CoreConfig } from '../../src/core/config.ts'
import type { SleepResponse } from '../../src/core/messages.ts'
import { coreOf, type Driven, ELECTION_TIMEOUT_MS, entriesOf, find, HEARTBEAT_INTERVAL_MS } from './support/cluster.ts'
import { append, last, leader, receivers } from './support/members.ts'

const AFTER = 3
const SLEEPY: Partial<CoreConfig> = { sleepAfterHeartbeats: AFTER }

/** The followers answer the newest round as `type` asks for it. Returns what is sent then. */
function answered(node: Driven, agree: Readonly<Record<string, boolean>>): string[] {
  const sent = node.settle()
  for (const [from, asleep] of Object.entries(agree)) {
    const request = sent.find(({ to, message }) => to === from && 'round' in message)?.message
    if (request === undefined || !('round' in request)) continue
    const { term, round } = request
    if (request.type === 'sleep-request') node.step(from, { type: 'sleep-response', term, round, asleep })
    else node.step(from, { type: 'heartbeat-response', term, round })
  }
  return [...sent, ...node.settle()].map(({ to, message }) => `${message.type} to ${to}`)
}

/** A heartbeat, and its answers. */
function beat(node: Driven, agree: Readonly<Record<string, boolean>> = { n2: true, n3: true }): string[] {
  node.pass(HEARTBEAT_INTERVAL_MS)
  return answered(node, agree)
}

/** Heartbeats until the followers are asked to sleep, and the answers of `agree`. */
function untilAsked(node: Driven, agree: Readonly<Record<string, boolean>>): void {
  for (let i = 0; i <= AFTER; i++) if (beat(node, agree).join().includes('sleep-request')) return
  throw new Error('nobody was asked to sleep')
}

/** n1 leads term 1, everybody has everything, and nothing has happened since. */
function idle(config: Partial<CoreConfig> = {}): Driven {
  const node = leader({ ...SLEEPY, ...config })
  node.have('n2', 'n3')
  beat(node)
  return node
}

function asleep(config: Partial<CoreConfig> = {}): Driven {
  const node = idle(config)
  for (let i = 0; i <= AFTER; i++) beat(node)
  expect(node.core.sleep).toEqual({ role: 'leader', term: 1, peers: ['n2', 'n3'], absent: [] })
  return node
}

/** n1 follows n2 in term 1, with entry 1 committed, and sleeps. */
function sleeper(config: Partial<CoreConfig> = {}): Driven {
  const node = coreOf(undefined, { ...SLEEPY, ...config })
  node.step('n2', append(1, [0, 0], entriesOf([1]), 1))
  node.settle()
  node.step('n2', { type: 'sleep-request', term: 1, commitIndex: 1, round: 5 })
  expect(node.core.sleep).toEqual({ role: 'follower', term: 1, peers: ['n2'], absent: [] })
  return node
}

const response = (node: Driven): SleepResponse =>
  find(
    node.settle().map(({ message }) => message),
    'sleep-response',
  )

describe('a leader', () => {
  test('asks its followers to sleep when nothing has happened for as many heartbeats, and keeps no time once all agree', () => {
    const node = leader(SLEEPY)
    node.have('n2', 'n3')
    for (let i = 0; i < AFTER; i++) expect(beat(node)).toContain('heartbeat-request to n2')
    node.pass(HEARTBEAT_INTERVAL_MS)
    expect(answered(node, {})).toEqual(['sleep-request to n2', 'sleep-request to n3'])
    expect(node.core.sleep).toBeUndefined()
    beat(node, { n2: true })
    expect(node.core.sleep).toBeUndefined()
    beat(node)
    expect(node.core.nextDueMs).toBe(Number.POSITIVE_INFINITY)
    // Not even check-quorum: whoever drives it watches over the followers.
    node.pass(100 * ELECTION_TIMEOUT_MS)
    expect(node.core.role).toBe('leader')
    expect(node.settle()).toEqual([])
  })

  test('never sleeps where nobody watches over its followers', () => {
    const node = idle({ sleepAfterHeartbeats: undefined } as unknown as Partial<CoreConfig>)
    for (let i = 0; i < 50; i++) expect(beat(node)).toContain('heartbeat-request to n2')
    expect(node.core.sleep).toBeUndefined()
  })

  test('of a group of one sleeps alone', () => {
    const node = coreOf(undefined, { ...SLEEPY, voters: ['n1'] })
    node.core.campaign(0)
    node.settle()
    for (let i = 0; i <= AFTER; i++) {
      node.pass(HEARTBEAT_INTERVAL_MS)
      node.settle()
    }
    expect(node.core.sleep).toEqual({ role: 'leader', term: 1, peers: [], absent: [] })
  })

  test('stays awake for a follower that lacks something, is silent, or refuses', () => {
    const behind = leader(SLEEPY)
    behind.have('n2')
    for (let i = 0; i < 3 * AFTER; i++) expect(beat(behind).join()).not.toContain('sleep-request')
    const lagging = idle()
    lagging.propose(1)
    lagging.have('n2')
    expect(lagging.core.commitIndex).toBe(last(lagging))
    for (let i = 0; i < 3 * AFTER; i++) expect(beat(lagging).join()).not.toContain('sleep-request')
    const silent = idle()
    for (let i = 0; i < 20; i++) beat(silent, { n2: true })
    expect(silent.core.sleep).toBeUndefined()
    // One that was not heard for an election timeout is not even asked any more.
    expect(beat(silent, { n2: true }).join()).not.toContain('sleep-request')
    const refused = idle()
    for (let i = 0; i < 20; i++) beat(refused, { n2: true, n3: false })
    expect(refused.core.sleep).toBeUndefined()
  })

  test('sleeps without a follower that is silent for four election timeouts, whatever it lacks, and without no other', () => {
    for (const lacks of [false, true]) {
      const node = idle()
      if (lacks) {
        node.propose(1)
        node.have('n2')
      }
      for (let ms = 0; ms < 4 * ELECTION_TIMEOUT_MS; ms += HEARTBEAT_INTERVAL_MS) {
        beat(node, { n2: true })
        expect(node.core.sleep).toBeUndefined()
      }
      untilAsked(node, { n2: false })
      expect(node.core.sleep).toBeUndefined()
      untilAsked(node, { n2: true })
      expect(node.core.sleep).toEqual({ role: 'leader', term: 1, peers: ['n2'], absent: ['n3'] })
    }
  })

  test('that was paused does not sleep with a minority, as if all others were silent for long', () => {
    const voters = ['n1', 'n2', 'n3', 'n4', 'n5']
    const all = { n2: true, n3: true, n4: true, n5: true }
    const node = coreOf(undefined, { ...SLEEPY, voters })
    node.lead('n2', 'n3')
    node.have('n2', 'n3', 'n4', 'n5')
    beat(node, all)
    untilAsked(node, {})
    const round = 5
    node.nowMs += 5 * ELECTION_TIMEOUT_MS
    // The process goes on, and reads what came meanwhile, before it looks at its clock.
    const agree = (from: string): void => node.step(from, { type: 'sleep-response', term: 1, round, asleep: true })
    agree('n2')
    expect(node.core.sleep).toBeUndefined()
    agree('n3')
    expect(node.core.sleep).toEqual({ role: 'leader', term: 1, peers: ['n2', 'n3'], absent: ['n4', 'n5'] })
  })

  test('that slept without a follower does not take it for heard when it wakes, and is awake when that one asks for votes', () => {
    const node = idle()
    for (let ms = 0; ms <= 4 * ELECTION_TIMEOUT_MS; ms += HEARTBEAT_INTERVAL_MS) beat(node, { n2: true })
    while (node.core.sleep === undefined) beat(node, { n2: true })
    const heardMs = node.core.progress?.get('n3')?.heardMs
    node.nowMs += 10 * ELECTION_TIMEOUT_MS
    node.step('n3', { type: 'vote-request', term: 2, preVote: true, transfer: false, lastIndex: 0, lastTerm: 0 })
    expect(node.core.sleep).toBeUndefined()
    expect(node.core.progress?.get('n3')?.heardMs).toBe(heardMs)
    expect(node.core.progress?.get('n2')?.heardMs).toBe(node.nowMs)
    expect(beat(node, {})).toContain('heartbeat-request to n3')
  })

  test('asks anew, and from the beginning, after something has happened', () => {
    const node = idle()
    beat(node, { n2: true, n3: true })
    node.propose(1)
    node.have('n2', 'n3')
    for (let i = 0; i <= AFTER; i++) expect(beat(node).join()).not.toContain('sleep-request')
    expect(beat(node).join()).toContain('sleep-request')
  })

  test('does not count an agreement from before something happened', () => {
    const node = idle()
    untilAsked(node, { n2: true })
    node.propose(1)
    node.have('n2', 'n3')
    beat(node)
    for (let i = 0; i < AFTER; i++) beat(node, {})
    untilAsked(node, { n3: true })
    expect(node.core.sleep).toBeUndefined()
  })

  test('does not fall asleep by an agreement that comes after the followers were woken', () => {
    const node = idle()
    untilAsked(node, { n2: true })
    const { lastIndex } = node.core.log
    node.propose(1)
    node.have('n2', 'n3')
    expect(node.core.commitIndex).toBe(lastIndex + 1)
    for (const round of [5, 6]) node.step('n3', { type: 'sleep-response', term: 1, round, asleep: true })
    expect(node.core.sleep).toBeUndefined()
  })

  test('is not kept from sleep by work, but by work within the time', () => {
    const node = idle()
    for (let i = 0; i < 10; i++) {
      node.propose(i)
      node.have('n2', 'n3')
      for (let j = 0; j < AFTER; j++) expect(beat(node).join()).not.toContain('sleep-request')
    }
    for (let i = 0; i < 10; i++) {
      node.core.requestRead(i)
      answered(node, { n2: true })
      for (let j = 0; j < AFTER; j++) expect(beat(node).join()).not.toContain('sleep-request')
    }
    for (let j = 0; j <= AFTER; j++) beat(node)
    expect(node.core.sleep).toBeDefined()
  })

  for (const [what, keep] of [
    ['a driver that is busy', (node: Driven) => node.core.busy(true, node.nowMs)],
    ['a proposal', (node: Driven) => node.propose(1)],
    ['a read', (node: Driven) => node.core.requestRead(1)],
    ['a transfer', (node: Driven) => node.core.transfer('n2', node.nowMs)],
    ['a change of the members', (node: Driven) => node.core.reconfigure({ voters: ['n1', 'n2'], learners: [] })],
  ] as const) {
    test(`does not fall asleep over ${what}, although all have agreed`, () => {
      const node = idle()
      untilAsked(node, {})
      const { term } = node.core
      keep(node)
      const round = 5
      for (const from of ['n2', 'n3']) node.step(from, { type: 'sleep-response', term, round, asleep: true })
      expect(node.core.sleep).toBeUndefined()
    })
  }

  test('is held to its quorum from when it wakes on, and not for the time that it slept', () => {
    const node = asleep()
    node.nowMs += 1_000 * ELECTION_TIMEOUT_MS
    node.core.busy(true, node.nowMs)
    expect(receivers(wakeBeat(node), 'heartbeat-request')).toEqual(['n2', 'n3'])
    node.pass(ELECTION_TIMEOUT_MS)
    expect(node.core.role).toBe('leader')
    node.pass(HEARTBEAT_INTERVAL_MS)
    expect(node.core.role).toBe('follower')
  })

  test('steps down at once when it wakes because a majority was silent', () => {
    const node = asleep()
    const heardMs = node.nowMs
    node.nowMs += ELECTION_TIMEOUT_MS + 1
    node.core.wake(node.nowMs, () => heardMs)
    node.pass(0)
    expect(node.core.role).toBe('follower')
  })

  test('wakes by whatever a follower wants, and not by answers that come late', () => {
    const late = asleep()
    late.step('n2', { type: 'heartbeat-response', term: 1, round: 1 })
    late.step('n2', { type: 'append-accepted', term: 1, matchIndex: last(late), round: 1 })
    expect(late.core.sleep).toBeDefined()
    const asked = asleep()
    asked.step('n2', { type: 'vote-request', term: 2, preVote: true, transfer: false, lastIndex: 1, lastTerm: 1 })
    expect(asked.core.sleep).toBeUndefined()
    expect(receivers(wakeBeat(asked), 'heartbeat-request')).toEqual(['n2', 'n3'])
    const refused = asleep()
    refused.step('n2', { type: 'sleep-response', term: 1, round: 9, asleep: false })
    expect(refused.core.sleep).toBeUndefined()
    const anew = asleep()
    const [index, term] = [last(anew) + 1, 1]
    anew.step('n2', { type: 'append-rejected', term, rejectedIndex: index, hintIndex: 0, hintTerm: 0, round: 0 })
    expect(anew.core.sleep).toBeUndefined()
  })

  test('is not woken by one that was removed, has yet to learn it, and asks for votes for ever', () => {
    const node = asleep()
    const request = {
      type: 'vote-request',
      term: 2,
      preVote: true,
      transfer: false,
      lastIndex: 1,
      lastTerm: 1,
    } as const
    node.step('n9', request)
    expect([node.settle(), node.core.sleep?.peers]).toEqual([[], ['n2', 'n3']])
    // It may be of a newer configuration where its log is newer.
    node.step('n9', { ...request, lastTerm: 2 })
    expect(node.core.sleep).toBeUndefined()
  })

  test('serves no read under a lease that it had when it fell asleep (P-25)', () => {
    const node = asleep({ leaseClockDrift: 0 })
    node.nowMs += ELECTION_TIMEOUT_MS + 1
    node.core.wake(node.nowMs)
    expect(node.core.requestLeaseRead(7, node.nowMs)).toBe(true)
    expect(node.effects().confirmedReads).toEqual([])
  })

  test('in an older term is told so when it asks to sleep (P-06)', () => {
    const node = coreOf({ hardState: { term: 4, votedFor: undefined }, snapshot: undefined, entries: [] }, SLEEPY)
    node.step('n2', { type: 'sleep-request', term: 3, commitIndex: 0, round: 1 })
    expect(node.messages()).toEqual([{ type: 'heartbeat-response', term: 4, round: 0 }])
    expect(node.core.sleep).toBeUndefined()
  })
})

/** The heartbeat of a leader that has just woken is due at once. */
function wakeBeat(node: Driven): ReturnType<Driven['settle']> {
  expect(node.core.nextDueMs).toBeLessThanOrEqual(node.nowMs)
  node.pass(0)
  return node.settle()
}

describe('a follower', () => {
  test('sleeps if it knows that it has everything and that all of it is committed, and says so', () => {
    const node = sleeper()
    expect(response(node)).toEqual({ type: 'sleep-response', term: 1, round: 5, asleep: true })
    node.pass(1_000 * ELECTION_TIMEOUT_MS)
    expect(node.core.role).toBe('follower')
  })

  const refusals: Record<string, (node: Driven) => void> = {
    'lacks entries': () => undefined,
    'has entries behind those': (node) => node.step('n2', append(1, [1, 1], entriesOf([1], 2), 1)),
    'does not know that they are committed': (node) => node.step('n2', append(1, [0, 0], entriesOf([1, 1]), 1)),
    'is busy': (node) => node.core.busy(true, node.nowMs),
    'installs a snapshot': (node) => node.core.installing(true),
  }
  for (const [why, before] of Object.entries(refusals)) {
    test(`stays awake when it ${why}`, () => {
      const node = coreOf(undefined, SLEEPY)
      if (why !== 'lacks entries') node.step('n2', append(1, [0, 0], entriesOf([1]), 1))
      before(node)
      node.settle()
      node.step('n2', { type: 'sleep-request', term: 1, commitIndex: 1, round: 5 })
      expect(response(node).asleep).toBe(false)
      expect(node.core.nextDueMs).toBeLessThanOrEqual(2 * ELECTION_TIMEOUT_MS)
    })
  }

  test('does not agree before what it has is on its disk', () => {
    const node = coreOf(undefined, SLEEPY)
    node.step('n2', append(1, [0, 0], entriesOf([1]), 1))
    node.effects()
    node.step('n2', { type: 'sleep-request', term: 1, commitIndex: 1, round: 5 })
    expect(node.core.sleep).toBeUndefined()
  })

  test('that began anew in the term asks to be compared before it sleeps', () => {
    const node = coreOf(
      { hardState: { term: 1, votedFor: 'n2' }, snapshot: undefined, entries: entriesOf([1]) },
      SLEEPY,
    )
    node.step('n2', { type: 'sleep-request', term: 1, commitIndex: 1, round: 5 })
    const sent = node.messages()
    expect(find(sent, 'append-rejected').hintIndex).toBe(1)
    expect(find(sent, 'sleep-response').asleep).toBe(false)
  })

  test('wakes by whatever its leader sends', () => {
    for (const message of [
      { type: 'heartbeat-request', term: 1, commitIndex: 1, round: 6 },
      { type: 'commit-notice', term: 1, commitIndex: 1 },
      append(1, [1, 1], entriesOf([1], 2), 1),
    ] as const) {
      const node = sleeper()
      node.nowMs += 50 * ELECTION_TIMEOUT_MS
      node.step('n2', message)
      expect(node.core.sleep).toBeUndefined()
      node.pass(ELECTION_TIMEOUT_MS - 1)
      expect(node.core.role).toBe('follower')
      node.pass(ELECTION_TIMEOUT_MS + 1)
      expect(node.core.role).toBe('pre-candidate')
    }
  })

  test('wakes by a higher term whoever names it: in that term nobody keeps time for it', () => {
    const node = sleeper()
    // It asked n3 for something in an earlier term, and the answer comes late.
    node.step('n3', { type: 'append-accepted', term: 2, matchIndex: 0, round: 0 })
    expect(node.core.sleep).toBeUndefined()
    node.pass(2 * ELECTION_TIMEOUT_MS)
    expect(node.core.role).toBe('pre-candidate')
  })

  test('votes for nobody while it sleeps, wakes by the question, and is free when its leader stays silent then (P-05)', () => {
    const node = sleeper()
    node.settle()
    node.nowMs += 50 * ELECTION_TIMEOUT_MS
    const question = {
      type: 'vote-request',
      term: 2,
      preVote: true,
      transfer: false,
      lastIndex: 1,
      lastTerm: 1,
    } as const
    node.step('n3', question)
    expect(find(node.messages(), 'vote-response').granted).toBe(false)
    expect(node.core.sleep).toBeUndefined()
    node.nowMs += ELECTION_TIMEOUT_MS
    node.step('n3', question)
    expect(find(node.messages(), 'vote-response').granted).toBe(true)
  })

  test('gives way to a transfer as ever (P-08)', () => {
    const node = sleeper()
    node.nowMs += 50 * ELECTION_TIMEOUT_MS
    node.step('n3', { type: 'vote-request', term: 2, preVote: false, transfer: true, lastIndex: 1, lastTerm: 1 })
    expect(
      find(
        node.settle().map(({ message }) => message),
        'vote-response',
      ),
    ).toMatchObject({ term: 2, granted: true })
    expect(node.core.sleep).toBeUndefined()
  })

  test('counts the silence of its leader from when the driver has heard it last', () => {
    const node = sleeper()
    const heardMs = 50 * ELECTION_TIMEOUT_MS
    node.nowMs = heardMs + ELECTION_TIMEOUT_MS + 1
    node.core.wake(node.nowMs, () => heardMs)
    expect(node.core.nextDueMs).toBeLessThanOrEqual(heardMs + 2 * ELECTION_TIMEOUT_MS)
    expect(node.core.nextDueMs).toBeGreaterThanOrEqual(heardMs + ELECTION_TIMEOUT_MS)
    node.pass(ELECTION_TIMEOUT_MS)
    expect(node.core.role).toBe('pre-candidate')
  })

  test('promises no more by waking than it knows: what the driver heard is no promise for a later time (P-25)', () => {
    const node = sleeper({ leaseClockDrift: 0 })
    const heardMs = 50 * ELECTION_TIMEOUT_MS
    node.nowMs = heardMs + ELECTION_TIMEOUT_MS + 1
    node.core.wake(node.nowMs, () => heardMs)
    node.settle()
    node.step('n3', { type: 'vote-request', term: 2, preVote: true, transfer: false, lastIndex: 1, lastTerm: 1 })
    expect(find(node.messages(), 'vote-response').granted).toBe(true)
  })
})

test('aligned heartbeats are due at whole multiples of their interval, and never later than without', () => {
  const node = coreOf(undefined, { alignHeartbeats: true })
  node.nowMs = 3.5 * HEARTBEAT_INTERVAL_MS
  node.lead('n2')
  expect(node.core.nextDueMs).toBe(4 * HEARTBEAT_INTERVAL_MS)
  node.pass(0.75 * HEARTBEAT_INTERVAL_MS)
  expect(node.core.nextDueMs).toBe(5 * HEARTBEAT_INTERVAL_MS)
  node.pass(0.75 * HEARTBEAT_INTERVAL_MS)
  expect(node.core.nextDueMs).toBe(6 * HEARTBEAT_INTERVAL_MS)
})
