import { InvariantError } from '@dsys/runtime'
import { Assignment, type Problem } from './assignment.ts'
import { emptySlots, fillDirectly, keepOld } from './greedy.ts'
import { Search } from './search.ts'

/**
 * The holders of every partition after a change, `width` in a row for each in no order: within all bounds, and with the fewest copies that any
 * table within these bounds costs. The reason stands in ALGORITHM.md: the kept holders are a cheapest flow of their size, and each step
 * below goes by a cheapest way (successive shortest paths).
 */
export function rebalance(problem: Problem): Int32Array {
  const table = new Assignment(problem)
  const keptAll = keepOld(table)
  const search = new Search(table)
  let empty = emptySlots(table)
  // Old holders that the zone rule kept out may find a place again, which costs nothing; only then a copy is a cheapest step.
  if (!keptAll) while (search.improve(empty, 0) !== undefined) empty = emptySlots(table)
  fillDirectly(table)
  empty = emptySlots(table)
  for (let cheapest = 1; hasWork(table, empty); empty = emptySlots(table)) {
    if (search.improve(empty, cheapest) !== undefined) continue
    const cost = search.improve(empty)
    if (cost === undefined) throw new InvariantError('hashring: no table is within the quotas and the zone rule')
    cheapest = Math.max(cheapest, cost)
  }
  return table.rows
}

/** Where nothing is empty and nobody has too much, nobody has too little: the bounds leave no other sum. */
function hasWork(table: Assignment, empty: readonly number[]): boolean {
  return empty.length > 0 || table.poolIsOver || table.counts.some((_, node) => table.isOver(node))
}
