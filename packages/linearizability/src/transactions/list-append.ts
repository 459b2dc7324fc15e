import { RW, WR, WW } from './graph.ts'
import type { ReadResult, TransactionKey, TransactionValue } from './history.ts'
import { reportLostUpdates, type Update } from './lost-updates.ts'
import { type Analysis, indexWriters, nameOf, reportVersion, show, showList, type Writer } from './observations.ts'

/** A list as a transaction saw it from outside: what it read, without its own appends at the end. */
interface Observation {
  readonly node: number
  readonly list: readonly TransactionValue[]
  /** Whether it is the first of this transaction for this key. */
  readonly first: boolean
  /** Whether the order of the key begins with it. */
  fits: boolean
}

/** All that is known of a key: who appended what, and what was read. */
interface ListKey {
  readonly key: TransactionKey
  readonly writers: ReadonlyMap<TransactionValue, Writer>
  readonly observations: Observation[]
  /** The longest list that was read. The list only grows, so it begins with every other one that was read. */
  order: readonly TransactionValue[]
  orderReader: number
}

/** Judges a history of lists, and adds its dependencies to the graph. */
export function analyseLists(analysis: Analysis): void {
  const keys = collectKeys(analysis)
  for (const key of keys) {
    markCommitted(key, analysis)
  }
  for (const key of keys) {
    checkOrder(key, analysis)
    checkPrefixes(key, analysis)
    checkDuplicates(key, analysis)
    checkElements(key, analysis)
    checkIntermediateReads(key, analysis)
    checkDirtyUpdates(key, analysis)
    addDependencies(key, analysis)
    reportLostUpdates(analysis, key.key, updatesOf(key, analysis), 'appended to')
  }
}

function collectKeys(analysis: Analysis): ListKey[] {
  const keys = new Map<TransactionKey, ListKey>()
  const writers = indexWriters(analysis.transactions)
  const keyOf = (key: TransactionKey): ListKey => {
    let found = keys.get(key)
    if (found === undefined) {
      found = { key, writers: writers.get(key) ?? new Map(), observations: [], order: [], orderReader: -1 }
      keys.set(key, found)
    }
    return found
  }
  analysis.transactions.forEach(({ operations, outcome }, node) => {
    if (outcome !== 'ok') return
    const appends = new Map<TransactionKey, TransactionValue[]>()
    for (const [f, key, value] of operations) {
      if (f === 'r') continue
      const own = appends.get(key)
      if (own === undefined) appends.set(key, [value])
      else own.push(value)
    }
    const done = new Map<TransactionKey, number>()
    const last = new Map<TransactionKey, readonly TransactionValue[]>()
    for (const [f, key, value] of operations) {
      if (f !== 'r') {
        keyOf(key)
        done.set(key, (done.get(key) ?? 0) + 1)
        continue
      }
      const own = appends.get(key) ?? []
      const read = { node, list: listOf(value), own, done: done.get(key) ?? 0, last: last.get(key) }
      const seen = observe(keyOf(key), read, analysis)
      if (seen !== undefined) last.set(key, seen)
    }
  })
  for (const state of keys.values())
    for (const observation of state.observations) observation.fits = isPrefix(observation.list, state.order)
  return [...keys.values()]
}

const listOf = (result: ReadResult): readonly TransactionValue[] =>
  result === undefined ? [] : Array.isArray(result) ? result : [result as TransactionValue]

interface ListRead {
  readonly node: number
  readonly list: readonly TransactionValue[]
  /** All that the transaction appends to the key, and how many of them came before this read. */
  readonly own: readonly TransactionValue[]
  readonly done: number
  /** What its last read of the key showed from outside. */
  readonly last: readonly TransactionValue[] | undefined
}

/** Takes a read apart into what came from outside and what the transaction appended itself, and checks that these fit together. */
function observe(state: ListKey, read: ListRead, analysis: Analysis): readonly TransactionValue[] | undefined {
  const { node, list, own, done, last } = read
  const report = (kind: 'internal' | 'future-read', why: string): undefined =>
    void reportVersion(analysis, kind, state.key, [node], () => {
      return `${nameOf(node)} read ${showList(list)} of ${show(state.key)}, ${why}.`
    })
  const outside = list.length - done
  for (let i = 0; i < done; i++) {
    if (outside >= 0 && list[outside + i] === own[i]) continue
    return report(
      'internal',
      `although it had itself appended ${showList(own.slice(0, done))}, which must stand at the end`,
    )
  }
  const seen = done === 0 ? list : list.slice(0, outside)
  const inside = own.findIndex((value) => seen.includes(value))
  if (inside >= done) return report('future-read', `with the ${show(own[inside])} that it appended only afterwards`)
  if (inside >= 0) return report('internal', `where its own append of ${show(own[inside])} stands twice`)
  if (last !== undefined && !isEqual(last, seen))
    report('internal', `although it had read ${showList(last)} before${done > 0 ? ', its own appends aside' : ''}`)
  state.observations.push({ node, list: seen, first: last === undefined, fits: true })
  if (seen.length > state.order.length) {
    state.order = seen
    state.orderReader = node
  }
  return seen
}

const isEqual = (a: readonly TransactionValue[], b: readonly TransactionValue[]): boolean =>
  a.length === b.length && isPrefix(a, b)

const isPrefix = (a: readonly TransactionValue[], b: readonly TransactionValue[]): boolean => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** A read that saw an append proves that the transaction took effect. */
function markCommitted({ writers, observations, order }: ListKey, { transactions, committed }: Analysis): void {
  const mark = (value: TransactionValue): void => {
    const writer = writers.get(value)
    if (writer !== undefined && transactions[writer.node]?.outcome === 'unknown') committed[writer.node] = true
  }
  for (const value of order) mark(value)
  for (const { list, fits } of observations) if (!fits) for (const value of list) mark(value)
}

/** The appends of one transaction stand in the order in which it made them. */
function checkOrder(state: ListKey, analysis: Analysis): void {
  const positions = new Map<number, number>()
  for (const value of state.order) {
    const writer = state.writers.get(value)
    if (writer === undefined) continue
    const last = positions.get(writer.node)
    positions.set(writer.node, writer.position)
    if (last === undefined || last <= writer.position) continue
    reportVersion(analysis, 'incompatible-order', state.key, [writer.node, state.orderReader], () => {
      const read = `${nameOf(state.orderReader)} read ${showList(state.order)} of ${show(state.key)}`
      return `${read}, where the appends of ${nameOf(writer.node)} do not stand in the order in which it made them.`
    })
  }
}

/** Of two lists that were read, one begins with the other. */
function checkPrefixes({ key, order, orderReader, observations }: ListKey, analysis: Analysis): void {
  for (const { node, list, fits } of observations) {
    if (fits) continue
    reportVersion(analysis, 'incompatible-order', key, [node, orderReader], () => {
      const both = `${nameOf(node)} read ${showList(list)} of ${show(key)}, and ${nameOf(orderReader)} read ${showList(order)}`
      return `${both}. A list only grows, so one of them must begin with the other.`
    })
  }
}

/** Elements that nobody appended, or whose append never took effect. */
function checkElements(state: ListKey, analysis: Analysis): void {
  const elements = new Set(state.order)
  for (const { list, fits } of state.observations) if (!fits) for (const value of list) elements.add(value)
  for (const value of elements) {
    const writer = state.writers.get(value)
    const failed = writer !== undefined && analysis.transactions[writer.node]?.outcome === 'fail'
    if (writer !== undefined && !failed) continue
    const reader = state.observations.find(({ list }) => list.includes(value))?.node as number
    const read = `${nameOf(reader)} read ${show(value)} in ${show(state.key)}`
    if (writer === undefined)
      reportVersion(analysis, 'thin-air-read', state.key, [reader], () => `${read}, which no transaction appended.`)
    else {
      const name = nameOf(writer.node)
      reportVersion(analysis, 'G1a', state.key, [writer.node, reader], () => {
        return `${read}, which ${name} appended, and ${name} failed.`
      })
    }
  }
}

/** Lists that end with an append which was not the last of its transaction. */
function checkIntermediateReads({ key, observations, writers }: ListKey, analysis: Analysis): void {
  const reported = new Set<TransactionValue>()
  for (const { node, list } of observations) {
    const last = list.at(-1)
    const writer = last === undefined ? undefined : writers.get(last)
    if (last === undefined || writer === undefined || writer.final || reported.has(last)) continue
    reported.add(last)
    reportVersion(analysis, 'G1b', key, [writer.node, node], () => {
      const read = `${nameOf(node)} read ${showList(list)} of ${show(key)}`
      return `${read}, which ends with ${show(last)}: ${nameOf(writer.node)} appended that, and then more to the same key.`
    })
  }
}

function checkDuplicates({ key, observations, order, orderReader }: ListKey, analysis: Analysis): void {
  const check = (node: number, list: readonly TransactionValue[]): boolean => {
    if (new Set(list).size === list.length) return false
    const twice = list.find((value, i) => list.indexOf(value) < i)
    reportVersion(analysis, 'duplicate-elements', key, [node], () => {
      return `${nameOf(node)} read ${showList(list)} of ${show(key)}, where ${show(twice)} stands twice although it was appended once.`
    })
    return true
  }
  if (check(orderReader, order)) return
  for (const { node, list, fits } of observations) if (!fits && check(node, list)) return
}

/** A transaction that took effect stands upon an append that did not. */
function checkDirtyUpdates({ key, order, orderReader, writers }: ListKey, analysis: Analysis): void {
  order.forEach((value, i) => {
    const writer = writers.get(value)
    if (writer === undefined || analysis.transactions[writer.node]?.outcome !== 'fail') return
    const later = order.slice(i + 1).find((one) => analysis.committed[writers.get(one)?.node ?? -1])
    const update = later === undefined ? undefined : writers.get(later)
    if (later === undefined || update === undefined) return
    reportVersion(analysis, 'dirty-update', key, [writer.node, update.node], () => {
      const [failed, upon] = [nameOf(writer.node), nameOf(update.node)]
      const read = `${nameOf(orderReader)} read ${showList(order)} of ${show(key)}`
      return `${upon} appended ${show(later)} to ${show(key)} upon the ${show(value)} of ${failed}, and ${failed} failed; ${read}.`
    })
  })
}

/** ww, wr and rw edges of one key. */
function addDependencies(state: ListKey, analysis: Analysis): void {
  const { key, order, writers, observations } = state
  const { graph, committed } = analysis
  // Where an element stands twice, the second is no append.
  const place = new Map<TransactionValue, number>()
  order.forEach((value, i) => void (place.has(value) || place.set(value, i)))
  const writerAt = (i: number): number => {
    const writer = writers.get(order[i] as TransactionValue)
    return writer !== undefined && committed[writer.node] && place.get(order[i] as TransactionValue) === i
      ? writer.node
      : -1
  }
  // For each length of a list, the last append that took effect inside, and the first behind.
  const inside: number[] = [-1]
  for (let i = 0; i < order.length; i++) inside.push(writerAt(i) === -1 ? (inside[i] as number) : i)
  const behind = new Array<number>(order.length + 1).fill(order.length)
  for (let i = order.length - 1; i >= 0; i--) behind[i] = writerAt(i) === -1 ? (behind[i + 1] as number) : i

  for (let i = 0; i < order.length; i++) {
    const [before, after] = [inside[i] as number, order[i] as TransactionValue]
    if (before !== -1 && writerAt(i) !== -1)
      graph.edge(writerAt(before), writerAt(i), WW, { key, before: order[before], after })
  }
  const unread = unreadAppends(order, writers, analysis)
  const last = inside[order.length] as number
  if (last !== -1) graph.edges([{ node: writerAt(last), before: order[last] }], unread, WW, key)

  const complete = new Map<number, { node: number; before: TransactionValue | undefined }>()
  for (const observation of observations) {
    const { node, list, fits } = observation
    if (!fits) {
      addSight(key, observation, writers, analysis)
      continue
    }
    const before = inside[list.length] as number
    if (before !== -1)
      graph.edge(writerAt(before), node, WR, { key, before: order[before], after: order[before] as TransactionValue })
    const next = behind[list.length] as number
    if (next < order.length)
      graph.edge(node, writerAt(next), RW, { key, before: list.at(-1), after: order[next] as TransactionValue })
    else complete.set(node, { node, before: list.at(-1) })
  }
  graph.edges([...complete.values()], unread, RW, key)
}

/** A list that fits no order still shows whose append stood at its end. */
function addSight(
  key: TransactionKey,
  { node, list }: Observation,
  writers: ListKey['writers'],
  { graph, committed }: Analysis,
): void {
  const after = list.findLast((value) => committed[writers.get(value)?.node ?? -1])
  const writer = after === undefined ? undefined : writers.get(after)
  if (after !== undefined && writer !== undefined) graph.edge(writer.node, node, WR, { key, before: after, after })
}

/**
 * One append of each transaction that took effect and has appends that no read saw. They stand behind the longest list that was read,
 * in an order that nobody knows.
 */
function unreadAppends(
  order: readonly TransactionValue[],
  writers: ListKey['writers'],
  { committed }: Analysis,
): { node: number; after: TransactionValue }[] {
  const read = new Set(order)
  const unread = new Map<number, TransactionValue>()
  for (const [value, { node }] of writers)
    if (!read.has(value) && committed[node] && !unread.has(node)) unread.set(node, value)
  return [...unread].map(([node, after]) => ({ node, after }))
}

/** Transactions that read the list and appended to it. */
function updatesOf({ observations, writers }: ListKey, { transactions }: Analysis): Update[] {
  const appended = new Map<number, TransactionValue>()
  for (const [value, { node, final }] of writers) if (final) appended.set(node, value)
  return observations.flatMap(({ node, list, first }) => {
    const wrote = appended.get(node)
    if (!first || wrote === undefined || transactions[node]?.outcome !== 'ok') return []
    return [{ node, read: list.at(-1), wrote }]
  })
}
