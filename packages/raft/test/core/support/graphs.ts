/** Which frames arrive: those from `from` to `to` where `links[from][to]` is true. */
export type Links = readonly (readonly boolean[])[]

/** The links of undirected edges between nodes 0 to `nodes` - 1. */
export function linksOf(nodes: number, edges: readonly (readonly [number, number])[]): Links {
  const links = Array.from({ length: nodes }, () => Array.from({ length: nodes }, () => false))
  for (const [a, b] of edges) {
    ;(links[a] as boolean[])[b] = true
    ;(links[b] as boolean[])[a] = true
  }
  return links
}

export const hears = (links: Links, from: number, to: number): boolean => links[from]?.[to] === true

/** The nodes whose frames arrive at `node` and to whom its frames arrive, and `node` itself. */
export function circleOf(links: Links, node: number): number[] {
  return links.flatMap((_, other) =>
    other === node || (hears(links, node, other) && hears(links, other, node)) ? [other] : [],
  )
}

/** The nodes that are linked directly, in both directions, to a majority, themselves among it. */
export function centres(links: Links): number[] {
  return links.flatMap((_, node) => (circleOf(links, node).length * 2 > links.length ? [node] : []))
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]]
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]))
}

/**
 * Every graph of `nodes` nodes in which node 0 is told from the others, one of each kind: two are of a kind when the others can be renamed
 * so that they are equal. Directed ones with `directed`.
 */
export function graphs(nodes: number, directed: boolean): Links[] {
  const pairs: [number, number][] = []
  for (let a = 0; a < nodes; a++) for (let b = 0; b < nodes; b++) if (directed ? a !== b : a < b) pairs.push([a, b])
  const place = new Map(pairs.map(([a, b], i) => [a * nodes + b, i]))
  const placeOf = (a: number, b: number): number =>
    place.get(directed || a < b ? a * nodes + b : b * nodes + a) as number
  // Where each pair goes when the others are renamed.
  const renamings = permutations(Array.from({ length: nodes - 1 }, (_, i) => i + 1)).map((names) => {
    const all = [0, ...names]
    return pairs.map(([a, b]) => placeOf(all[a] as number, all[b] as number))
  })
  const seen = new Uint8Array(2 ** pairs.length)
  const kinds: Links[] = []
  for (let bits = 0; bits < seen.length; bits++) {
    if (seen[bits] === 1) continue
    for (const renaming of renamings) {
      let renamed = 0
      for (let i = 0; i < pairs.length; i++) if ((bits >> i) & 1) renamed |= 1 << (renaming[i] as number)
      seen[renamed] = 1
    }
    const links = Array.from({ length: nodes }, () => Array.from({ length: nodes }, () => false))
    for (const [i, [a, b]] of pairs.entries()) {
      if (((bits >> i) & 1) === 0) continue
      ;(links[a] as boolean[])[b] = true
      if (!directed) (links[b] as boolean[])[a] = true
    }
    kinds.push(links)
  }
  return kinds
}

/** A graph in words, for the message of a test: `0-1 1>2`. */
export function describeLinks(links: Links): string {
  const words: string[] = []
  for (let a = 0; a < links.length; a++) {
    for (let b = a + 1; b < links.length; b++) {
      if (hears(links, a, b) && hears(links, b, a)) words.push(`${a}-${b}`)
      else if (hears(links, a, b)) words.push(`${a}>${b}`)
      else if (hears(links, b, a)) words.push(`${b}>${a}`)
    }
  }
  return words.length === 0 ? 'no link' : words.join(' ')
}
