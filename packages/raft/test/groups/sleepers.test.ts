import type { Clock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import type { Sleep } from '../../src/core/sleep.ts'
import type { AsleepList, HostMessage } from '../../src/groups/host-wire.ts'
import { SleepSet, sameDigest } from '../../src/groups/sleep-set.ts'
import { Sleepers } from '../../src/groups/sleepers.ts'

const ELECTION_TIMEOUT_MS = 1_000
const HEARTBEAT_INTERVAL_MS = 100

/** The sleepers of n1, with a clock whose timers fire when the test says so, and groups that note who wakes them. */
class Driven {
  nowMs = 0
  readonly sent: { to: string; message: HostMessage }[] = []
  readonly woken: string[] = []
  /** When the hosts of n2 and n3 were heard, as the last group was told that was woken. */
  heardMs: readonly (number | undefined)[] = []
  readonly leading = new Map<string, number>()
  readonly sleepers: Sleepers
  #timer: { dueMs: number; fire: () => void } | undefined

  constructor() {
    const clock: Clock = {
      monotonicMs: () => this.nowMs,
      wallMs: () => this.nowMs,
      setTimer: (delayMs, fire) => {
        const timer = { dueMs: this.nowMs + delayMs, fire }
        this.#timer = timer
        return { cancel: () => undefined }
      },
      afterIo: (callback) => {
        callback()
        return { cancel: () => undefined }
      },
    }
    this.sleepers = new Sleepers({
      clock,
      electionTimeoutMs: ELECTION_TIMEOUT_MS,
      heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
      maxFrameBytes: 1_024,
      send: (to, message) => void this.sent.push({ to, message }),
    })
  }

  sleep(group: string, sleep: Sleep): void {
    this.sleepers.attach(group, {
      leads: (term) => this.leading.get(group) === term,
      wake: (heardMs) => {
        this.woken.push(group)
        this.heardMs = ['n2', 'n3'].map((peer) => heardMs?.(peer))
      },
    })
    if (sleep.role === 'leader') this.leading.set(group, sleep.term)
    this.sleepers.sleeps(group, sleep)
  }

  /** Time passes, and the timer fires once if it is due: late, where more than one interval has passed. */
  pass(ms: number): void {
    this.nowMs += ms
    const timer = this.#timer
    if (timer === undefined || timer.dueMs > this.nowMs) return
    this.#timer = undefined
    timer.fire()
  }

  get watches(): boolean {
    return this.#timer !== undefined
  }

  /** `from` says that it leads these, asleep. */
  beat(from: string, groups: readonly (readonly [string, number])[] = [], generation = 1): void {
    const set = new SleepSet()
    for (const [group, term] of groups) set.add({ group, term })
    this.sleepers.receive({ id: from, generation }, { type: 'beat', ...set.digest })
  }

  receive(from: string, message: Exclude<HostMessage, { type: 'group-frame' }>): HostMessage[] {
    this.sent.length = 0
    this.sleepers.receive({ id: from, generation: 1 }, message)
    return this.sent.map((each) => each.message)
  }
}

const follows = (term: number, leader = 'n2'): Sleep => ({ role: 'follower', term, peers: [leader], absent: [] })
const leads = (term: number, peers = ['n2', 'n3'], absent: string[] = []): Sleep => ({
  role: 'leader',
  term,
  peers,
  absent,
})

describe('the watch over sleeping groups', () => {
  test('takes a peer for heard only when it was, however many turns a sleeping group has', () => {
    const node = new Driven()
    node.sleep('a', follows(1))
    for (let i = 0; i < 12; i++) {
      node.pass(HEARTBEAT_INTERVAL_MS)
      // A late answer, or a frame that cannot be read, ends in a turn that leaves the group asleep.
      if (node.woken.length === 0) node.sleepers.sleeps('a', follows(1))
    }
    expect(node.woken).toEqual(['a'])
    expect(node.heardMs[0]).toBe(0)
  })

  test('beats once an interval for each peer, and not at all where nothing sleeps', () => {
    const node = new Driven()
    expect(node.watches).toBe(false)
    node.sleep('a', leads(1))
    node.sleep('b', follows(1))
    node.pass(HEARTBEAT_INTERVAL_MS)
    expect(node.sent.map(({ to, message }) => `${message.type} to ${to}`)).toEqual(['beat to n2', 'beat to n3'])
    node.sleepers.sleeps('a', undefined)
    node.sleepers.detach('b')
    expect(node.sleepers.asleep).toBe(0)
    node.pass(HEARTBEAT_INTERVAL_MS)
    expect(node.sent).toHaveLength(2)
    expect(node.watches).toBe(false)
  })

  test('wakes what counts on a peer that is silent for an election timeout, and says since when', () => {
    const node = new Driven()
    node.sleep('a', leads(1))
    node.sleep('b', follows(1, 'n3'))
    node.pass(HEARTBEAT_INTERVAL_MS)
    for (let i = 0; i < 10; i++) {
      node.beat('n3', [['b', 1]])
      node.pass(HEARTBEAT_INTERVAL_MS)
    }
    expect(node.woken).toEqual(['a'])
    expect(node.heardMs).toEqual([0, node.nowMs - HEARTBEAT_INTERVAL_MS])
  })

  test('of what sleeps without a peer wakes nothing by its silence, goes on to beat to it, and wakes all that when it is heard', () => {
    const node = new Driven()
    node.sleep('a', leads(1, ['n2'], ['n3']))
    node.sleep('b', leads(2, ['n2', 'n3']))
    for (let i = 0; i <= 12; i++) {
      node.sent.length = 0
      node.pass(HEARTBEAT_INTERVAL_MS)
      node.beat('n2', [])
    }
    // Only what counts on n3 minds its silence.
    expect([node.woken, node.sleepers.asleep]).toEqual([['b'], 1])
    expect(node.sent.map(({ to, message }) => [to, message.type])).toEqual([
      ['n2', 'beat'],
      ['n3', 'beat'],
    ])
    const set = new SleepSet()
    set.add({ group: 'a', term: 1 })
    expect(node.sent[1]?.message).toEqual({ type: 'beat', ...set.digest })
    node.receive('n3', { type: 'asleep-following', wantsYours: true, groups: [] })
    expect([node.woken, node.sleepers.asleep, node.sleepers.peers]).toEqual([['b', 'a'], 0, 0])
  })

  test('counts a peer that was absent as heard from when a group falls asleep with it', () => {
    const node = new Driven()
    node.sleep('a', leads(1, ['n2'], ['n3']))
    for (let i = 0; i < 20; i++) {
      node.pass(HEARTBEAT_INTERVAL_MS)
      node.beat('n2', [])
    }
    node.sleep('b', leads(1, ['n2', 'n3']))
    for (let i = 0; i < 5; i++) {
      node.pass(HEARTBEAT_INTERVAL_MS)
      node.beat('n2', [])
    }
    expect(node.woken).toEqual([])
  })

  test('tells a host at once that it counts on this one where nothing sleeps for its sake', () => {
    const node = new Driven()
    node.beat('n2', [['a', 1]])
    expect(node.sent).toEqual([{ to: 'n2', message: { type: 'asleep-following', wantsYours: true, groups: [] } }])
    node.sent.length = 0
    node.beat('n2')
    expect(node.sent).toEqual([])
    // It is told which, and says that these do not sleep here.
    expect(
      node.receive('n2', { type: 'asleep-leading', wantsYours: false, groups: [{ group: 'a', term: 1 }] }),
    ).toEqual([{ type: 'awake', groups: [{ group: 'a', term: 1 }] }])
  })

  test('wakes also what sleeps without a peer when that says that it does not sleep in it', () => {
    const node = new Driven()
    node.sleep('a', leads(1, ['n2'], ['n3']))
    node.receive('n3', { type: 'awake', groups: [{ group: 'a', term: 1 }] })
    expect(node.woken).toEqual(['a'])
  })

  test('does not judge right after this process was paused, and does at the next beat', () => {
    const node = new Driven()
    node.sleep('a', follows(1))
    node.pass(50 * ELECTION_TIMEOUT_MS)
    expect(node.woken).toEqual([])
    node.pass(HEARTBEAT_INTERVAL_MS)
    expect(node.woken).toEqual(['a'])
  })

  test('judges in time also where it is late at every beat', () => {
    const node = new Driven()
    node.sleep('a', follows(1))
    for (let i = 0; i < 8; i++) node.pass(2.5 * HEARTBEAT_INTERVAL_MS)
    expect(node.woken).toEqual(['a'])
  })

  test('wakes what counts on a peer that has begun another life, and not by what its earlier one left behind', () => {
    const node = new Driven()
    node.sleep('a', follows(1))
    node.beat('n2', [['a', 1]], 4)
    node.beat('n2', [], 3)
    expect(node.woken).toEqual([])
    node.beat('n2', [['a', 1]], 5)
    expect(node.woken).toEqual(['a'])
  })

  test('asks when two beats in a row have other groups in mind, and once in a while as long as that lasts', () => {
    const node = new Driven()
    node.sleep('a', follows(1))
    node.sleep('b', follows(2))
    const same = [
      ['b', 2],
      ['a', 1],
    ] as const
    node.beat('n2', same)
    node.beat('n2', [['a', 1]])
    node.beat('n2', same)
    node.beat('n2', [
      ['a', 1],
      ['b', 3],
    ])
    expect(node.sent).toEqual([])
    for (let i = 0; i < 6; i++) node.beat('n2', [['a', 1]])
    const groups = [
      { group: 'a', term: 1 },
      { group: 'b', term: 2 },
    ]
    const list = { to: 'n2', message: { type: 'asleep-following', wantsYours: true, groups } }
    expect(node.sent).toEqual([list, list])
  })

  test('tells a follower which groups it does not lead, and which it believes to sleep', () => {
    const node = new Driven()
    node.sleep('a', leads(1))
    node.sleep('b', leads(2))
    const groups = [
      { group: 'a', term: 1 },
      { group: 'b', term: 1 },
      { group: 'never-opened', term: 1 },
    ]
    expect(node.receive('n2', { type: 'asleep-following', wantsYours: true, groups })).toEqual([
      { type: 'awake', groups: groups.slice(1) },
      {
        type: 'asleep-leading',
        wantsYours: false,
        groups: [
          { group: 'a', term: 1 },
          { group: 'b', term: 2 },
        ],
      },
    ])
    // One that leads, awake, will say so itself.
    node.sleepers.sleeps('a', undefined)
    expect(node.receive('n2', { type: 'asleep-following', wantsYours: false, groups: groups.slice(0, 1) })).toEqual([])
  })

  test('tells a leader in which groups it does not sleep', () => {
    const node = new Driven()
    node.sleep('a', follows(1))
    const groups = [
      { group: 'a', term: 1 },
      { group: 'b', term: 1 },
      { group: 'a', term: 2 },
    ]
    expect(node.receive('n2', { type: 'asleep-leading', wantsYours: false, groups })).toEqual([
      { type: 'awake', groups: groups.slice(1) },
    ])
    expect(node.receive('n3', { type: 'asleep-leading', wantsYours: false, groups: groups.slice(0, 1) })).toEqual([
      { type: 'awake', groups: groups.slice(0, 1) },
    ])
  })

  test('wakes what a peer says is awake, in the very term and by the peer that it counts on', () => {
    const node = new Driven()
    node.sleep('a', follows(2))
    for (const [from, term] of [
      ['n3', 2],
      ['n2', 1],
    ] as const)
      node.receive(from, {
        type: 'awake',
        groups: [
          { group: 'a', term },
          { group: 'other', term },
        ],
      })
    expect(node.woken).toEqual([])
    node.receive('n2', { type: 'awake', groups: [{ group: 'a', term: 2 }] })
    expect(node.woken).toEqual(['a'])
  })

  test('sends long lists in parts that fit a frame', () => {
    const node = new Driven()
    const names = Array.from({ length: 100 }, (_, i) => `group-${i}`)
    for (const name of names) node.sleep(name, follows(1))
    node.beat('n2')
    node.beat('n2')
    const lists = node.sent.map(({ message }) => message as AsleepList)
    expect(lists.length).toBeGreaterThan(5)
    expect(lists.flatMap(({ groups }) => groups.map(({ group }) => group))).toEqual(names)
    expect(lists.map(({ wantsYours }) => wantsYours)).toEqual(lists.map((_, i) => i === 0))
  })
})

test('the digest of a set depends on names and terms, and on nothing else', () => {
  const of = (...groups: [string, number][]) => {
    const set = new SleepSet()
    for (const [group, term] of groups) set.add({ group, term })
    return set
  }
  const same = of(['a', 1], ['b', 2])
  const other = of(['x', 9], ['b', 1], ['b', 2], ['a', 1])
  other.delete('x')
  other.delete('y')
  expect(sameDigest(same.digest, other.digest)).toBe(true)
  for (const different of [
    of(['a', 1]),
    of(['a', 2], ['b', 1]),
    of(['a', 1], ['b', 2 + 2 ** 32]),
    of(['a', 1], ['c', 2]),
  ]) {
    expect(sameDigest(same.digest, different.digest)).toBe(false)
  }
  const digests = new Set(
    Array.from({ length: 20_000 }, (_, i) => {
      const { low, high } = of([`group-${i >> 2}`, i & 3]).digest
      return `${low} ${high}`
    }),
  )
  expect(digests.size).toBe(20_000)
})
