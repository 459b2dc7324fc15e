import type { Random } from '@dsys/runtime'
import type { Abstention, HardState, LostEntries } from '@dsys/storage'
import { hearLeader } from './follower.ts'
import type { LogEndRequest, LogEndResponse } from './messages.ts'
import type { CoreState } from './state.ts'

/**
 * A node that has lost entries may have acknowledged them, and its leader may have committed on the strength of that. So it abstains: it
 * neither votes nor campaigns, and every majority that elects meets the one that committed in another node.
 */
export function abstentionOf(
  known: Abstention | undefined,
  lost: Pick<LostEntries, 'throughIndex' | 'term'> | undefined,
): Abstention | undefined {
  if (lost === undefined) return known
  return {
    throughIndex: Math.max(lost.throughIndex, known?.throughIndex ?? 0),
    term: Math.max(lost.term, known?.term ?? 0),
  }
}

/**
 * Ends it once this node has again whatever was committed with its help: everything up to the last index that it ever had is
 * committed here, or an entry of a higher term than any that it had, whose leader had all of that. Called once a turn, so the write that takes the
 * mark away has the entries too, or comes behind them.
 */
export function endAbstention(state: CoreState): void {
  const { abstention, commitIndex, log } = state
  if (abstention === undefined) return
  if (commitIndex >= abstention.throughIndex || (log.termAt(commitIndex) ?? 0) > abstention.term) repaired(state)
}

function repaired(state: CoreState): void {
  state.abstention = undefined
  state.outbox.hardStateChanged()
  state.events.push({ type: 'repaired', index: state.commitIndex })
}

/** Tells one life of a node from another: a late answer to an earlier one says nothing of what was lost since. */
export const ticketOf = (random: Random): number => random.integer(0, 2 ** 32) * 2 ** 20 + random.integer(0, 2 ** 20)

export function handleLogEndRequest(
  { leadership, log, outbox, term }: CoreState,
  from: string,
  { ticket }: LogEndRequest,
): void {
  if (leadership === undefined) return
  outbox.send(from, { type: 'log-end-response', term, ticket, lastIndex: log.lastIndex }, 'nothing')
}

/**
 * Ends it too: this node has the whole log of its leader, as that was after the loss. So it has what earlier leaders have committed, which its leader had when
 * it was elected, and of the entries of this one all that it can have had before.
 */
export function handleLogEndResponse(state: CoreState, from: string, { ticket, lastIndex }: LogEndResponse): void {
  hearLeader(state, from)
  const { abstention, abstentionTicket, verifiedIndex } = state
  if (abstention !== undefined && ticket === abstentionTicket && lastIndex <= verifiedIndex) repaired(state)
}

/** What the disk must hold of this node besides its log. */
export function hardStateOf({ term, votedFor, abstention, config: { incarnation } }: CoreState): HardState {
  return {
    term,
    votedFor,
    ...(abstention === undefined ? {} : { abstention }),
    ...(incarnation === undefined ? {} : { incarnation }),
  }
}
