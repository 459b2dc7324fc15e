import type { HelperEvidence } from './evidence.ts'

/**
 * Who probes whom and who suspects whom, as far as one node knows. A snapshot: it does not change. All lists are ordered by id.
 *
 * Of itself a node knows all. Of others it knows who pinged it, whom they asked it to ping for them, and who accuses whom, since that is told to
 * everybody. Which probes others have under way among themselves, or that these were answered, is told to nobody.
 */
export interface MembershipTopology {
  /** This node. */
  readonly id: string
  /** Whom this node probes in turn: all that are alive or suspected; with `removal: 'cut'`, those that it observes. */
  readonly probes: readonly string[]
  /** Its probes under way. */
  readonly probing: readonly ProbeUnderWay[]
  /** The pings that it has under way for others. */
  readonly helping: readonly Help[]
  /** Who pinged this node, for themselves or to help another one, since it has known them. */
  readonly probedBy: readonly Prober[]
  /** Who is suspected, and by whom. */
  readonly suspicions: readonly SuspicionOf[]
  /** With `removal: 'cut'`: who observes whom. All nodes that know the same members have the same. Empty otherwise. */
  readonly observed: readonly Observed[]
}

/** A probe that waits for its answer. */
export interface ProbeUnderWay {
  readonly id: string
  readonly forMs: number
  /** Who was asked to reach it; nobody as long as it may still answer by itself. */
  readonly helpers: readonly HelperEvidence[]
}

/** A ping that this node sent to `id` because `askedBy` did not reach it. */
export interface Help {
  readonly id: string
  readonly askedBy: string
}

/** Who pinged this node, and when it did so last. */
export interface Prober {
  readonly id: string
  readonly agoMs: number
}

/** A suspected member. */
export interface SuspicionOf {
  readonly id: string
  readonly generation: number
  /** Whose probes it did not answer: the first four that were named. Whoever only passed that on is not among them. */
  readonly accusers: readonly string[]
  /** How long it has been suspected. */
  readonly forMs: number
  /** How long it has to refute, if nobody else accuses it; `undefined` while nobody is judged. */
  readonly refutesWithinMs: number | undefined
}

/** A member and those that watch it. */
export interface Observed {
  readonly id: string
  readonly observers: readonly string[]
}
