import { SeededRandom } from '@dsys/runtime'
import { Counts } from '../../src/chance.ts'
import { type LinkKnobs, SimLinks } from '../../src/network/links.ts'
import { Scheduler } from '../../src/scheduler.ts'
import { Trace } from '../../src/trace.ts'

/** Links without chance. */
export const CALM: LinkKnobs = {
  delayMs: 1,
  tailRate: 0,
  tailMaxMs: 1_000,
  lossRate: 0,
  duplicateRate: 0,
  reorderRate: 0,
}

export interface Arrival {
  readonly from: string
  readonly to: string
  readonly payload: number
  readonly atMs: number
  readonly copiesUnderWay: number
}

/** Links over which numbers travel, and everything that they say. */
export class LinksWorld {
  readonly scheduler = new Scheduler()
  readonly counts = new Counts()
  readonly trace = new Trace({ keep: true })
  readonly arrivals: Arrival[] = []
  readonly lost: string[] = []
  readonly connections: string[] = []
  readonly links: SimLinks<number>
  /** Frames whose sending process is dead. */
  readonly dead = new Set<number>()

  constructor(knobs: Partial<LinkKnobs> = {}, seed = 1) {
    this.links = new SimLinks<number>(
      {
        scheduler: this.scheduler,
        random: new SeededRandom(seed),
        knobs: { ...CALM, ...knobs },
        count: (what) => this.counts.add(what),
        trace: this.trace,
        describe: (payload) => `frame ${payload}`,
        onConnection: (node, connected) => this.connections.push(`${node} ${connected ? 'back' : 'lost'}`),
        onLost: (from, to, payload, copiesUnderWay) => this.lost.push(`${from}>${to} ${payload} ${copiesUnderWay}`),
        lives: (payload) => !this.dead.has(payload),
      },
      (from, to, payload, copiesUnderWay) =>
        this.arrivals.push({ from, to, payload, atMs: this.scheduler.nowMs, copiesUnderWay }),
    )
  }

  /** Sends frames 0, 1, … from a to b, one each `everyMs`, beginning now. */
  stream(count: number, everyMs = 1): void {
    const nowMs = this.scheduler.nowMs
    for (let i = 0; i < count; i++) this.scheduler.at(nowMs + i * everyMs, () => this.links.send('a', 'b', i))
  }

  /** Lets `ms` pass. */
  pass(ms: number): void {
    this.scheduler.run(this.scheduler.nowMs + ms)
  }

  get payloads(): number[] {
    return this.arrivals.map(({ payload }) => payload)
  }

  count(fate: string): number {
    return this.counts.byName.get(`network.${fate}`) ?? 0
  }

  /** All counts but those that are 0. */
  get fates(): Record<string, number> {
    return Object.fromEntries([...this.counts.byName].map(([what, times]) => [what.replace('network.', ''), times]))
  }
}

export const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
