import type { MicroOperation, Transaction, TransactionKey, TransactionValue } from '../../src/transactions/history.ts'

type State = ReadonlyMap<TransactionKey, readonly TransactionValue[]>

/**
 * Whether the transactions can be put into one order, each applied whole and at once, that explains every read of those that were ok.
 * A failed one has no place, one of unknown outcome may be left out. With `realTime`, a transaction that completed before another was
 * invoked stands before it; with `process`, only within each process. It tries all orders, so it is for small histories only, and shares
 * nothing with the checker but the types.
 */
export function hasSerialOrder(
  transactions: readonly Transaction[],
  model: 'list-append' | 'register',
  order: 'none' | 'process' | 'realtime',
): boolean {
  const all = transactions.filter(({ outcome }) => outcome !== 'fail')
  const required = all.filter(({ outcome }) => outcome === 'ok').length
  const dead = new Set<string>()
  const go = (placed: ReadonlySet<Transaction>, done: number, state: State): boolean => {
    if (done === required) return true
    const key = `${all.map((one) => (placed.has(one) ? 1 : 0)).join('')} ${JSON.stringify([...state])}`
    if (dead.has(key)) return false
    for (const next of all) {
      if (placed.has(next)) continue
      const blocked = all.some((one) => one !== next && !placed.has(one) && mustPrecede(one, next, order))
      if (blocked) continue
      const after = apply(next, model, state)
      if (after !== undefined && go(new Set([...placed, next]), done + (next.outcome === 'ok' ? 1 : 0), after))
        return true
    }
    dead.add(key)
    return false
  }
  return go(new Set(), 0, new Map())
}

function mustPrecede(one: Transaction, other: Transaction, order: 'none' | 'process' | 'realtime'): boolean {
  if (order === 'none' || one.outcome !== 'ok' || one.completedAt === undefined) return false
  return one.completedAt < other.invokedAt && (order === 'realtime' || one.process === other.process)
}

function apply(
  { operations, outcome }: Transaction,
  model: 'list-append' | 'register',
  before: State,
): State | undefined {
  const state = new Map(before)
  for (const operation of operations) {
    const [f, key, value] = operation
    const current = state.get(key) ?? []
    if (f === 'append') state.set(key, [...current, value])
    else if (f === 'w') state.set(key, [value])
    else if (outcome === 'ok' && !explains(operation, model, current)) return undefined
  }
  return state
}

function explains([, , result]: MicroOperation, model: string, current: readonly TransactionValue[]): boolean {
  const seen = result === undefined ? [] : Array.isArray(result) ? result : [result]
  return model === 'register' || Array.isArray(result) || result === undefined
    ? JSON.stringify(seen) === JSON.stringify(current)
    : false
}
