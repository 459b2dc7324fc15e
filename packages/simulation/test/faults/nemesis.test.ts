import { SeededRandom } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { Counts } from '../../src/chance.ts'
import { drawFaults } from '../../src/faults/draw-faults.ts'
import { FAULTS, leastNodes, Nemesis } from '../../src/faults/nemesis.ts'
import type { Fault } from '../../src/plan.ts'
import { Scheduler } from '../../src/scheduler.ts'
import { Trace } from '../../src/trace.ts'
import { FaultAtlas } from '../../src/world.ts'
import { RecordingWorld } from './recording-world.ts'

const KINDS = Object.keys(FAULTS)

function setUp(size = 5, options = {}) {
  const world = new RecordingWorld(size, options)
  const scheduler = new Scheduler()
  const counts = new Counts()
  const atlas = new FaultAtlas(Math.floor((size - 1) / 2))
  const trace = new Trace()
  const nemesis = new Nemesis({ scheduler, world, atlas, trace, count: (what) => counts.add(what) })
  return { world, scheduler, counts, atlas, nemesis, trace }
}

const fault = (kind: string, more: Partial<Fault> = {}): Fault => ({
  kind,
  atMs: 10,
  forMs: 100,
  node: 1,
  seed: 7,
  ...more,
})

describe('every fault', () => {
  test.each(KINDS)('%s happens, is counted, ends by itself and leaves nothing behind', (kind) => {
    const { world, scheduler, counts, nemesis } = setUp()
    nemesis.schedule([fault(kind)])
    scheduler.run(9)
    expect(world.done).toEqual([])
    scheduler.run(10)
    expect(world.done.length).toBeGreaterThan(0)
    expect([...counts.byName]).toEqual([[`fault.${kind}`, 1]])
    scheduler.run(111)
    expect([...world.active]).toEqual([])
    expect([...world.down]).toEqual([])
  })

  test.each(KINDS)('%s happens in a cluster of so many nodes as it says, and in none that is smaller', (kind) => {
    for (let nodes = 1; nodes <= 5; nodes++) {
      const { world, scheduler, counts, trace } = setUp(nodes)
      const nemesis = new Nemesis({
        scheduler,
        world,
        trace,
        atlas: new FaultAtlas(1),
        count: (what) => counts.add(what),
      })
      nemesis.schedule([fault(kind)])
      scheduler.run(1_000)
      expect(counts.byName.has(`fault.${kind}`), `${nodes} nodes`).toBe(nodes >= leastNodes(kind))
    }
  })

  test.each(KINDS)('%s ends at once when all faults end, and none begins after that', (kind) => {
    const { world, scheduler, nemesis } = setUp()
    nemesis.schedule([fault(kind, { forMs: 1_000 }), fault(kind, { atMs: 600 })])
    scheduler.run(500)
    nemesis.end()
    expect([...world.active]).toEqual([])
    expect([...world.down]).toEqual([])
    const before = world.done.length
    scheduler.run(5_000)
    expect(world.done.length).toBe(before)
  })

  test.each(KINDS)('%s of two at once: the first to end takes nothing from the other', (kind) => {
    const { world, scheduler, nemesis } = setUp()
    nemesis.schedule([fault(kind, { forMs: 50 }), fault(kind, { forMs: 100 })])
    scheduler.run(1_000)
    expect([...world.active]).toEqual([])
    expect([...world.down]).toEqual([])
  })

  test('draws the same from the same seed, and something else from another', () => {
    const doneBy = (seed: number): string[] => {
      const { world, scheduler, nemesis } = setUp(7)
      nemesis.schedule([fault('partition-halves', { seed })])
      scheduler.run(50)
      return world.done
    }
    expect(doneBy(1)).toEqual(doneBy(1))
    expect(new Set(Array.from({ length: 10 }, (_, seed) => doneBy(seed).join())).size).toBeGreaterThan(5)
  })

  test('is about the leader where it is aimed so and there is one', () => {
    const { world, scheduler, nemesis } = setUp()
    nemesis.schedule([fault('pause', { aim: 'leader' }), fault('pause', { aim: 'leader', atMs: 200 })])
    scheduler.run(150)
    world.leading = 'n4'
    scheduler.run(400)
    expect(world.done).toEqual(['pause n2', 'pause n4'])
  })

  test('does not count where there is nothing to do it to', () => {
    const { scheduler, counts, nemesis, world } = setUp(3, { disk: false, impostor: false })
    world.down.add('n2')
    nemesis.schedule(
      [
        'impostor',
        'disk-stall',
        'disk-full',
        'sync-error',
        'read-errors',
        'bit-flip',
        'crash',
        'kill',
        'pause',
        'disk-lost',
        'partition-ring',
      ].map((kind) => fault(kind)),
    )
    scheduler.run(1_000)
    expect([...counts.byName]).toEqual([])
  })

  test('of an unknown kind is refused', () => {
    const { nemesis, scheduler, counts } = setUp()
    for (const kind of ['rust', 'toString'])
      expect(() => nemesis.schedule([fault('crash'), fault(kind)])).toThrow(RangeError)
    scheduler.run(1_000)
    expect([...counts.byName]).toEqual([])
  })
})

describe('the shapes of partitions', () => {
  const cutsOf = (kind: string, size: number, seed = 3): string[] => {
    const { world, scheduler, nemesis } = setUp(size)
    nemesis.schedule([fault(kind, { seed })])
    scheduler.run(10)
    return world.cuts
  }
  const sees = (cuts: readonly string[], a: string, b: string): boolean =>
    !cuts.includes(`${a}>${b}`) && !cuts.includes(`${b}>${a}`)

  test('halves: whoever sees a node sees all whom that node sees', () => {
    for (let seed = 0; seed < 50; seed++) {
      const cuts = cutsOf('partition-halves', 5, seed)
      const ids = ['n1', 'n2', 'n3', 'n4', 'n5']
      expect(cuts.length).toBeGreaterThan(0)
      for (const a of ids)
        for (const b of ids)
          for (const c of ids) if (sees(cuts, a, b) && sees(cuts, b, c)) expect(sees(cuts, a, c)).toBe(true)
    }
  })

  test('bridge: one node sees all', () => {
    for (let seed = 0; seed < 20; seed++) {
      const cuts = cutsOf('partition-bridge', 5, seed)
      for (const other of ['n1', 'n3', 'n4', 'n5']) expect(sees(cuts, 'n2', other)).toBe(true)
    }
  })

  test('ring: each node sees just two others', () => {
    const cuts = cutsOf('partition-ring', 5)
    for (const [id, left, right] of [
      ['n1', 'n5', 'n2'],
      ['n3', 'n2', 'n4'],
    ] as const) {
      const seen = ['n1', 'n2', 'n3', 'n4', 'n5'].filter((other) => other !== id && sees(cuts, id, other))
      expect(seen.sort()).toEqual([left, right].sort())
    }
  })

  test('partly seen: some see the node, all others see each other', () => {
    const cuts = cutsOf('partly-seen', 5)
    expect(cuts.length).toBeGreaterThan(0)
    expect(cuts.length).toBeLessThan(8)
    expect(cuts.every((cut) => cut.split('>').includes('n2'))).toBe(true)
  })

  test('one way: a node hears nobody or is heard by nobody, never both', () => {
    for (let seed = 0; seed < 20; seed++) {
      const cuts = cutsOf('one-way-cut', 3, seed)
      const directions = new Set(cuts.map((cut) => cut.startsWith('n2>')))
      expect(directions.size).toBe(1)
    }
  })
})

describe('what cannot be repaired', () => {
  test('never becomes more than the atlas allows', () => {
    const { world, scheduler, counts, nemesis, atlas } = setUp(5)
    const kinds = ['disk-lost', 'bit-flip']
    nemesis.schedule(
      Array.from({ length: 40 }, (_, i) => fault(kinds[i % 2] as string, { node: i, atMs: i * 200, seed: i })),
    )
    scheduler.run(20_000)
    expect(atlas.lost.size).toBe(2)
    const hurt = new Set(world.done.filter((what) => /lost$|^flip/.test(what)).map((what) => what.split(' ')[1]))
    expect(hurt).toEqual(new Set(atlas.lost))
    expect(counts.byName.size).toBe(2)
  })
})

describe('a disk', () => {
  /** What a fault of `kind` did first, over many seeds. */
  const firstDone = (kind: string): ReadonlySet<string | undefined> =>
    new Set(
      Array.from({ length: 60 }, (_, seed) => {
        const { world, scheduler, nemesis } = setUp()
        nemesis.schedule([fault(kind, { seed })])
        scheduler.run(10)
        return world.done[0]
      }),
    )

  test('cannot be read by a node that runs, or by one that starts; each time, or now and then', () => {
    expect(firstDone('read-errors')).toEqual(
      new Set(['fail reads n2 {"probability":1}', 'fail reads n2 {"probability":0.2}']),
    )
  })

  test('fails each sync, or some', () => {
    expect([...firstDone('sync-error')].sort()).toEqual(
      [0.1, 0.5, 1].map((probability) => `fail syncs n2 {"probability":${probability}}`),
    )
  })

  test('is full at once, in the middle of a write, or after some', () => {
    expect(firstDone('disk-full')).toEqual(
      new Set([0, 512, 4_096].map((roomBytes) => `fill n2 {"roomBytes":${roomBytes}}`)),
    )
  })
})

describe('healing a core', () => {
  test('ends all faults, starts the core, and breaks each of the rest until it is told otherwise', () => {
    const names = new Set<string>()
    for (let seed = 0; seed < 60; seed++) {
      const { world, scheduler, counts, nemesis } = setUp(5)
      nemesis.schedule([fault('crash-all', { forMs: 5_000 }), fault('partition-halves', { forMs: 5_000 })])
      scheduler.run(100)
      const core = ['n1', 'n2', 'n3']
      const restore = nemesis.healCore(core, new SeededRandom(seed))
      expect(core.filter((id) => world.down.has(id))).toEqual([])
      for (const cut of world.cuts) expect(cut.split('>').every((id) => core.includes(id))).toBe(false)
      expect(world.active.size + world.down.size).toBeGreaterThan(0)
      scheduler.run(10_000)
      expect(core.filter((id) => world.down.has(id))).toEqual([])
      restore()
      expect([...world.active]).toEqual([])
      expect([...world.down]).toEqual([])
      scheduler.run(20_000)
      expect([...world.active]).toEqual([])
      for (const name of counts.byName.keys()) if (name.startsWith('rest.')) names.add(name)
    }
    expect(names.size).toBe(6)
  })

  test('breaks nobody who is lost already', () => {
    for (let seed = 0; seed < 20; seed++) {
      const { atlas, counts, nemesis } = setUp(5)
      expect(atlas.lose('n4') && atlas.lose('n5')).toBe(true)
      nemesis.healCore(['n1', 'n2', 'n3'], new SeededRandom(seed))
      expect([...counts.byName.keys()].filter((name) => name.startsWith('rest.'))).toEqual([])
    }
  })
})

describe('drawing faults', () => {
  test('gives those of the wanted kinds, in order of time, at about the wanted pace', () => {
    const knobs = { kinds: ['crash', 'pause'], nodes: 3, chaosMs: 100_000, everyMs: 500, paceMs: 150 }
    const faults = drawFaults(new SeededRandom(1), knobs)
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(knobs.kinds))
    expect(faults.length).toBeGreaterThan(160)
    expect(faults.length).toBeLessThan(240)
    expect(faults.map(({ atMs }) => atMs)).toEqual(faults.map(({ atMs }) => atMs).toSorted((a, b) => a - b))
    expect(JSON.parse(JSON.stringify(faults))).toEqual(faults)
    expect(drawFaults(new SeededRandom(1), knobs)).toEqual(faults)
    expect(drawFaults(new SeededRandom(1), { ...knobs, kinds: [] })).toEqual([])
  })

  test('none outlasts its storm, and between two storms is calm', () => {
    const knobs = { kinds: KINDS, nodes: 3, chaosMs: 100_000, everyMs: 50, paceMs: 150, calmMs: 600 }
    for (let seed = 0; seed < 20; seed++) {
      const faults = drawFaults(new SeededRandom(seed), knobs)
      let [overMs, calmMs] = [0, 0]
      for (const { atMs, forMs } of faults) {
        // Faults of one storm begin less than a tenth of a second apart.
        if (atMs - overMs >= knobs.calmMs) calmMs += atMs - overMs
        overMs = Math.max(overMs, atMs + forMs)
      }
      expect(calmMs, `seed ${seed}`).toBeGreaterThan(knobs.chaosMs / 5)
      expect(calmMs, `seed ${seed}`).toBeLessThan(knobs.chaosMs / 1.5)
    }
  })

  test('however short the chaos, there is calm in it', () => {
    for (let seed = 0; seed < 100; seed++) {
      const knobs = { kinds: ['crash'], nodes: 3, chaosMs: 1_500, everyMs: 10, paceMs: 100, calmMs: 400 }
      const faults = drawFaults(new SeededRandom(seed), knobs)
      const ends = faults.map(({ atMs, forMs }) => atMs + forMs)
      const moments = [0, ...faults.map(({ atMs }) => atMs), knobs.chaosMs]
      const gaps = moments.map((atMs, i) => atMs - Math.max(0, ...ends.slice(0, Math.max(0, i - 1))))
      expect(Math.max(...gaps), `seed ${seed}`).toBeGreaterThanOrEqual(knobs.calmMs)
    }
  })
})
