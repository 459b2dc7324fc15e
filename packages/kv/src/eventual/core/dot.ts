/**
 * Who makes versions: one store of one node, from the day that it was created empty. Opaque here; it is made of the id of the node and a nonce
 * that is drawn with the store. A node that lost its store, or runs on an old copy of it, is another actor, so no dot is ever given twice.
 */
export type Actor = string

/** The most bytes of an actor in UTF-8: the longest id of a node, and a nonce. */
export const MAX_ACTOR_BYTES = 640

/** The greatest counter of a dot. Nobody reaches it by counting, and what is above it is damage. */
export const MAX_COUNTER: number = 2 ** 48

/** One write of one actor in one partition: it counts 1, 2, 3 over all keys of that partition, and leaves none out. */
export interface Dot {
  readonly actor: Actor
  readonly counter: number
}

/** The order in which dots stand in lists: by actor, in UTF-16 code units, then by counter. */
export function compareDots(a: Dot, b: Dot): number {
  if (a.actor === b.actor) return a.counter - b.counter
  return a.actor < b.actor ? -1 : 1
}

/** Whether `dot` is in the list. Lists of dots of one key are short, so they are searched from end to end. */
export function hasDot(dots: readonly Dot[], dot: Dot): boolean {
  for (const { actor, counter } of dots) if (counter === dot.counter && actor === dot.actor) return true
  return false
}

/** The dots of both sorted lists, each once, sorted. One of the two where it has all. */
export function uniteDots(a: readonly Dot[], b: readonly Dot[]): readonly Dot[] {
  if (b.length === 0) return a
  if (a.length === 0) return b
  const missing = b.filter((dot) => !hasDot(a, dot))
  return missing.length === 0 ? a : [...a, ...missing].sort(compareDots)
}
