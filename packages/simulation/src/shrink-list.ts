/**
 * The smallest part of `items` for which `fails` still holds, as far as taking out pieces finds it: delta debugging
 * (Zeller, Hildebrandt: "Simplifying and Isolating Failure-Inducing Input"). Tries nothing first, then without large
 * pieces, then without ever smaller ones; at the end none of what is left can be taken out alone. `fails` must hold for
 * `items` as a whole. Subsets are not tried beyond halves, where they are what is left without the other half: failures
 * need several faults together, so small subsets nearly never fail, and trying them doubles the work.
 */
export async function shrinkList<T>(
  items: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  if (items.length === 0 || (await fails([]))) return []
  let left = items
  let pieceLength = Math.ceil(left.length / 2)
  while (left.length > 1) {
    const before = left.length
    // From the back: later items are more often of no use, and what an early one causes stays the same meanwhile.
    for (let end = left.length; end > 0; end -= pieceLength) {
      const without = [...left.slice(0, Math.max(0, end - pieceLength)), ...left.slice(end)]
      if (without.length > 0 && (await fails(without))) left = without
    }
    if (pieceLength > 1) pieceLength = Math.ceil(pieceLength / 2)
    else if (left.length === before) return left
  }
  return left
}
