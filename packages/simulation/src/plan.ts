/** Anything that survives JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/**
 * A fault that a plan holds. All that it needs to know besides, for instance who is on which side of a partition, it draws
 * from its own `seed`, so taking one fault out of a plan changes no other.
 */
export interface Fault {
  readonly kind: string
  readonly atMs: number
  /** How long it lasts. A fault of a moment, such as a crash, restores after this time. */
  readonly forMs: number
  /** Which node it is about, counted from 0; more nodes than there are begin again at 0. */
  readonly node: number
  /** About the leader of the moment, when there is one, in place of `node`. */
  readonly aim?: 'leader'
  readonly seed: number
}

/** A crash at a telling moment: the `nth` time, counted from 1, that `node` reaches `moment`. */
export interface AimedCrash {
  readonly moment: string
  readonly node: string
  readonly nth: number
}

/** Crashes at telling moments: by chance, or exactly these. */
export type Aims =
  | { readonly type: 'drawn'; readonly rates: { readonly [moment: string]: number } }
  | { readonly type: 'exactly'; readonly crashes: readonly AimedCrash[] }

/** What a client does, at the earliest `atMs`; the rest is the scenario's to understand. */
export interface Operation {
  readonly atMs: number
  readonly [field: string]: Json
}

/**
 * Everything that decides a run, as data: the same plan gives the same run on the same build. A seed draws a plan;
 * shrinking takes things out of one; a story is one that was kept.
 */
export interface Plan {
  readonly version: 1
  readonly scenario: string
  /** Seeds the streams that the run itself draws from: delays, losses, elections. */
  readonly seed: number
  readonly nodes: number
  /** How long the safety phase takes, in virtual milliseconds; then a core of nodes is healed and must make progress. */
  readonly chaosMs: number
  /** Sizes, times and rates of the scenario. */
  readonly knobs: { readonly [name: string]: Json }
  readonly faults: readonly Fault[]
  readonly operations: readonly Operation[]
  readonly aims: Aims
  /** Rare behaviour on demand: which share of the points is active, how often these fire, and which never do. */
  readonly buggify: { readonly activeShare: number; readonly fireShare: number; readonly off: readonly string[] }
}
