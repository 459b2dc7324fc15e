/**
 * How one clock stands to another. `before`: the other one knows all that this one knows, and more. `after`: the reverse.
 * `concurrent`: each knows something that the other does not.
 */
export type Causality = 'equal' | 'before' | 'after' | 'concurrent'

/** From whether each of two clocks knows all that the other one knows. */
export function causalityOf(isWithin: boolean, contains: boolean): Causality {
  if (isWithin) return contains ? 'equal' : 'before'
  return contains ? 'after' : 'concurrent'
}
