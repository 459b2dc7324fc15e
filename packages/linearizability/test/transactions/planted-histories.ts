import type { TransactionCheckOptions } from '../../src/transactions/check.ts'
import type { MicroOperation, TransactionEvent } from '../../src/transactions/history.ts'
import { around, inSequence, ok } from './histories.ts'

/** A history with an anomaly, and what the checker makes of it. */
export interface Planted {
  readonly name: string
  readonly events: readonly TransactionEvent[]
  /** Exactly the kinds that are found. */
  readonly kinds: readonly string[]
  /** The weakest models that are ruled out. */
  readonly not: readonly string[]
  /** The steps of the first cycle. */
  readonly cycle?: string
  readonly options?: Partial<TransactionCheckOptions>
}

/** T3 is done before T4 begins; T4 misses T1, whose write T2 sees, and T2 misses T3. T1 and T2 are under way all the time. */
export function forkOverTime(
  writeX: MicroOperation,
  writeY: MicroOperation,
  noX: MicroOperation,
  noY: MicroOperation,
  seeY: MicroOperation,
): TransactionEvent[] {
  return around([ok(1, writeY), ok(2, seeY, noX)], ...inSequence(ok(0, writeX), ok(3, noY)))
}
