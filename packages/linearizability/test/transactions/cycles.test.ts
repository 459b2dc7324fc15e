import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CycleKind } from '../../src/transactions/anomalies.ts'
import { findCycles } from '../../src/transactions/cycles.ts'
import {
  type Graph,
  GraphBuilder,
  ONWARD,
  PROCESS,
  REALTIME,
  RW,
  relationName,
  WR,
  WW,
} from '../../src/transactions/graph.ts'
import type { Transaction } from '../../src/transactions/history.ts'
import { addProcessOrder, addRealTimeOrder } from '../../src/transactions/order-edges.ts'

interface Edge {
  readonly from: number
  readonly to: number
  readonly relation: number
}

const edge = (nodes: number): fc.Arbitrary<Edge> =>
  fc
    .record({
      from: fc.nat(nodes - 1),
      to: fc.nat(nodes - 1),
      relation: fc.constantFrom(WW, WR, RW, RW, PROCESS, REALTIME),
    })
    .filter(({ from, to }) => from !== to)
    // The orders beside the data have no cycle of their own.
    .map((one) =>
      (one.relation === PROCESS || one.relation === REALTIME) && one.from > one.to
        ? { from: one.to, to: one.from, relation: one.relation }
        : one,
    )

const edges = fc
  .integer({ min: 2, max: 7 })
  .chain((nodes) => fc.record({ nodes: fc.constant(nodes), list: fc.array(edge(nodes), { maxLength: 14 }) }))

/** The classes of all simple cycles, by going through all of them. */
function everyClass(nodes: number, list: readonly Edge[]): Map<CycleKind, number> {
  const shortest = new Map<CycleKind, number>()
  const walk = (start: number, at: number, path: readonly Edge[], seen: ReadonlySet<number>): void => {
    for (const one of list) {
      if (one.from !== at || one.to < start) continue
      if (one.to === start) {
        const kind = classify([...path, one].map(({ relation }) => relation))
        if (kind !== undefined) shortest.set(kind, Math.min(shortest.get(kind) ?? 99, path.length + 1))
      } else if (!seen.has(one.to)) walk(start, one.to, [...path, one], new Set([...seen, one.to]))
    }
  }
  for (let start = 0; start < nodes; start++) walk(start, start, [], new Set([start]))
  return shortest
}

/** The class by the definitions; a cycle with both orders has none, since real time holds the order of processes in itself. */
function classify(relations: readonly number[]): CycleKind | undefined {
  const count = (relation: number): number => relations.filter((one) => one === relation).length
  if (count(PROCESS) > 0 && count(REALTIME) > 0) return undefined
  const suffix = count(PROCESS) > 0 ? '-process' : count(REALTIME) > 0 ? '-realtime' : ''
  const adjacent = relations.some((one, i) => one === RW && relations[(i + 1) % relations.length] === RW)
  if (count(RW) > 1) return `${adjacent ? 'G2-item' : 'G-nonadjacent'}${suffix}`
  if (count(RW) === 1) return `G-single${suffix}`
  if (count(WR) > 0) return `G1c${suffix}`
  return `G0${suffix}`
}

/** Every other edge leads over a junction. */
function build(nodes: number, list: readonly Edge[]): Graph {
  const builder = new GraphBuilder(nodes)
  list.forEach(({ from, to, relation }, i) => {
    const through = i % 2 === 0 ? to : builder.junction()
    builder.edge(from, through, relation)
    builder.edge(through, to, ONWARD)
  })
  return builder.build()
}

describe('the search for cycles against all simple cycles of small graphs', () => {
  test('what is found is there, is of its class, and is as short as can be', () => {
    fc.assert(
      fc.property(edges, ({ nodes, list }) => {
        const graph = build(nodes, list)
        const every = everyClass(nodes, list)
        const found = new Map<CycleKind, number>()
        for (const { kind, edges: cycle } of findCycles(graph)) {
          cycle.forEach((one, i) => {
            expect(graph.target[one]).toBe(graph.source[cycle[(i + 1) % cycle.length] as number])
          })
          expect(new Set(cycle.map((one) => graph.source[one])).size).toBe(cycle.length)
          const relations = cycle.map((one) => graph.relation[one] as number).filter((one) => one !== ONWARD)
          expect(classify(relations)).toBe(kind)
          found.set(kind, Math.min(found.get(kind) ?? 99, relations.length))
        }
        for (const [kind, length] of found)
          if (!kind.startsWith('G2')) expect([kind, length]).toEqual([kind, every.get(kind)])
      }),
      { numRuns: 1000 },
    )
  })

  test('G0, G1c and G-single are found whenever they exist, and every cycle leads to a report', () => {
    fc.assert(
      fc.property(edges, ({ nodes, list }) => {
        const every = everyClass(nodes, list)
        const kinds = findCycles(build(nodes, list)).map(({ kind }) => kind)
        for (const name of ['G0', 'G1c', 'G-single'] as const) {
          const variants = ['', '-process', '-realtime'] as const
          const first = variants.find((suffix) => every.has(`${name}${suffix}`))
          expect([name, variants.find((suffix) => kinds.includes(`${name}${suffix}`))]).toEqual([name, first])
        }
        for (const suffix of ['', '-process', '-realtime']) {
          const relevant = [...every.keys()].filter((kind) => suffix === '' || kind.endsWith(suffix))
          const plain = relevant.filter((kind) => suffix !== '' || !/process|realtime/.test(kind))
          if (plain.length > 0) expect(kinds).not.toEqual([])
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('G-nonadjacent and G2-item are found where nothing worse is', () => {
    fc.assert(
      fc.property(edges, ({ nodes, list }) => {
        const every = everyClass(nodes, list)
        const kinds = findCycles(build(nodes, list)).map(({ kind }) => kind)
        const worse = (...names: string[]): boolean =>
          [...every.keys()].some((kind) => names.some((name) => kind.startsWith(name)))
        for (const name of ['G-nonadjacent', 'G2-item'] as const) {
          if (worse('G0', 'G1c', 'G-single', ...(name === 'G2-item' ? ['G-nonadjacent'] : []))) continue
          const variants = ['', '-process', '-realtime'] as const
          const first = variants.find((suffix) => every.has(`${name}${suffix}`))
          expect([name, variants.find((suffix) => kinds.includes(`${name}${suffix}`))]).toEqual([name, first])
        }
      }),
      { numRuns: 1000 },
    )
  })
})

/** Which transactions are reached from each over these relations. */
function reached(graph: Graph, mask: number): string[] {
  const pairs: string[] = []
  for (let from = 0; from < graph.transactionCount; from++) {
    const seen = new Set<number>([from])
    for (const node of seen) {
      for (let one = graph.start[node] as number; one < (graph.start[node + 1] as number); one++)
        if (((graph.relation[one] as number) & mask) !== 0) seen.add(graph.target[one] as number)
    }
    for (const node of seen) if (node !== from && node < graph.transactionCount) pairs.push(`${from} ${node}`)
  }
  return pairs.sort()
}

describe('edges that stand for many', () => {
  test('every source before every target but itself, in a number of edges that is linear', () => {
    const side = fc.array(fc.nat(11), { maxLength: 16 })
    fc.assert(
      fc.property(side, side, (sources, targets) => {
        const builder = new GraphBuilder(12)
        builder.edges(
          sources.map((node) => ({ node, before: node })),
          targets.map((node) => ({ node, after: node })),
          RW,
          'x',
        )
        const graph = builder.build()
        // One step: from a source over junctions to a target, as real dependencies are not transitive.
        const pairs: string[] = []
        for (const source of sources) {
          const seen = new Set<number>([source])
          for (const node of seen)
            for (let one = graph.start[node] as number; one < (graph.start[node + 1] as number); one++)
              if (node === source || node >= 12) seen.add(graph.target[one] as number)
          for (const node of seen) if (node < 12 && node !== source) pairs.push(`${source} ${node}`)
        }
        const expected = sources.flatMap((a) => targets.filter((b) => a !== b).map((b) => `${a} ${b}`))
        expect([...new Set(pairs)].sort()).toEqual([...new Set(expected)].sort())
        expect(graph.target.length).toBeLessThanOrEqual(4 * targets.length + 2 * sources.length)
        expect([...graph.relation].every((bit) => bit === RW || bit === ONWARD)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  const spans = fc.array(
    fc.record({ process: fc.nat(3), outcome: fc.constantFrom('ok', 'ok', 'ok', 'unknown', 'fail') }),
    {
      maxLength: 12,
    },
  )
  const timed = spans.chain((list) =>
    fc.tuple(
      fc.constant(list),
      fc.shuffledSubarray([...Array(list.length * 2).keys()], { minLength: list.length * 2 }),
    ),
  )

  test('real time and processes are as defined, with at most three edges for each transaction', () => {
    fc.assert(
      fc.property(timed, ([list, moments]) => {
        const transactions = list
          .map(({ process, outcome }, i): Transaction => {
            const [a, b] = [moments[2 * i] as number, moments[2 * i + 1] as number]
            const completedAt = outcome === 'unknown' ? undefined : Math.max(a, b)
            return {
              number: 0,
              process,
              outcome: outcome as 'ok',
              operations: [],
              invokedAt: Math.min(a, b),
              completedAt,
            }
          })
          .sort((a, b) => a.invokedAt - b.invokedAt)
        const committed = transactions.map(({ outcome }) => outcome !== 'fail')
        const before = (a: number, b: number, same: boolean): boolean => {
          const [first, second] = [transactions[a], transactions[b]] as [Transaction, Transaction]
          if (!committed[a] || !committed[b] || first.outcome !== 'ok') return false
          return same ? a < b && first.process === second.process : (first.completedAt as number) < second.invokedAt
        }
        const pairs = (same: boolean): string[] =>
          transactions
            .flatMap((_, a) => transactions.flatMap((__, b) => (a !== b && before(a, b, same) ? [`${a} ${b}`] : [])))
            .sort()
        const time = new GraphBuilder(transactions.length)
        addRealTimeOrder(time, transactions, committed)
        const built = time.build()
        expect(reached(built, REALTIME | ONWARD)).toEqual(pairs(false))
        expect(built.target.length).toBeLessThanOrEqual(3 * transactions.length)
        const processes = new GraphBuilder(transactions.length)
        addProcessOrder(processes, transactions, committed)
        expect(reached(processes.build(), PROCESS)).toEqual(pairs(true))
      }),
      { numRuns: 200 },
    )
  })
})

test('relations have names', () => {
  expect([WW, WR, RW, PROCESS, REALTIME].map(relationName)).toEqual(['ww', 'wr', 'rw', 'process', 'realtime'])
})
