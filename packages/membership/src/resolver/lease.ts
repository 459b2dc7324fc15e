/**
 * What decides between the sides of a split cluster: a lease that one owner has at a time, kept where all sides get the same answer, as in a
 * linearizable keyspace.
 */
export interface SurvivalLease {
  /**
   * Takes the lease for `owner` for `holdMs`, where nobody else has it; where `owner` has it already, it has it for `holdMs` from now on. All members of one side
   * ask in the same name. True: `owner` has it. False: another one has. When that is not known, it throws, and the side goes down.
   *
   * Linearizable: while one owner has it, nobody else gets true, wherever it asks.
   */
  acquire(owner: string, options: { readonly holdMs: number; readonly signal: AbortSignal }): Promise<boolean>
}
