/** A value with the counter of the event that wrote it. */
export interface Written<V> {
  readonly counter: number
  readonly value: V
}

/**
 * What a {@link DottedVersionSet} knows of one actor: all of its events up to `counter`, and which of them are siblings still. Every other one
 * was overwritten, or discarded.
 */
export interface SetEntry<V> {
  readonly actor: string
  readonly counter: number
  /** The newest first; none above `counter`, none twice. */
  readonly siblings: readonly Written<V>[]
}

/** What is left of an entry when all events up to `seen` are discarded; the same one where that changes nothing. */
export function discardUpTo<V>(entry: SetEntry<V>, seen: number): SetEntry<V> {
  // The newest come first, so what is left is a beginning.
  const kept = countAbove(entry.siblings, seen)
  if (kept === entry.siblings.length && seen <= entry.counter) return entry
  return {
    actor: entry.actor,
    counter: Math.max(entry.counter, seen),
    siblings: kept === entry.siblings.length ? entry.siblings : entry.siblings.slice(0, kept),
  }
}

function countAbove<V>(siblings: readonly Written<V>[], counter: number): number {
  let count = 0
  while (count < siblings.length && (siblings[count] as Written<V>).counter > counter) count++
  return count
}

/**
 * Both entries of one actor as one: a sibling stays when both have it, or one has it and the other does not know of it. The result
 * is one of the two where it says the same.
 */
export function joinEntries<V>(a: SetEntry<V>, b: SetEntry<V>): SetEntry<V> {
  if (a === b || isEntryWithin(b, a)) return a
  if (isEntryWithin(a, b)) return b
  const siblings: Written<V>[] = []
  let i = 0
  let j = 0
  while (i < a.siblings.length || j < b.siblings.length) {
    const ours = a.siblings[i]
    const theirs = b.siblings[j]
    const order = (theirs?.counter ?? 0) - (ours?.counter ?? 0)
    if (order <= 0) i++
    if (order >= 0) j++
    if (order === 0 || (order < 0 && (ours?.counter ?? 0) > b.counter)) siblings.push(ours as Written<V>)
    else if (order > 0 && (theirs?.counter ?? 0) > a.counter) siblings.push(theirs as Written<V>)
  }
  return { actor: a.actor, counter: Math.max(a.counter, b.counter), siblings }
}

/** Whether `b` knows all events of `a`, and has discarded all that `a` has. */
export function isEntryWithin<V>(a: SetEntry<V>, b: SetEntry<V>): boolean {
  if (a === b) return true
  if (a.counter > b.counter) return false
  let i = 0
  for (const { counter } of b.siblings) {
    if (counter > a.counter) continue
    while (i < a.siblings.length && (a.siblings[i] as Written<V>).counter > counter) i++
    if (a.siblings[i]?.counter !== counter) return false
  }
  return true
}
