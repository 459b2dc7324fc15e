import type { Random } from '@dsys/runtime'

/** The least and the most of what is drawn, evenly. */
export type Range = readonly [least: number, most: number]

/** How fast a disk is. */
export interface DiskTimingKnobs {
  /** A read, a write that promises nothing, a change of a name; milliseconds. `[0, 0]`: one turn of the event loop. Default [0.01, 0.1]. */
  readonly latencyMs?: Range
  /** A sync, and a write that is durable when it ends; milliseconds. Default [0.1, 2]. */
  readonly syncMs?: Range
  /** How often an operation takes far longer, as it does on every disk now and then. Default 0.005. */
  readonly hiccupProbability?: number
  /** How much longer it takes then; milliseconds. Default [5, 50]. */
  readonly hiccupMs?: Range
}

/** The defaults of {@link DiskTimingKnobs}. */
export const DISK_TIMING_DEFAULTS: Readonly<Required<DiskTimingKnobs>> = Object.freeze<Required<DiskTimingKnobs>>({
  latencyMs: [0.01, 0.1],
  syncMs: [0.1, 2],
  hiccupProbability: 0.005,
  hiccupMs: [5, 50],
})

/** A slow disk takes at least this long for what otherwise takes no time. */
const SLOW_FLOOR_MS = 0.1

/** Draws how long each operation of a disk takes. */
export class DiskTiming {
  readonly #random: Random
  readonly #knobs: Required<DiskTimingKnobs>
  readonly #count: (what: 'slowed' | 'hiccup') => void
  readonly #factors = new Set<{ readonly factor: number }>()

  constructor(random: Random, knobs: DiskTimingKnobs, count: (what: 'slowed' | 'hiccup') => void) {
    this.#random = random
    this.#knobs = { ...DISK_TIMING_DEFAULTS, ...knobs }
    this.#count = count
    for (const range of [this.#knobs.latencyMs, this.#knobs.syncMs, this.#knobs.hiccupMs]) {
      const [least, most] = range
      if (!(least >= 0 && most >= least)) throw new RangeError(`a range is [least, most] from 0, got [${range}]`)
    }
  }

  /**
   * Every operation that begins from now on takes `factor` times as long, until the returned function is called. Of several at once the
   * greatest counts: an operation that has begun takes its time also when all of them are over.
   */
  slow(factor: number): () => void {
    if (!(factor >= 1)) throw new RangeError(`factor is 1 or more, got ${factor}`)
    const slower = { factor }
    this.#factors.add(slower)
    return () => void this.#factors.delete(slower)
  }

  /** Milliseconds that an operation takes which begins now. */
  draw(durable: boolean): number {
    const { latencyMs, syncMs, hiccupMs, hiccupProbability } = this.#knobs
    let ms = this.#between(durable ? syncMs : latencyMs)
    if (hiccupProbability > 0 && this.#random.float() < hiccupProbability) {
      this.#count('hiccup')
      ms += this.#between(hiccupMs)
    }
    if (this.#factors.size === 0) return ms
    this.#count('slowed')
    let factor = 1
    for (const slower of this.#factors) factor = Math.max(factor, slower.factor)
    return Math.max(ms, SLOW_FLOOR_MS) * factor
  }

  #between([least, most]: Range): number {
    return most === least ? least : least + (most - least) * this.#random.float()
  }
}
