const MOST_SITUATIONS = 200_000

/** One operation on one register, in the order of the history's instants. */
export interface Operation {
  /** The instants, distinct and growing, at which it was called and at which it returned; Infinity when that is not known. */
  readonly calledAt: number
  readonly returnedAt: number
  /** Whether the caller knows that it took effect; otherwise it may have, at any time after the call, or never. */
  readonly certain: boolean
  /** The value behind it when it takes effect on `value`; `undefined` when what it returned cannot be. */
  readonly effect: (value: number) => number | undefined
  readonly what: string
}

/**
 * Whether the operations on one register could have happened one after the other, each at an instant between its call and
 * its return (Herlihy and Wing, "Linearizability", 1990). Tries every order, and no situation twice (after Wing and Gong, "Testing
 * and Verifying Concurrent Objects", 1993, and Lowe's memory of what was tried).
 */
export function isLinearizable(history: readonly Operation[], initial: number): boolean {
  const operations = [...history].sort((a, b) => a.calledAt - b.calledAt)
  const certain = operations.filter((operation) => operation.certain).length
  const tried = new Set<string>()
  const done = new Uint8Array(operations.length)

  /** What may come next: what was called before the first return of what is left. */
  const candidates = (from: number): number[] => {
    const found: number[] = []
    let firstReturn = Number.POSITIVE_INFINITY
    for (let i = from; i < operations.length; i++) {
      const operation = operations[i] as Operation
      if (operation.calledAt > firstReturn) break
      if (done[i] === 1) continue
      firstReturn = Math.min(firstReturn, operation.returnedAt)
      found.push(i)
    }
    // What certainly happened first: uncertain operations are tried where nothing else helps.
    return found.sort((x, y) => Number(operations[y]?.certain) - Number(operations[x]?.certain))
  }

  const search = (value: number, first: number, left: number): boolean => {
    if (left === 0) return true
    let from = first
    while (done[from] === 1) from++
    const key = `${value} ${from} ${done.subarray(from).join('').replace(/0+$/, '')}`
    if (tried.has(key)) return false
    tried.add(key)
    if (tried.size > MOST_SITUATIONS) throw new Error('the history is too tangled to check')
    const next = candidates(from)
    const attempt = (i: number, behind: number): boolean => {
      done[i] = 1
      const found = search(behind, from, operations[i]?.certain ? left - 1 : left)
      if (!found) done[i] = 0
      return found
    }
    // One that changes nothing, and may happen here, happens here: later it could only be in the way.
    const harmless = next.find((i) => operations[i]?.certain && operations[i]?.effect(value) === value)
    if (harmless !== undefined) return attempt(harmless, value)
    return next.some((i) => {
      const behind = operations[i]?.effect(value)
      return behind !== undefined && behind !== value && attempt(i, behind)
    })
  }
  return search(initial, 0, certain)
}
