import { expect, test } from 'vitest'
import type { Effect } from '../src/core/effects.ts'
import type { MembershipTopology } from '../src/index.ts'
import type { MembershipOptions } from '../src/options.ts'
import { Simulation } from './simulation.ts'

const ids = ['n1', 'n2', 'n3', 'n4', 'n5']

function five(options: Partial<MembershipOptions> = {}): Simulation {
  const simulation = new Simulation({ seed: 3, options })
  simulation.startAll(5)
  simulation.run(20_000, () => simulation.agrees(ids))
  simulation.run(10_000)
  return simulation
}

const seenBy = (simulation: Simulation, id: string): MembershipTopology =>
  simulation.node(id).core.outlook.topology(simulation.nowMs)

test('a node tells whom it probes and who pinged it, and in a healthy cluster no suspicion', () => {
  const simulation = five()
  for (const id of ids) {
    const others = ids.filter((other) => other !== id)
    const topology = seenBy(simulation, id)
    expect(topology).toMatchObject({ id, probes: others, helping: [], suspicions: [], observed: [] })
    expect(topology.probedBy.map((prober) => prober.id)).toEqual(others)
    // Each is probed by each within a round, which takes two intervals here.
    for (const { agoMs } of topology.probedBy) expect(agoMs).toBeLessThan(3_000)
  }
})

test('a probe under way is told with its helpers, and they tell for whom they ask', () => {
  const simulation = five()
  simulation.kill('n5')
  const isAsked = (): boolean =>
    seenBy(simulation, 'n1').probing.some(({ id, helpers }) => id === 'n5' && helpers.length > 0)
  simulation.run(5_000, isAsked)
  const [probe] = seenBy(simulation, 'n1').probing.filter(({ id }) => id === 'n5')
  expect(probe?.helpers.map(({ id }) => id).sort()).toEqual(['n2', 'n3', 'n4'])
  expect(probe?.forMs).toBeGreaterThan(0)
  simulation.run(7)
  const helping = ['n2', 'n3', 'n4'].flatMap((id) => seenBy(simulation, id).helping)
  expect(helping).toContainEqual({ id: 'n5', askedBy: 'n1' })
})

test('who suspects whom is told by every node with the same accusers, and ends with the suspicion', () => {
  const simulation = five({ suspicionTimeoutMs: 5_000 })
  simulation.kill('n5')
  simulation.run(4_000)
  const told = ['n1', 'n2', 'n3', 'n4'].map((id) => seenBy(simulation, id).suspicions)
  for (const suspicions of told) {
    expect(suspicions).toHaveLength(1)
    const [suspicion] = suspicions
    expect(suspicion).toMatchObject({ id: 'n5', generation: 1 })
    expect([...(suspicion?.accusers ?? [])].sort()).toEqual(['n1', 'n2', 'n3', 'n4'])
    expect(suspicion?.forMs).toBeGreaterThan(1_000)
    expect(suspicion?.refutesWithinMs).toBeGreaterThan(0)
  }
  simulation.run(20_000)
  for (const id of ['n1', 'n2', 'n3', 'n4']) {
    const { suspicions, probes } = seenBy(simulation, id)
    expect([suspicions, probes.includes('n5')]).toEqual([[], false])
  }
})

test('while nobody is judged no time to refute is told', () => {
  const simulation = five({ suspicionTimeoutMs: 5_000 })
  simulation.kill('n5')
  simulation.run(4_000)
  simulation.connect('n1', false)
  expect(seenBy(simulation, 'n1').suspicions).toMatchObject([{ id: 'n5', refutesWithinMs: undefined }])
})

test('where many observers decide, all nodes tell the same of who observes whom', () => {
  const simulation = five({ removal: 'cut', observers: 3, highWatermark: 3, lowWatermark: 1 })
  const [first, ...others] = ids.map((id) => seenBy(simulation, id))
  expect(first?.observed.map(({ id }) => id)).toEqual(ids)
  for (const { observed } of others) expect(observed).toEqual(first?.observed)
  for (const { id, observers } of first?.observed ?? []) {
    expect(observers).toHaveLength(3)
    for (const observer of ids)
      expect(seenBy(simulation, observer).probes.includes(id)).toBe(observers.includes(observer))
  }
})

test('M-31: who is forgotten, or was never known, is not kept among those that pinged', () => {
  const simulation = five({ rememberDeadMs: 20_000 })
  const ping = (id: string, nowMs: number): void =>
    simulation.input('n1', (core): Effect[] =>
      core.receive({ kind: 'ping', seq: 1, generation: 1, rumors: [] }, { id, generation: 1 }, nowMs),
    )
  ping('stranger', simulation.nowMs)
  simulation.kill('n5')
  simulation.run(60_000)
  expect(simulation.node('n1').core.member('n5')).toBeUndefined()
  expect(seenBy(simulation, 'n1').probedBy.map(({ id }) => id)).toEqual(['n2', 'n3', 'n4'])
})
