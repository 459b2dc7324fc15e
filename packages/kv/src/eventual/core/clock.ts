import type { Actor, Dot } from './dot.ts'

/**
 * A version vector: for each actor in it, all of its dots up to the counter. It always speaks of one key, so of those dots only which are of that
 * key. Sorted by actor, each once, counters from 1. A value, which nobody changes.
 */
export type Clock = readonly Dot[]

export const EMPTY_CLOCK: Clock = Object.freeze([])

/** The counter of `actor`; 0 where the clock has none. */
export function counterOf(clock: Clock, actor: Actor): number {
  for (const entry of clock) if (entry.actor === actor) return entry.counter
  return 0
}

/** Whether the clock says that the dot is known. */
export function clockCovers(clock: Clock, dot: Dot): boolean {
  return dot.counter <= counterOf(clock, dot.actor)
}

/** The clock that covers what either of the two covers: one of them where it covers the other. */
export function joinClocks(a: Clock, b: Clock): Clock {
  if (a === b || b.length === 0) return a
  if (a.length === 0) return b
  const joined: Dot[] = []
  let isA = true
  let isB = true
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const x = a[i]
    const y = b[j]
    if (y === undefined || (x !== undefined && x.actor < y.actor)) {
      joined.push(x as Dot)
      isB = false
      i++
      continue
    }
    if (x === undefined || y.actor < x.actor) {
      joined.push(y)
      isA = false
      j++
      continue
    }
    if (x.counter > y.counter) isB = false
    else if (x.counter < y.counter) isA = false
    joined.push(x.counter >= y.counter ? x : y)
    i++
    j++
  }
  return isA ? a : isB ? b : joined
}
