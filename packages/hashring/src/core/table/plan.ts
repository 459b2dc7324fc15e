import type { PartitionTable } from './partition-table.ts'

/** What happens to one partition in a step: one node is added to its holders, or one is removed. */
export interface PlanChange {
  readonly partition: number
  readonly node: string
  /** Who holds the partition after this step, the first owner first. */
  readonly holders: readonly string[]
}

/** Changes that may be made at the same time: each partition occurs at most once. */
export interface PlanStep {
  /** Of an `add`, a change is done when its node has all data that a majority of the former holders has; of a `remove`, when its node counts no more. */
  readonly kind: 'add' | 'remove'
  /** By ascending partition. */
  readonly changes: readonly PlanChange[]
}

/**
 * How to get from one table to another: steps that are made one after the other. In a step each partition gets or loses at most one holder, and
 * nobody is removed before the one in its place was added. So all former holders but one stay, there are never fewer replicas than the
 * smaller of the two tables has, and every majority before a step meets every majority after it, with no need for quorums of both at once.
 * Where only the order of holders differs, nothing is copied, and the order of `next` holds from its beginning.
 *
 * Throws a RangeError when the two tables cannot be compared: see {@link PartitionTable.diff}.
 */
export function plan(old: PartitionTable, next: PartitionTable): PlanStep[] {
  const pending = new Map<number, { from: string | undefined; to: string | undefined }[]>()
  for (const { partition, from, to } of old.diff(next).replicas) {
    const moves = pending.get(partition) ?? []
    pending.set(partition, moves)
    moves.push({ from, to })
  }
  const holders = new Map([...pending.keys()].map((partition) => [partition, old.holders(partition)]))
  const steps: PlanStep[] = []
  for (let round = 0; ; round++) {
    const adds: PlanChange[] = []
    const removes: PlanChange[] = []
    for (const [partition, moves] of pending) {
      const move = moves[round]
      if (move === undefined) continue
      let now = holders.get(partition) as string[]
      if (move.to !== undefined) {
        now = inOrder([...now, move.to], next.holders(partition))
        adds.push({ partition, node: move.to, holders: now })
      }
      if (move.from !== undefined) {
        now = inOrder(
          now.filter((id) => id !== move.from),
          next.holders(partition),
        )
        removes.push({ partition, node: move.from, holders: now })
      }
      holders.set(partition, now)
    }
    if (adds.length === 0 && removes.length === 0) return steps
    if (adds.length > 0) steps.push({ kind: 'add', changes: adds })
    if (removes.length > 0) steps.push({ kind: 'remove', changes: removes })
  }
}

/** The order of the later table once the holders are its holders; until then newcomers come last. */
function inOrder(holders: string[], last: readonly string[]): string[] {
  return holders.length === last.length && holders.every((id) => last.includes(id)) ? [...last] : holders
}
