import type { Buggify, Random } from '@dsys/runtime'
import type { AimedCrash, Aims, Plan } from './plan.ts'

/** Counts what occurred, by name. */
export class Counts {
  readonly byName: Map<string, number> = new Map()

  add(what: string, times = 1): void {
    this.byName.set(what, (this.byName.get(what) ?? 0) + times)
  }
}

/**
 * The buggify port of a simulation. Each point is active in a share of the seeds, and an active one fires in a share of
 * its uses. Each draws from a stream of its own, so a new point shifts no other. Firing is counted as `buggify.<point>`.
 */
export function seededBuggify(
  random: Random,
  { activeShare, fireShare, off }: Plan['buggify'],
  count: (what: string) => void,
  enabled: () => boolean = () => true,
): Buggify {
  const points = new Map<string, { readonly active: boolean; readonly random: Random }>()
  return (point) => {
    let known = points.get(point)
    if (known === undefined) {
      const stream = random.stream(`buggify.${point}`)
      known = { active: stream.float() < activeShare && !off.includes(point), random: stream }
      points.set(point, known)
    }
    if (!known.active || !enabled() || known.random.float() >= fireShare) return false
    count(`buggify.${point}`)
    return true
  }
}

/** Decides at each telling moment of a node whether it crashes there. */
export class Aim {
  /** The crashes that were decided, so that they can be had again exactly. */
  readonly made: AimedCrash[] = []
  readonly #aims: Aims
  readonly #random: Random
  readonly #count: (what: string) => void
  readonly #reached = new Map<string, number>()
  readonly #exactly: ReadonlySet<string>
  #off = false

  constructor(aims: Aims, random: Random, count: (what: string) => void) {
    this.#aims = aims
    this.#random = random
    this.#count = count
    this.#exactly = new Set(aims.type === 'exactly' ? aims.crashes.map((crash) => keyOf(crash)) : [])
  }

  /** No crash from now on. */
  stop(): void {
    this.#off = true
  }

  /** `node` has reached `moment`: true when it is to crash now. Counted as `aimed.<moment>`. */
  crashes(moment: string, node: string): boolean {
    if (this.#off) return false
    const place = `${moment} ${node}`
    const nth = (this.#reached.get(place) ?? 0) + 1
    this.#reached.set(place, nth)
    const crash = { moment, node, nth }
    if (!this.#decide(crash)) return false
    this.made.push(crash)
    this.#count(`aimed.${moment}`)
    return true
  }

  #decide(crash: AimedCrash): boolean {
    if (this.#aims.type === 'exactly') return this.#exactly.has(keyOf(crash))
    const rate = this.#aims.rates[crash.moment] ?? 0
    return rate > 0 && this.#random.float() < rate
  }
}

function keyOf({ moment, node, nth }: AimedCrash): string {
  return `${moment} ${node} ${nth}`
}
