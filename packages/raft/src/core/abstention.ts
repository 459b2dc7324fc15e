import type { Abstention, HardState, LostEntries } from '@dsys/storage'
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
  const { abstention, commitIndex, log, outbox, events } = state
  if (abstention === undefined) return
  if (commitIndex < abstention.throughIndex && (log.termAt(commitIndex) ?? 0) <= abstention.term) return
  state.abstention = undefined
  outbox.hardStateChanged()
  events.push({ type: 'repaired', index: commitIndex })
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
