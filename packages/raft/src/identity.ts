import type { Random } from '@dsys/runtime'
import type { GroupLog } from '@dsys/storage'
import { abstentionOf } from './core/abstention.ts'
import { pinOf } from './core/configuration.ts'
import { survey } from './recover.ts'

/** An incarnation is less: it has 48 bits. */
const LARGEST = 2 ** 48

/** Who a node is in its group. */
export interface Identity {
  readonly incarnation: number
  /** Resolves when the incarnation is in the log: nothing may leave the node before. Absent where it was there. */
  readonly stored: Promise<void> | undefined
}

/**
 * The incarnation that the log has, or a new one (P-30). It stands in the one record that holds term and vote: whoever has lost the vote has
 * lost the incarnation as well. A log without one, in which the group says by which it knows this node, was written by an earlier version
 * in between: it gets that one back.
 */
export function identityOf(log: GroupLog, id: string, random: Random, generation: number): Identity {
  const { hardState, lost } = log.recovered
  if (hardState.incarnation !== undefined) return { incarnation: hardState.incarnation, stored: undefined }
  const incarnation = pinOf(survey(log).configuration, id) ?? draw(random, generation)
  // The first write after a loss is the one that keeps it from being found again: it says what the loss means.
  const abstention = abstentionOf(hardState.abstention, lost)
  const marks = abstention === undefined ? { incarnation } : { abstention, incarnation }
  return { incarnation, stored: log.persist({ hardState: { ...hardState, ...marks } }) }
}

/** The generation counts as well: chance alone would do, if nobody ever gave two lives of a node the same. */
function draw(random: Random, generation: number): number {
  const chance = random.stream('incarnation')
  const number = chance.integer(0, 2 ** 32) * 2 ** 16 + chance.integer(0, 2 ** 16)
  return ((number + generation) % (LARGEST - 1)) + 1
}
