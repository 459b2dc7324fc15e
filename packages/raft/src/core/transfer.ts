import { type CoreState, isVoter, type Leadership } from './state.ts'

/**
 * Begins to hand leadership to `to` (dissertation §3.10). From here on no proposal is taken, until the term ends or one
 * election timeout has passed. Returns false when this node does not lead or `to` is no other voter.
 */
export function beginTransfer(state: CoreState, to: string): boolean {
  const { leadership } = state
  if (leadership === undefined || !leadership.progress.has(to) || !isVoter(state, to)) return false
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
