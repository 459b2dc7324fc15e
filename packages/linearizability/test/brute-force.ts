import type { Json, Operation } from '@dsys/linearizability'
import type { Specification } from './specifications.ts'

/**
 * Tries every order of every subset of the operations of unknown outcome: the definition of linearizability, word for word. All keys at
 * once, so that it also judges whether they may be judged apart.
 */
export function isLinearizable(specification: Specification, operations: readonly Operation[]): boolean {
  const took = operations.filter(({ outcome }) => outcome !== 'fail')
  const most = highestNumber(operations.map(({ input, output }) => [input, output ?? null]))
  return hasOrder({ specification, most }, took, {})
}

function hasOrder(
  world: { readonly specification: Specification; readonly most: number },
  rest: readonly Operation[],
  states: Readonly<Record<string, unknown>>,
): boolean {
  if (rest.every(({ outcome }) => outcome === 'unknown')) return true
  const { specification, most } = world
  return rest.some((operation) => {
    const { input, output, key } = operation
    if (rest.some((other) => other.outcome === 'ok' && other.endedAt < operation.invokedAt)) return false
    const place = specification.isWhole === true ? '' : key
    const state = place in states ? states[place] : specification.initial
    const others = rest.filter((other) => other !== operation)
    return specification
      .outcomes(state, input, output, { key, most })
      .some((next) => hasOrder(world, others, { ...states, [place]: next }))
  })
}

function highestNumber(value: Json): number {
  if (typeof value === 'number') return value
  if (typeof value !== 'object' || value === null) return 0
  return Math.max(0, ...Object.values(value).map(highestNumber))
}
