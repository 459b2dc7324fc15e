/**
 * Which of two connections between a pair of nodes stays. Both may dial at once, both may lose a connection at different
 * times, and a node may come back in a later life; the two must not disagree, or each would close what the other kept.
 *
 * The node that is dialled decides, in one step, when the proof of the dialler is there:
 *
 * - Of two dials at once that of the lower id stays. The lower node refuses the other's dial only once it has itself confirmed
 *   its own, which the higher node will then take in its place; before that it takes the other's and gives its own up.
 * - A dial that began before the connection that stands was agreed on lost the race: it is refused. One that began later says
 *   that the peer has lost that connection: it takes its place. Dials are counted, so that this is no matter of clocks.
 * - A later life of a node takes the place of an earlier one; an earlier one is refused.
 * - Two processes with the same id and generation are a conflict: the one that is connected stays.
 */
export interface Life {
  readonly generation: number
  readonly instance: Uint8Array
}

/** A dial of a peer that has proved itself. */
export interface Claim extends Life {
  /** The number of this dial among those of the peer to this node. */
  readonly dial: number
}

/** What stands between this node and the peer when the claim arrives. */
export interface Standing {
  readonly self: string
  readonly peer: string
  /** The latest life of the peer that was ever connected. */
  readonly latest: Life | undefined
  /** The connection that stands; `dials` is how often the peer had dialled when it was agreed on. */
  readonly established: (Life & { readonly dials: number }) | undefined
  /** The life of the peer to which our own dial has sent its confirmation, and which has not answered yet. */
  readonly confirmed: Life | undefined
}

/** `accept` and `replace` take the connection; the others are refusals. */
export type Verdict = 'accept' | 'replace' | 'duplicate' | 'stale' | 'conflict'

/** Decides on a claim. See above. */
export function judge(claim: Claim, standing: Standing): Verdict {
  const { latest, established, confirmed } = standing
  if (latest !== undefined && claim.generation < latest.generation) return 'stale'
  if (established !== undefined) {
    if (claim.generation > established.generation) return 'replace'
    if (!isSameLife(claim, established)) return 'conflict'
    return claim.dial <= established.dials ? 'duplicate' : 'replace'
  }
  if (confirmed !== undefined && isSameLife(claim, confirmed) && standing.self < standing.peer) return 'duplicate'
  return 'accept'
}

/** Whether both are one process. */
export function isSameLife(one: Life, other: Life): boolean {
  return one.generation === other.generation && isSameInstance(one.instance, other.instance)
}

function isSameInstance(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}
