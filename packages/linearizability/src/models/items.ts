/** More than this of a state nobody reads, and a long order has many states. */
const MAX_ITEMS = 20

/** The first few of the items of a state, as text. */
export function showFirst<Item>(items: Iterable<Item>, count: number, show: (item: Item) => string): string {
  const shown: string[] = []
  for (const item of items) {
    if (shown.length === MAX_ITEMS) break
    shown.push(show(item))
  }
  return count > MAX_ITEMS ? `${shown.join(', ')}, and ${count - MAX_ITEMS} more` : shown.join(', ')
}

/** The last few of a list, whose items come last to first. */
export function showLast<Item>(items: Iterable<Item>, count: number, show: (item: Item) => string): string {
  const shown: string[] = []
  for (const item of items) {
    if (shown.length === MAX_ITEMS) break
    shown.push(show(item))
  }
  shown.reverse()
  return count > MAX_ITEMS ? `${count - MAX_ITEMS} before, ${shown.join(', ')}` : shown.join(', ')
}
