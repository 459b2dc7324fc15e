import { SeededRandom } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { Counts } from '../../src/chance.ts'
import { type LinkKnobs, SimLinks } from '../../src/network/links.ts'
import { Scheduler } from '../../src/scheduler.ts'
import { Trace } from '../../src/trace.ts'

const PERFECT: LinkKnobs = { delayMs: 1, tailRate: 0, tailMaxMs: 1_000, lossRate: 0, duplicateRate: 0, reorderRate: 0 }

interface Arrival {
  readonly from: string
  readonly to: string
  readonly payload: number
  readonly atMs: number
  readonly copiesUnderWay: number
}

class World {
  readonly scheduler = new Scheduler()
  readonly counts = new Counts()
  readonly trace = new Trace({ keep: true })
  readonly arrivals: Arrival[] = []
  readonly connections: string[] = []
  readonly links: SimLinks<number>
  readonly dead = new Set<number>()

  constructor(knobs: Partial<LinkKnobs> = {}, seed = 1) {
    this.links = new SimLinks<number>(
      {
        scheduler: this.scheduler,
        random: new SeededRandom(seed),
        knobs: { ...PERFECT, ...knobs },
        count: (what) => this.counts.add(what),
        trace: this.trace,
        describe: (payload) => `frame ${payload}`,
        onConnection: (node, connected) => this.connections.push(`${node} ${connected ? 'connected' : 'disconnected'}`),
        lives: (payload) => !this.dead.has(payload),
      },
      (from, to, payload, copiesUnderWay) =>
        this.arrivals.push({ from, to, payload, atMs: this.scheduler.nowMs, copiesUnderWay }),
    )
  }

  /** Sends frames 0, 1, … from a to b, one each `everyMs`. */
  stream(count: number, everyMs: number): void {
    for (let i = 0; i < count; i++) this.scheduler.at(i * everyMs, () => this.links.send('a', 'b', i))
  }

  get payloads(): number[] {
    return this.arrivals.map(({ payload }) => payload)
  }

  count(fate: string): number {
    return this.counts.byName.get(`network.${fate}`) ?? 0
  }
}

describe('a link without faults', () => {
  test('delivers each frame once, in order, after about the usual delay, never from inside send', () => {
    const world = new World()
    world.links.send('a', 'b', -1)
    expect(world.arrivals).toEqual([])
    world.stream(500, 10)
    world.scheduler.run(10_000)
    expect(world.payloads).toEqual([-1, ...Array.from({ length: 500 }, (_, i) => i)])
    for (const { payload, atMs, copiesUnderWay } of world.arrivals.slice(1)) {
      expect(atMs - payload * 10).toBeGreaterThanOrEqual(0.5)
      expect(atMs - payload * 10).toBeLessThan(1.5)
      expect(copiesUnderWay).toBe(0)
    }
    expect([...world.counts.byName]).toEqual([])
  })
})
