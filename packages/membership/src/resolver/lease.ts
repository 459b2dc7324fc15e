/** One life of a member: its id, and the generation that it has from its start to its end. */
export interface MemberLife {
  readonly id: string
  readonly generation: number
}

/** One side of a split cluster, as one of its members sees it; or the whole cluster, while nobody is lost. */
export interface SurvivalSide {
  /** Who asks. */
  readonly self: MemberLife
  /** All that are here and count, the one that asks included, where it counts. Ordered by id. */
  readonly members: readonly MemberLife[]
  /** Those that said that they leave, as far as it remembers. */
  readonly left: readonly MemberLife[]
  /**
   * The number of the decision that the lease said stands, since before this side became what it is: nothing has changed since for `stableAfterMs`, and the process was not blocked
   * meanwhile. `undefined` where nobody has said so, as with a lease without `standing`.
   */
  readonly decision: number | undefined
}

/** What a lease that remembers who goes on says of one life. */
export interface SurvivalStanding {
  /** The number of the decision that stands; 0 before the first. */
  readonly decision: number
  /** A decision has left this life out: it is never named again. */
  readonly isLeftOut: boolean
}

/**
 * What decides between the sides of a split cluster: a lease that one side has at a time, kept where all sides get the same answer, as in a
 * linearizable keyspace.
 */
export interface SurvivalLease {
  /**
   * Takes the lease for `owner` for `holdMs`, where nobody else has it; where `owner` has it already, it has it for `holdMs` from now on. All members of one side
   * ask in the same name. True: `owner` has it. False: another one has. When that is not known, it throws, and the side goes down.
   *
   * `side` is who asks and who is with it: a lease that never runs out goes by it, and needs neither `owner` nor `holdMs`. `moved`: others have decided since `side.decision`, and
   * what this side saw before proves nothing now; it asks again when nothing has changed for as long once more.
   *
   * Linearizable: while one owner has it, nobody else gets true, wherever it asks.
   */
  acquire(
    owner: string,
    options: { readonly holdMs: number; readonly side: SurvivalSide; readonly signal: AbortSignal },
  ): Promise<boolean | 'moved'>

  /**
   * Notes that all of `whole` are one cluster of which nobody is lost, for a lease that remembers who has it. Asked when the view has been stable and whole and who is here has
   * changed, and again until it gives true. False, or what it throws: not noted yet.
   */
  extend?(whole: SurvivalSide, options: { readonly signal: AbortSignal }): Promise<boolean>

  /**
   * Which decision stands, and whether one has left `self` out, for a lease that remembers who has it. Asked when the view has changed, and now and then while it does not; who was left
   * out goes down. What it throws: not known now, so it is asked again.
   */
  standing?(self: MemberLife, options: { readonly signal: AbortSignal }): Promise<SurvivalStanding>
}
