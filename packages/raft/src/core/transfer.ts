import { becomeFollower } from './roles.ts'
import { type CoreState, holdsNoData, isVoter, type Leadership } from './state.ts'

/**
 * Begins to hand leadership to `to` (dissertation §3.10). From here on no proposal is taken, until the term ends or one
 * election timeout has passed. Returns false when this node does not lead or `to` is no other voter, or a witness.
 */
export function beginTransfer(state: CoreState, to: string): boolean {
  const { leadership } = state
  const target = leadership?.progress.get(to)
  // One that has lost entries would not campaign, nor would a witness.
  if (leadership === undefined || target === undefined || target.mending || target.witness) return false
  if (!isVoter(state, to)) return false
  leadership.transfer = { to, deadlineMs: state.nowMs + state.config.electionTimeoutMs, sent: false }
  transferStep(state, leadership)
  return true
}

/** Tells the target to begin its election once it has the whole log. */
export function transferStep(state: CoreState, leadership: Leadership): void {
  const { transfer } = leadership
  if (transfer === undefined || transfer.sent) return
  if (leadership.progress.get(transfer.to)?.match !== state.log.lastIndex) return
  transfer.sent = true
  leadership.leaseGivenUp = true
  state.outbox.send(transfer.to, { type: 'timeout-now', term: state.term }, 'nothing')
}

/** Who could take over: above all a voter that answers, of those the one with the most of the log. */
export function heirOf(state: CoreState, { progress }: Leadership): string | undefined {
  const { id, electionTimeoutMs } = state.config
  const matchOf = (voter: string): number => {
    const { heardMs, match = 0, mending = false } = progress.get(voter) ?? {}
    const answers = !mending && heardMs !== undefined && state.nowMs - heardMs <= electionTimeoutMs
    return answers ? match : match - state.log.lastIndex
  }
  const { voters } = state.configurations.current.configuration
  const others = voters.filter((voter) => voter !== id && !holdsNoData(state, voter))
  return others.sort((a, b) => matchOf(b) - matchOf(a))[0]
}

/** Steps down at once and asks another voter to take over. Without one, or when the request is lost, the others elect by themselves. */
export function handOver(state: CoreState, leadership: Leadership, why: string): void {
  const heir = heirOf(state, leadership)
  if (heir !== undefined) state.outbox.send(heir, { type: 'timeout-now', term: state.term }, 'nothing')
  becomeFollower(state, state.term, undefined, why)
}
