import { becomeFollower } from './roles.ts'
import { type CoreState, isVoter, type Leadership } from './state.ts'

/**
 * Begins to hand leadership to `to` (dissertation §3.10). From here on no proposal is taken, until the term ends or one
 * election timeout has passed. Returns false when this node does not lead or `to` is no other voter.
 */
export function beginTransfer(state: CoreState, to: string): boolean {
  const { leadership } = state
  const target = leadership?.progress.get(to)
  // One that has lost entries would not campaign.
  if (leadership === undefined || target === undefined || target.mending || !isVoter(state, to)) return false
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

/**
 * Steps down at once and asks another voter to take over: above all one that answers, of those the one with the most of the log. Without such
 * a voter, or when the request is lost, the others elect by themselves.
 */
export function handOver(state: CoreState, leadership: Leadership, why: string): void {
  const { id, electionTimeoutMs } = state.config
  const matchOf = (voter: string): number => {
    const { heardMs, match = 0, mending = false } = leadership.progress.get(voter) ?? {}
    const answers = !mending && heardMs !== undefined && state.nowMs - heardMs <= electionTimeoutMs
    return answers ? match : match - state.log.lastIndex
  }
  const others = state.configurations.current.configuration.voters.filter((voter) => voter !== id)
  const [heir] = others.sort((a, b) => matchOf(b) - matchOf(a))
  if (heir !== undefined) state.outbox.send(heir, { type: 'timeout-now', term: state.term }, 'nothing')
  becomeFollower(state, state.term, undefined, why)
}
