import { describe, expect, test } from 'vitest'
import { Simulation } from './simulation.ts'

const ids = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i + 1}`)
const five = ids(5)

const transports = [
  { name: 'without broadcast', canBroadcast: false, fastNegative: false },
  { name: 'with broadcast and fast negatives', canBroadcast: true, fastNegative: true },
]

describe.each(transports)('$name', ({ canBroadcast, fastNegative }) => {
  const build = (seed: number, more = {}): Simulation => {
    const simulation = new Simulation({ seed, canBroadcast, fastNegative, ...more })
    simulation.startAll(5)
    simulation.run(10_000, () => simulation.agrees(five))
    expect(simulation.agrees(five), `seed ${seed}: all join`).toBe(true)
    return simulation
  }
  const typesOf = (simulation: Simulation, at: string, about: string): string[] =>
    simulation
      .node(at)
      .events.filter(({ event }) => event.member.id === about)
      .map(({ event }) => event.type)

  test('a kill -9 among five is noticed by all others in under 3 s at default settings', () => {
    let slowestMs = 0
    for (let seed = 1; seed <= 200; seed++) {
      const simulation = build(seed)
      simulation.run(1_000 + seed * 7)
      const killedMs = simulation.nowMs
      simulation.kill('n3')
      const others = five.filter((id) => id !== 'n3')
      simulation.run(5_000, () => others.every((id) => simulation.node(id).stateOf('n3') === 'dead'))
      slowestMs = Math.max(slowestMs, simulation.nowMs - killedMs)
      for (const id of others) {
        expect(typesOf(simulation, id, 'n3').at(-1)).toBe('MemberDown')
        for (const other of others) expect(simulation.node(id).stateOf(other)).toBe('alive')
      }
    }
    expect(slowestMs).toBeLessThan(3_000)
  })

  test('a healthy cluster accuses nobody, whatever the seed', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const simulation = build(seed)
      simulation.run(60_000)
      for (const node of simulation.nodes.values()) {
        expect(node.events.map(({ event }) => event.type).sort(), `seed ${seed}`).toEqual(five.map(() => 'MemberUp'))
      }
    }
  })

  test('M-18: with 10 % loss and duplicates, suspicions are refuted and nobody stays dead', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const simulation = build(seed, { lossRate: 0.1, duplicateRate: 0.1, maxDelayMs: 40 })
      simulation.run(60_000)
      simulation.run(20_000, () => simulation.agrees(five))
      expect(simulation.agrees(five), `seed ${seed}`).toBe(true)
    }
  })

  test('a leave is told apart from a failure', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const simulation = build(seed)
      simulation.leave('n2')
      simulation.run(600, () => simulation.node('n2').others.some(({ type }) => type === 'farewell-done'))
      simulation.kill('n2')
      simulation.run(10_000)
      for (const id of five.filter((one) => one !== 'n2')) {
        expect(simulation.node(id).stateOf('n2')).toBe('left')
        expect(typesOf(simulation, id, 'n2')).toEqual(['MemberUp', 'MemberLeft'])
      }
      expect(simulation.node('n2').others).toContainEqual({ type: 'farewell-done', heardBy: 4 })
    }
  })

  test('a restarted node is a new life: the old one goes down, the new one comes up', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const simulation = build(seed)
      simulation.kill('n4')
      simulation.run(300)
      simulation.start('n4', 2)
      simulation.run(5_000, () => simulation.agrees(five))
      simulation.run(5_000)
      expect(simulation.agrees(five)).toBe(true)
      for (const id of five.filter((one) => one !== 'n4')) {
        expect(simulation.node(id).core.member('n4')).toMatchObject({ generation: 2, state: 'alive' })
        const lives = simulation
          .node(id)
          .events.filter(({ event }) => event.member.id === 'n4' && event.type !== 'MemberSuspected')
          .map(({ event }) => `${event.type} ${event.member.generation}`)
        expect(lives).toEqual(['MemberUp 1', 'MemberDown 1', 'MemberUp 2'])
      }
    }
  })

  test('M-13: a left node that comes back is a new member', () => {
    const simulation = build(3)
    simulation.leave('n5')
    simulation.run(700)
    simulation.start('n5', 2)
    simulation.run(10_000, () => simulation.agrees(five))
    expect(simulation.agrees(five)).toBe(true)
    expect(typesOf(simulation, 'n1', 'n5')).toEqual(['MemberUp', 'MemberLeft', 'MemberUp'])
  })

  test('M-25: both sides of a partition find each other again, also after all have been declared dead', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const simulation = build(seed)
      simulation.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
      simulation.run(30_000)
      for (const id of ['n1', 'n2'])
        for (const far of ['n3', 'n4', 'n5']) expect(simulation.node(id).stateOf(far)).toBe('dead')
      for (const far of ['n3', 'n4', 'n5']) expect(simulation.node(far).stateOf('n1')).toBe('dead')
      simulation.heal()
      simulation.run(30_000, () => simulation.agrees(five))
      expect(simulation.agrees(five), `seed ${seed}`).toBe(true)
      // M-02: nobody was taken for dead by those on its own side, at any time.
      for (const [at, about] of [
        ['n1', 'n2'],
        ['n2', 'n1'],
        ['n3', 'n4'],
        ['n4', 'n5'],
        ['n5', 'n3'],
      ] as const) {
        expect(typesOf(simulation, at, about)).not.toContain('MemberDown')
      }
    }
  })

  test('M-26: a one-way link suspects nobody while helpers reach the target', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const simulation = build(seed)
      simulation.cut('n1', 'n2')
      simulation.run(30_000)
      expect(simulation.agrees(five), `seed ${seed}`).toBe(true)
      for (const node of simulation.nodes.values()) {
        expect(node.events.map(({ event }) => event.type)).not.toContain('MemberSuspected')
      }
    }
  })

  test('all connections lost for ten minutes: nobody is accused, and views agree soon after', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const simulation = build(seed)
      // The last of them notices half a second after the first.
      for (const id of five) {
        simulation.connect(id, false)
        simulation.run(100)
      }
      simulation.run(600_000)
      for (const id of five) {
        simulation.connect(id, true)
        simulation.run(150)
      }
      simulation.run(5_000, () => simulation.agrees(five))
      expect(simulation.agrees(five)).toBe(true)
      for (const node of simulation.nodes.values()) {
        expect(node.events.map(({ event }) => event.type)).not.toContain('MemberDown')
      }
    }
  })

  test('M-23: a process stopped for 5 s accuses nobody, refutes its own death, and is never doubled', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const simulation = build(seed)
      simulation.run(1_000)
      simulation.pause('n2')
      simulation.run(5_000)
      expect(simulation.node('n1').stateOf('n2')).toBe('dead')
      simulation.resume('n2')
      simulation.run(5_000, () => simulation.agrees(five))
      expect(simulation.agrees(five), `seed ${seed}`).toBe(true)
      for (const { event } of simulation.node('n2').events) expect(event.type, `seed ${seed}`).toBe('MemberUp')
      for (const id of ['n1', 'n3', 'n4', 'n5']) {
        const own = simulation.node(id).events.filter(({ event }) => event.member.id !== 'n2')
        for (const { event } of own) expect(event.type).toBe('MemberUp')
        expect(simulation.node(id).core.members()).toHaveLength(5)
      }
    }
  })
})

test('a node of two: M-29, no helper, no confirmation, and still noticed', () => {
  const simulation = new Simulation({ seed: 1 })
  simulation.startAll(2)
  simulation.run(5_000, () => simulation.agrees(['n1', 'n2']))
  simulation.run(2_000)
  simulation.kill('n2')
  simulation.run(3_000)
  expect(simulation.node('n1').stateOf('n2')).toBe('dead')
  const down = simulation.node('n1').events.find(({ event }) => event.type === 'MemberDown')
  expect(down?.event.why).toMatch(/^no ack to \d+ probes, no helper to ask, suspected for \d+ ms without a refutation$/)
})

test('M-30: helpers that are all silent prove nothing at first', () => {
  const simulation = new Simulation({ seed: 4 })
  simulation.startAll(4)
  simulation.run(5_000, () => simulation.agrees(ids(4)))
  simulation.run(2_000)
  // One side of every link of n1 is gone: it hears nobody, neither targets nor helpers.
  for (const id of ['n2', 'n3', 'n4']) simulation.cut(id, 'n1')
  simulation.run(1_000)
  expect(simulation.node('n1').events.map(({ event }) => event.type)).not.toContain('MemberSuspected')
})

test('sixty-four nodes without broadcast join, and a death reaches all', () => {
  const all = ids(64)
  const simulation = new Simulation({ seed: 9 })
  simulation.startAll(64)
  simulation.run(30_000, () => simulation.agrees(all))
  expect(simulation.agrees(all)).toBe(true)
  simulation.kill('n40')
  simulation.run(10_000, () => simulation.agrees(all.filter((id) => id !== 'n40')))
  expect(simulation.agrees(all.filter((id) => id !== 'n40'))).toBe(true)
})
