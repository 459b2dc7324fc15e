/**
 * The port for rare behaviour on demand: asks whether to take, here and now, a path that is allowed and seldom taken. A
 * product's code names a point, `if (ports.buggify?.('raft.small-apply-batch') === true) ...`; outside a simulation the
 * port is absent, so the point costs one comparison and never fires.
 *
 * What a point does must be legal at any time: a simulation that fires it expects every guarantee to hold. A name is
 * `package.what-happens`, a literal, used at one place. The habit is FoundationDB's.
 */
export type Buggify = (point: string) => boolean
