import type { Random } from '@dsys/runtime'
import { heavyTailMs } from '../seed.ts'
import type { LinkTrouble } from '../world.ts'

/** How the frames of every link fare where no fault is about. Rates are chances from 0 to 1; one of 0 draws nothing. */
export interface LinkKnobs {
  /** The usual time under way: each frame draws its own, evenly, between half and one and a half of this. */
  readonly delayMs: number
  /** Chance of a late frame: ten times `delayMs` later in the middle, a hundred times in one of twenty. */
  readonly tailRate: number
  /** How much later a late frame is at most. */
  readonly tailMaxMs: number
  readonly lossRate: number
  /** Chance that a second copy arrives, in an order of its own. */
  readonly duplicateRate: number
  /** Chance that a frame is held back while later ones overtake it. */
  readonly reorderRate: number
  /**
   * `fifo`: frames of a link arrive in the order in which they were sent, as over one TCP connection, where a late one
   * holds up those behind it; only reordered frames and second copies are out of order. `free`: each frame arrives when
   * its own delay is over. Default `fifo`.
   */
  readonly order?: 'fifo' | 'free'
}

/** The delay of a healed link. */
const PERFECT_MS = 0.5
const LATE_SCALE = 10

/** One copy of a frame under way. */
export interface Flight<P> {
  readonly link: Link<P>
  readonly frame: number
  readonly payload: P
  /** What all copies of one frame share. */
  readonly copies: { underWay: number }
}

const NO_TROUBLE = Object.freeze({ loss: 0, duplicate: 0, reorder: 0, tail: 0, extraDelayMs: 0 })

/** One direction between two nodes: which faults are in force, and what it holds. */
export class Link<P> {
  readonly from: string
  readonly to: string
  readonly #random: Random
  /** Draws what troubles do, so that a trouble shifts no draw of the knobs. */
  readonly #troubleRandom: Random
  readonly #troubles = new Set<LinkTrouble>()
  /** The sum of the troubles; computed anew at each change, since adding and taking away again would leave rounding errors. */
  #trouble: typeof NO_TROUBLE = NO_TROUBLE
  #knobs: LinkKnobs
  #healed = false
  cuts = 0
  holds = 0
  /** Held frames, in the order of their arrival here. Those before `#next` have been let go. */
  #held: Flight<P>[] = []
  #next = 0
  lastArrivalMs = 0
  /** Counts the times that every fault was ended, so that the Restore of an earlier one does nothing. */
  era = 0

  constructor(from: string, to: string, knobs: LinkKnobs, random: Random) {
    this.from = from
    this.to = to
    this.#knobs = knobs
    this.#random = random.stream(`${from}>${to}`)
    this.#troubleRandom = random.stream(`trouble ${from}>${to}`)
  }

  get healed(): boolean {
    return this.#healed
  }

  /** No fault is in force, and nothing is held. */
  get calm(): boolean {
    return this.cuts === 0 && this.holds === 0 && this.#trouble === NO_TROUBLE && this.heldFrames === 0
  }

  get heldFrames(): number {
    return this.#held.length - this.#next
  }

  hold(flight: Flight<P>): void {
    this.#held.push(flight)
  }

  /** The held frame that waits longest. */
  letGo(): Flight<P> | undefined {
    const flight = this.#held[this.#next]
    if (flight === undefined) return undefined
    this.#next++
    if (this.#next === this.#held.length) {
      this.#held = []
      this.#next = 0
    }
    return flight
  }

  /** Adds a trouble, and returns what ends it. */
  trouble(trouble: LinkTrouble): () => void {
    // A copy: the same object given twice is two troubles.
    const own = { ...trouble }
    this.#troubles.add(own)
    this.#sum()
    return () => {
      this.#troubles.delete(own)
      this.#sum()
    }
  }

  /** Ends every fault and every chance of one, for good. Held frames must be let go by the caller. */
  heal(): void {
    this.#healed = true
    this.era++
    this.cuts = 0
    this.holds = 0
    this.lastArrivalMs = 0
    this.#troubles.clear()
    this.#sum()
  }

  #sum(): void {
    if (this.#troubles.size === 0) {
      this.#trouble = NO_TROUBLE
      return
    }
    const sum = { ...NO_TROUBLE }
    for (const one of this.#troubles) {
      sum.loss += one.lossRate ?? 0
      sum.duplicate += one.duplicateRate ?? 0
      sum.reorder += one.reorderRate ?? 0
      sum.tail += one.tailRate ?? 0
      sum.extraDelayMs += one.extraDelayMs ?? 0
    }
    this.#trouble = sum
  }

  loses(): boolean {
    return this.#drawer(this.#knobs.lossRate, this.#trouble.loss) !== undefined
  }

  /** Whether the frame is duplicated: the stream that decided so, which draws all else about it. */
  duplicates(): Random | undefined {
    return this.#drawer(this.#knobs.duplicateRate, this.#trouble.duplicate)
  }

  /** As {@link Link.duplicates}. */
  reorders(): Random | undefined {
    return this.#drawer(this.#knobs.reorderRate, this.#trouble.reorder)
  }

  /** As {@link Link.duplicates}. */
  late(): Random | undefined {
    return this.#drawer(this.#knobs.tailRate, this.#trouble.tail)
  }

  get fifo(): boolean {
    return this.#knobs.order !== 'free'
  }

  /** The time under way without any chance of a fault but a slow link. */
  delayMs(): number {
    if (this.#healed) return PERFECT_MS
    const delayMs = this.#knobs.delayMs * (0.5 + this.#random.float())
    const { extraDelayMs } = this.#trouble
    return extraDelayMs === 0 ? delayMs : delayMs + this.#troubleRandom.float() * extraDelayMs
  }

  /** How much later a late frame is. */
  latenessMs(drawer: Random): number {
    const { delayMs, tailMaxMs } = this.#knobs
    return heavyTailMs(drawer, LATE_SCALE * delayMs, tailMaxMs)
  }

  /**
   * How long a reordered frame, or a second copy, is held back: also where no frame may be late, later ones must be able to
   * overtake it.
   */
  heldBackMs(drawer: Random): number {
    const { delayMs, tailMaxMs } = this.#knobs
    return delayMs + heavyTailMs(drawer, LATE_SCALE * delayMs, Math.max(tailMaxMs, LATE_SCALE * delayMs))
  }

  #drawer(rate: number, trouble: number): Random | undefined {
    if (this.#healed) return undefined
    if (rate > 0 && this.#random.float() < rate) return this.#random
    if (trouble > 0 && this.#troubleRandom.float() < trouble) return this.#troubleRandom
    return undefined
  }
}

/** Throws RangeError unless every knob is in its range. */
export function assertKnobs(knobs: LinkKnobs): void {
  const { delayMs, tailMaxMs, tailRate, lossRate, duplicateRate, reorderRate } = knobs
  for (const [name, value] of Object.entries({ delayMs, tailMaxMs })) {
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) throw new RangeError(`${name} is 0 or more, got ${value}`)
  }
  for (const [name, value] of Object.entries({ tailRate, lossRate, duplicateRate, reorderRate })) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`${name} is a chance from 0 to 1, got ${value}`)
  }
}
