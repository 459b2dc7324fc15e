import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { encodeMessage } from '../src/core/codec.ts'
import type { Effect } from '../src/core/effects.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import type { Message } from '../src/core/message.ts'
import type { MemberState } from '../src/core/record.ts'
import { Membership } from '../src/index.ts'
import { type MembershipOptions, resolveOptions } from '../src/options.ts'
import type { ViewStatus } from '../src/status.ts'
import { ManualTransport } from './manual-transport.ts'
import { Simulation } from './simulation.ts'

const five = ['n1', 'n2', 'n3', 'n4', 'n5']
const ACCUSATIONS = ['MemberSuspected', 'MemberDown']

const transports = [
  { name: 'without broadcast', canBroadcast: false, fastNegative: false },
  { name: 'with broadcast and fast negatives', canBroadcast: true, fastNegative: true },
]

const typesAt = (simulation: Simulation, at: string): string[] =>
  simulation.node(at).events.map(({ event }) => event.type)
const viewAt = (simulation: Simulation, at: string): ViewStatus =>
  simulation.node(at).core.gate.status(simulation.nowMs)
const isFresh = (simulation: Simulation, ids: readonly string[]): boolean =>
  ids.every((id) => viewAt(simulation, id).state === 'fresh')

function build(ids: readonly string[], seed: number, more: object = {}): Simulation {
  const simulation = new Simulation({ seed, ...more })
  simulation.startAll(ids.length)
  simulation.run(10_000, () => simulation.agrees(ids))
  simulation.run(1_000 + seed * 37)
  expect(simulation.agrees(ids), `seed ${seed}: all join`).toBe(true)
  return simulation
}

describe.each(transports)('many targets fail at once, $name', ({ canBroadcast, fastNegative }) => {
  const start = (seed: number, options: Partial<MembershipOptions> = {}): Simulation =>
    build(five, seed, { canBroadcast, fastNegative, options })

  test('M-36: whoever is half open accuses nobody, and knows since when its view is stale', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const simulation = start(seed)
      const cutMs = simulation.nowMs
      simulation.partition(['n1'], ['n2', 'n3', 'n4', 'n5'])
      simulation.run(25_000)
      for (const id of five.slice(1)) expect(simulation.node(id).stateOf('n1')).toBe('dead')
      for (const type of ACCUSATIONS) expect(typesAt(simulation, 'n1'), `seed ${seed}`).not.toContain(type)
      const view = viewAt(simulation, 'n1')
      expect(view).toMatchObject({ state: 'stale', because: 'nobody-answers' })
      if (view.state !== 'stale') continue
      expect(Math.abs(view.sinceMs - cutMs)).toBeLessThan(1_000)
      expect(view.sinceMs + view.forMs).toBe(simulation.nowMs)
      simulation.heal()
      const healedMs = simulation.nowMs
      simulation.run(20_000, () => simulation.agrees(five) && isFresh(simulation, five))
      expect(simulation.nowMs - healedMs, `seed ${seed}`).toBeLessThan(10_000)
      expect(typesAt(simulation, 'n1').filter((type) => type.startsWith('View'))).toEqual(['ViewStale', 'ViewFresh'])
    }
  })

  test('M-36: a broker that hangs for 25 s and drops what it is sent kills nobody, and views are fresh soon after', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const simulation = start(seed)
      simulation.partition(...five.map((id) => [id]))
      simulation.run(25_000)
      for (const id of five) expect(viewAt(simulation, id)).toMatchObject({ because: 'nobody-answers' })
      simulation.heal()
      const healedMs = simulation.nowMs
      simulation.run(20_000, () => isFresh(simulation, five))
      expect(simulation.agrees(five)).toBe(true)
      expect(simulation.nowMs - healedMs, `seed ${seed}`).toBeLessThan(5_000)
      for (const id of five)
        for (const type of ACCUSATIONS) expect(typesAt(simulation, id), `seed ${seed}`).not.toContain(type)
    }
  })

  test('the only survivor of five does not wait for ever', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const simulation = start(seed)
      for (const id of five.slice(1)) simulation.kill(id)
      simulation.run(30_000)
      expect(typesAt(simulation, 'n1')).not.toContain('MemberDown')
      simulation.run(25_000, () => simulation.agrees(['n1']))
      expect(simulation.agrees(['n1']), `seed ${seed}`).toBe(true)
      expect(isFresh(simulation, ['n1'])).toBe(true)
      const fresh = simulation.node('n1').events.find(({ event }) => event.type === 'ViewFresh')
      expect(fresh?.event.why).toMatch(
        /^too few answered for \d+ ms, and from now on whoever is silent is taken for dead$/,
      )
    }
  })

  test('both sides of a partition judge the other one as ever, and no view is stale', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const simulation = start(seed)
      const [minority, majority] = [five.slice(0, 2), five.slice(2)]
      simulation.partition(minority, majority)
      simulation.run(20_000, () => simulation.agrees(minority) && simulation.agrees(majority))
      expect(simulation.agrees(minority) && simulation.agrees(majority), `seed ${seed}`).toBe(true)
      for (const id of five) expect(typesAt(simulation, id)).not.toContain('ViewStale')
    }
  })

  test('with a share below 1 the smaller side accuses nobody, and the larger one judges', () => {
    for (let seed = 1; seed <= 2; seed++) {
      const simulation = start(seed, { isolationShare: 0.7 })
      const [minority, majority] = [five.slice(0, 2), five.slice(2)]
      simulation.partition(minority, majority)
      simulation.run(25_000)
      expect(simulation.agrees(majority), `seed ${seed}`).toBe(true)
      for (const id of minority) {
        expect(typesAt(simulation, id), `seed ${seed}`).not.toContain('MemberDown')
        expect(viewAt(simulation, id)).toMatchObject({ state: 'stale' })
      }
      simulation.heal()
      simulation.run(20_000, () => simulation.agrees(five) && isFresh(simulation, five))
      expect(simulation.agrees(five) && isFresh(simulation, five), `seed ${seed}`).toBe(true)
    }
  })

  test('whoever hears all and reaches nobody accuses nobody', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const simulation = start(seed)
      for (const to of five.slice(1)) simulation.cut('n1', to)
      simulation.run(20_000)
      expect(typesAt(simulation, 'n1'), `seed ${seed}`).not.toContain('MemberDown')
      expect(viewAt(simulation, 'n1')).toMatchObject({ because: 'nobody-answers' })
    }
  })

  test('of three, one death after the other is noticed at once', () => {
    const three = five.slice(0, 3)
    for (let seed = 1; seed <= 10; seed++) {
      const simulation = build(three, seed, { canBroadcast, fastNegative })
      for (const [dead, left] of [
        ['n3', ['n1', 'n2']],
        ['n2', ['n1']],
      ] as const) {
        const killedMs = simulation.nowMs
        simulation.kill(dead)
        simulation.run(10_000, () => simulation.agrees(left))
        expect(simulation.nowMs - killedMs, `seed ${seed}`).toBeLessThan(3_000)
      }
      expect(typesAt(simulation, 'n1')).not.toContain('ViewStale')
    }
  })

  test('M-35: ten minutes without a broker: nobody is accused, views are stale meanwhile, and agree five seconds after', () => {
    let slowestMs = 0
    for (let seed = 1; seed <= 10; seed++) {
      const simulation = start(seed)
      const lostMs = simulation.nowMs
      for (const id of five) simulation.connect(id, false)
      simulation.run(300_000)
      // What happens meanwhile is what views have to agree on.
      simulation.input('n2', (core, nowMs) =>
        core.update({ metadata: { zone: 'b' }, roles: [], capabilities: [], tags: {} }, nowMs),
      )
      simulation.run(300_000)
      for (const id of five) {
        const view = { state: 'stale', because: 'disconnected', sinceMs: lostMs, forMs: 600_000 }
        expect(viewAt(simulation, id)).toMatchObject(view)
      }
      for (const id of five) {
        simulation.connect(id, true)
        simulation.run(150)
      }
      const backMs = simulation.nowMs
      const knowsAll = (id: string): boolean => simulation.node(id).core.member('n2')?.metadata['zone'] === 'b'
      simulation.run(20_000, () => simulation.agrees(five) && five.every(knowsAll) && isFresh(simulation, five))
      slowestMs = Math.max(slowestMs, simulation.nowMs - backMs)
      for (const id of five) for (const type of ACCUSATIONS) expect(typesAt(simulation, id)).not.toContain(type)
    }
    expect(slowestMs).toBeLessThan(5_000)
  })
})

test('a death needs a witness: with one probe at a time and no helpers, whoever is cut off declares nobody dead', () => {
  const options = { probesPerInterval: 1, indirectProbes: 0, suspicionTimeoutMs: 100, suspicionMaxFactor: 1 }
  for (let seed = 1; seed <= 10; seed++) {
    const simulation = build(five, seed, { options })
    simulation.partition(...five.map((id) => [id]))
    simulation.run(25_000)
    for (const id of five) expect(typesAt(simulation, id), `seed ${seed}`).not.toContain('MemberDown')
  }
})

test('M-36: whoever is cut off removes nobody by alerts of its own either, and of three the one that dies is removed', () => {
  const three = five.slice(0, 3)
  for (let seed = 1; seed <= 3; seed++) {
    const simulation = build(three, seed, { options: { removal: 'cut' } })
    simulation.partition(...three.map((id) => [id]))
    simulation.run(25_000)
    for (const id of three) {
      expect(typesAt(simulation, id), `seed ${seed}`).not.toContain('MemberDown')
      expect(viewAt(simulation, id)).toMatchObject({ because: 'nobody-answers' })
    }
    simulation.heal()
    simulation.run(10_000, () => isFresh(simulation, three))
    expect(simulation.agrees(three) && isFresh(simulation, three), `seed ${seed}`).toBe(true)
    simulation.kill('n3')
    simulation.run(30_000, () => simulation.agrees(['n1', 'n2']))
    expect(simulation.agrees(['n1', 'n2']), `seed ${seed}`).toBe(true)
  }
})

test('M-23: time in which this node was stopped does not count as time without an answer', () => {
  const simulation = build(five, 3)
  simulation.partition(['n1'], five.slice(1))
  simulation.run(10_000)
  simulation.pause('n1')
  simulation.run(60_000)
  simulation.resume('n1')
  simulation.run(15_000)
  expect(viewAt(simulation, 'n1')).toMatchObject({ because: 'nobody-answers' })
  expect(typesAt(simulation, 'n1')).not.toContain('MemberDown')
})

const self = { id: 'me', generation: 5 }

/** A core among others that are all alive. */
function coreAmong(ids: readonly string[], options: Partial<MembershipOptions> = {}): MembershipCore {
  const resolved = resolveOptions({ cluster: 'test', seeds: [], ...options })
  const core = new MembershipCore({ ...resolved, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  const records = ids.map((id) => ({ id, generation: 1, incarnation: 0, state: 'alive' as MemberState, metadata: [] }))
  const rumors = records.map((record) => ({ record, ageMs: 0 }))
  core.receive({ kind: 'sync-reply', last: true, rumors }, { id: ids[0] ?? '', generation: 1 }, 0)
  return core
}

const sent = (effects: readonly Effect[], kind: Message['kind']): { to: string; message: Message }[] =>
  effects.flatMap((effect) =>
    effect.type === 'send' && effect.message.kind === kind ? [{ to: effect.to.id, message: effect.message }] : [],
  )
const views = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) =>
    effect.type === 'event' && effect.event.type.startsWith('View')
      ? [`${effect.event.type}: ${effect.event.why}`]
      : [],
  )

/** Ticks at every deadline up to `untilMs`; those in `answering` do so at once, and reach nobody else. */
function run(core: MembershipCore, untilMs: number, answering: readonly string[] = []): Effect[] {
  const all: Effect[] = []
  for (let dueMs = core.deadlineMs(); dueMs !== undefined && dueMs <= untilMs; dueMs = core.deadlineMs()) {
    const effects = core.tick(dueMs)
    all.push(...effects)
    for (const effect of effects) {
      if (effect.type !== 'send' || !answering.includes(effect.to.id)) continue
      const { message, to } = effect
      const from = { id: to.id, generation: 1 }
      if (message.kind === 'ping') all.push(...core.receive({ kind: 'ack', seq: message.seq, rumors: [] }, from, dueMs))
      if (message.kind === 'ping-request')
        all.push(...core.receive({ kind: 'ping-answer', seq: message.seq, reached: false, rumors: [] }, from, dueMs))
    }
  }
  return all
}

describe('when somebody answers again', () => {
  const n1 = { id: 'n1', generation: 1 }
  const nothing: Message = { kind: 'gossip', rumors: [] }

  /** A core that nobody has answered for five seconds. */
  function isolated(): MembershipCore {
    const core = coreAmong(['n1', 'n2', 'n3'], { syncIntervalMs: 3_600_000 })
    expect(views(run(core, 5_000))).toEqual(['ViewStale: none of the 3 asked last has answered'])
    return core
  }
  const seqOf = (effects: readonly Effect[]): number => {
    const message = sent(effects, 'ping').find(({ to }) => to === 'n1')?.message
    return message?.kind === 'ping' ? message.seq : 0
  }

  test('it refutes, pulls from two, and accuses nobody for a time of grace', () => {
    const core = isolated()
    expect(core.member('me')?.incarnation).toBe(0)
    const asked = core.receive(nothing, n1, 6_000)
    const back = core.receive({ kind: 'ack', seq: seqOf(asked), rumors: [] }, n1, 6_010)
    expect(core.member('me')?.incarnation).toBe(1)
    expect(new Set(sent(back, 'digest').map(({ to }) => to)).size).toBe(2)
    expect(core.gate.status(6_100)).toMatchObject({ because: 'catching-up', why: 'n1 has answered, and it catches up' })
    expect(views(run(core, 7_009, ['n1']))).toEqual([])
    expect(views(run(core, 7_010, ['n1']))).toEqual(['ViewFresh: it has caught up'])
    expect(core.gate.status(7_010)).toEqual({ state: 'fresh' })
    // What it missed is not counted against them, and what it misses from now on is.
    const accused = run(core, 20_000, ['n1']).flatMap((one) => (one.type === 'event' ? [one.event] : []))
    expect(
      accused
        .filter(({ type }) => type === 'MemberDown')
        .map(({ member }) => member.id)
        .sort(),
    ).toEqual(['n2', 'n3'])
  })

  test('whoever is heard is asked at once, and not again before it had the time to answer', () => {
    const core = isolated()
    run(core, 5_900)
    expect(sent(core.receive(nothing, n1, 6_000), 'ping').map(({ to }) => to)).toEqual(['n1'])
    expect(sent(core.receive(nothing, n1, 6_249), 'ping')).toEqual([])
    expect(sent(core.receive(nothing, n1, 6_250), 'ping')).toHaveLength(1)
    expect(sent(core.receive(nothing, { id: 'n9', generation: 1 }, 6_900), 'ping')).toEqual([])
  })

  test('to be heard alone opens nothing, since others may not hear this node', () => {
    const core = isolated()
    for (let nowMs = 5_100; nowMs < 20_000; nowMs += 100) {
      run(core, nowMs)
      core.receive(nothing, n1, nowMs)
    }
    expect(core.gate.status(20_000)).toMatchObject({ state: 'stale', because: 'nobody-answers' })
  })

  test('M-38: acks that were held up for long open nothing', () => {
    const core = coreAmong(['n1', 'n2', 'n3'], { maxHealthMultiplier: 1 })
    const early = sent(run(core, 2_000), 'ping')
    run(core, 10_000)
    for (const { to, message } of early) {
      if (message.kind === 'ping')
        core.receive({ kind: 'ack', seq: message.seq, rumors: [] }, { id: to, generation: 1 }, 10_001)
    }
    expect(core.gate.status(10_001)).toMatchObject({ state: 'stale', because: 'nobody-answers' })
  })

  test('a node whose connection is back and that nobody answers stays as it is, and gives up in the end', () => {
    const core = coreAmong(['n1', 'n2', 'n3'], {
      isolationTimeoutMs: 10_000,
      syncIntervalMs: 3_600_000,
      // The time of grace is over before the first probe is.
      suspicionTimeoutMs: 300,
    })
    run(core, 1_000, ['n1', 'n2', 'n3'])
    expect(views(core.connection(false, 1_000))).toEqual(['ViewStale: its connection is down'])
    expect(views(core.connection(true, 50_000))).toEqual([])
    expect(views(run(core, 59_999))).toEqual([])
    expect(core.gate.status(59_999)).toMatchObject({ sinceMs: 1_000, forMs: 58_999, because: 'nobody-answers' })
    expect(views(run(core, 60_000))).toEqual([
      'ViewFresh: too few answered for 59000 ms, and from now on whoever is silent is taken for dead',
    ])
    // Nobody has answered since, so it does not wait for that again.
    const later = run(core, 120_000)
    expect(views(later)).toEqual([])
    expect(core.members().map(({ state }) => state)).toEqual(['alive', 'dead', 'dead', 'dead'])
  })

  test('whoever has one other left waits for no answer, only for the time of grace', () => {
    const core = coreAmong(['n1'])
    core.connection(false, 1_000)
    core.connection(true, 5_000)
    expect(core.gate.status(5_000)).toMatchObject({ because: 'catching-up' })
    expect(views(run(core, 6_000))).toEqual(['ViewFresh: it has caught up'])
    run(core, 10_000)
    expect(core.member('n1')?.state).toBe('dead')
  })

  test('whoever answered the pull at the reconnect is not asked for all that again', () => {
    const core = coreAmong(['n1', 'n2'])
    core.connection(false, 1_000)
    core.connection(true, 5_000)
    expect(core.member('me')?.incarnation).toBe(1)
    const asked = core.receive(nothing, n1, 5_002)
    expect(sent(core.receive({ kind: 'ack', seq: seqOf(asked), rumors: [] }, n1, 5_004), 'digest')).toEqual([])
    expect(core.member('me')?.incarnation).toBe(1)
    expect(core.gate.status(5_004)).toMatchObject({ because: 'catching-up' })
  })

  test('a node that has left, or was replaced, says that its view is not kept up any more', () => {
    const left = coreAmong(['n1'])
    left.leave(2_000)
    left.connection(false, 2_100)
    expect(left.gate.status(3_000)).toMatchObject({ because: 'not-running', sinceMs: 2_000, forMs: 1_000 })
    const replaced = coreAmong(['n1'])
    const record = { id: 'me', generation: 6, incarnation: 0, state: 'alive' as const, metadata: [] }
    replaced.receive({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, n1, 2_000)
    replaced.connection(false, 2_100)
    replaced.connection(true, 2_200)
    expect(replaced.gate.status(3_000)).toMatchObject({ because: 'not-running', sinceMs: 2_000 })
  })
})

/** A member over a transport that the test drives. */
async function startOne(): Promise<{
  one: Membership
  clock: VirtualClock
  transport: ManualTransport
  stale: number[]
}> {
  const clock = new VirtualClock()
  const transport = new ManualTransport()
  const stale: number[] = []
  const runtime = systemRuntime({ clock, random: new SeededRandom(1) })
  const gauge = (name: string) => ({
    set: (value: number): void => void (name === 'dsys_membership_view_stale' && stale.push(value)),
  })
  const meter = { ...runtime.meter, counter: () => ({ add: () => undefined }), gauge }
  const one = new Membership({ ...runtime, meter, transport }, { cluster: 'c', joinTimeoutMs: 10 })
  expect(one.status().view).toMatchObject({ state: 'stale', because: 'not-running' })
  const starting = one.start()
  await clock.advanceAsync(20)
  await starting
  return { one, clock, transport, stale }
}

describe('what a user sees of it', () => {
  test('status, events, a new stream and the meter', async () => {
    const { one, clock, transport, stale } = await startOne()
    expect(one.status().view).toEqual({ state: 'fresh' })
    const told: string[] = []
    const reading = (async () => {
      for await (const event of one.events()) {
        if (event.type === 'Synced') told.push(event.type)
        else told.push(`${event.type} ${event.member.id}: ${event.why}`)
      }
    })()
    const lostMs = clock.monotonicMs()
    transport.tell({ type: 'disconnected', why: 'the test says so' })
    await clock.advanceAsync(60_000)
    const view = { state: 'stale', because: 'disconnected', sinceMs: lostMs, forMs: 60_000 }
    expect(one.status().view).toEqual({ ...view, why: 'its connection is down' })
    const late = one.events()
    const first = [await late.next(), await late.next(), await late.next()].map(({ value }) => value?.type)
    expect(first).toEqual(['MemberUp', 'ViewStale', 'Synced'])
    transport.tell({ type: 'connected' })
    await clock.advanceAsync(1_000)
    expect(one.status().view).toEqual({ state: 'fresh' })
    expect(stale).toEqual([0, 1, 0])
    expect(one.explain('n1').incidents.map(({ type }) => type)).toEqual(['MemberUp', 'ViewStale', 'ViewFresh'])
    const stopping = one.stop()
    await clock.advanceAsync(2_000)
    await Promise.all([stopping, reading])
    expect(told.filter((one) => one.startsWith('View'))).toEqual([
      'ViewStale n1: its connection is down',
      'ViewFresh n1: it has caught up',
    ])
    expect(one.status().view).toMatchObject({ state: 'stale', because: 'not-running' })
  })

  test('a defect, after which nothing is kept up', async () => {
    const { one, clock, transport } = await startOne()
    transport.onSend = () => {
      throw new Error('planted')
    }
    const record = { id: 'n2', generation: 1, incarnation: 0, state: 'alive' as const, metadata: [] }
    transport.deliver(encodeMessage({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, 'c'), record)
    await clock.advanceAsync(1_000)
    expect(one.status().view).toMatchObject({ state: 'stale', because: 'not-running' })
    await one.stop()
  })

  test('options out of their limits are refused', () => {
    const resolve = (options: Partial<MembershipOptions>) => () => resolveOptions({ cluster: 'c', ...options })
    for (const isolationShare of [0.5, 1.01, Number.NaN]) expect(resolve({ isolationShare })).toThrow(RangeError)
    for (const isolationTimeoutMs of [9, Number.NaN]) expect(resolve({ isolationTimeoutMs })).toThrow(RangeError)
    expect(resolve({ isolationShare: 0.51, isolationTimeoutMs: 10 })).not.toThrow()
  })
})

test('M-11: incarnations are counted and never read from a clock, so a wall clock may jump as it likes', async () => {
  const clock = new VirtualClock()
  const transport = new ManualTransport()
  const noWall = {
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => expect.unreachable('the wall clock was read'),
    setTimer: (delayMs: number, callback: () => void) => clock.setTimer(delayMs, callback),
    afterIo: (callback: () => void) => clock.afterIo(callback),
  }
  const runtime = systemRuntime({ clock: noWall, random: new SeededRandom(1) })
  const one = new Membership({ ...runtime, transport }, { cluster: 'c', joinTimeoutMs: 10 })
  const starting = one.start()
  await clock.advanceAsync(20)
  await starting
  const incarnations: (number | undefined)[] = []
  for (const incarnation of [0, 1, 7]) {
    const record = { id: 'n1', generation: 1, incarnation, state: 'suspect' as const, metadata: [] }
    transport.deliver(encodeMessage({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, 'c'), {
      id: 'n2',
      generation: 1,
    })
    incarnations.push(one.member('n1')?.incarnation)
    await clock.advanceAsync(100)
  }
  expect(incarnations).toEqual([1, 2, 8])
  const stopping = one.stop()
  await clock.advanceAsync(2_000)
  await stopping
})
