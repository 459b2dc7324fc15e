import { RW, WR, WW } from './graph.ts'
import type { TransactionKey, TransactionValue } from './history.ts'
import { reportLostUpdates, type Update } from './lost-updates.ts'
import { type Analysis, indexWriters, nameOf, reportVersion, show, type Writer } from './observations.ts'
import { type Version, VersionOrder } from './versions.ts'

/** What one transaction did to one key, as seen from outside. */
interface Access {
  readonly node: number
  /** Versions that it read from others before it wrote, in order; more than one only if it is not consistent in itself. */
  readonly reads: Version[]
  /** Versions of others that it read after it wrote, which must not be. */
  readonly strays: Version[]
  /** Versions that it wrote, in order. */
  readonly writes: TransactionValue[]
  /** The version that it saw or made first. */
  readonly first: Version
}

/** All that is known of a key. */
interface RegisterKey {
  readonly key: TransactionKey
  readonly writers: ReadonlyMap<TransactionValue, Writer>
  readonly accesses: Access[]
}

/** Judges a history of registers, and adds its dependencies to the graph. */
export function analyseRegisters(analysis: Analysis, linearizableKeys: boolean): void {
  const keys = collectKeys(analysis)
  for (const key of keys) markCommitted(key, analysis)
  for (const key of keys) {
    checkReads(key, analysis)
    checkDirtyUpdates(key, analysis)
    const order = versionOrder(key, analysis, linearizableKeys)
    addDependencies(key, order, analysis)
    reportLostUpdates(analysis, key.key, updatesOf(key, analysis), 'wrote')
  }
}

function collectKeys(analysis: Analysis): RegisterKey[] {
  const writers = indexWriters(analysis.transactions)
  const keys = new Map<TransactionKey, RegisterKey>()
  const keyOf = (key: TransactionKey): RegisterKey => {
    const found = keys.get(key) ?? { key, writers: writers.get(key) ?? new Map(), accesses: [] }
    keys.set(key, found)
    return found
  }
  analysis.transactions.forEach(({ operations, outcome }, node) => {
    const accesses = new Map<TransactionKey, Access>()
    const current = new Map<TransactionKey, Version>()
    for (const [f, key, value] of operations) {
      const version = value as Version
      if (f === 'r' && outcome !== 'ok') continue
      let access = accesses.get(key)
      if (access === undefined) {
        access = { node, reads: [], strays: [], writes: [], first: version }
        accesses.set(key, access)
        keyOf(key).accesses.push(access)
      }
      if (f === 'r') readOne(keyOf(key), access, version, current, analysis)
      else access.writes.push(version as TransactionValue)
      current.set(key, version)
    }
  })
  return [...keys.values()]
}

/** Checks a read against what the transaction did before, and keeps it if it says something about others. */
function readOne(
  { key, writers }: RegisterKey,
  { node, reads, strays, writes }: Access,
  version: Version,
  current: ReadonlyMap<TransactionKey, Version>,
  analysis: Analysis,
): void {
  const report = (kind: 'internal' | 'future-read', why: string): void =>
    reportVersion(
      analysis,
      kind,
      key,
      [node],
      () => `${nameOf(node)} read ${showVersion(version)} of ${show(key)}, ${why}.`,
    )
  const own = version === undefined ? undefined : writers.get(version)
  if (own?.node === node && !writes.includes(version as TransactionValue)) {
    report('future-read', 'which it wrote only afterwards')
    return
  }
  if (current.has(key) && current.get(key) !== version) {
    const before = current.get(key)
    report(
      'internal',
      `although it had itself ${writes.includes(before as never) ? 'written' : 'read'} ${showVersion(before)} before`,
    )
  }
  if (own?.node === node) return
  if (writes.length > 0) strays.push(version)
  else if (reads.length === 0 || reads.at(-1) !== version) reads.push(version)
}

const showVersion = (version: Version): string => (version === undefined ? 'the initial state' : show(version))

function markCommitted({ writers, accesses }: RegisterKey, { transactions, committed }: Analysis): void {
  for (const { reads, strays } of accesses)
    for (const version of [...reads, ...strays]) {
      const writer = version === undefined ? undefined : writers.get(version)
      if (writer !== undefined && transactions[writer.node]?.outcome === 'unknown') committed[writer.node] = true
    }
}

/** Versions that nobody wrote, that never took effect, or that were not the last word of their transaction. */
function checkReads({ key, writers, accesses }: RegisterKey, analysis: Analysis): void {
  const reported = new Set<Version>()
  for (const { node, reads, strays } of accesses) {
    for (const version of [...reads, ...strays]) {
      if (version === undefined || reported.has(version)) continue
      const writer = writers.get(version)
      const read = `${nameOf(node)} read ${show(version)} of ${show(key)}`
      if (writer === undefined)
        reportVersion(analysis, 'thin-air-read', key, [node], () => `${read}, which no transaction wrote.`)
      else {
        const name = nameOf(writer.node)
        if (analysis.transactions[writer.node]?.outcome === 'fail')
          reportVersion(
            analysis,
            'G1a',
            key,
            [writer.node, node],
            () => `${read}, which ${name} wrote, and ${name} failed.`,
          )
        if (!writer.final)
          reportVersion(analysis, 'G1b', key, [writer.node, node], () => {
            return `${read}: ${name} wrote that, and then wrote the same key again.`
          })
      }
      reported.add(version)
    }
  }
}

/** A transaction that took effect read what never did, and wrote the key upon it. */
function checkDirtyUpdates({ key, writers, accesses }: RegisterKey, analysis: Analysis): void {
  for (const { node, reads, writes } of accesses) {
    if (analysis.transactions[node]?.outcome !== 'ok' || writes.length === 0) continue
    for (const version of reads) {
      const writer = version === undefined ? undefined : writers.get(version)
      if (writer === undefined || analysis.transactions[writer.node]?.outcome !== 'fail') continue
      reportVersion(analysis, 'dirty-update', key, [writer.node, node], () => {
        const [failed, upon] = [nameOf(writer.node), nameOf(node)]
        return `${upon} read the ${show(version)} of ${failed} in ${show(key)} and wrote ${show(writes[0])} upon it, and ${failed} failed.`
      })
    }
  }
}

/**
 * The order of versions that is certain: a transaction writes its own versions in order, and what it read comes before what it wrote.
 * Where keys are declared linearizable, a transaction that completed before another was invoked also saw or made the earlier version.
 * Gives `undefined` where the order runs in a circle and says nothing.
 */
function versionOrder(state: RegisterKey, analysis: Analysis, linearizableKeys: boolean): VersionOrder | undefined {
  const order = new VersionOrder()
  for (const { node, reads, writes } of state.accesses) {
    if (!analysis.committed[node]) continue
    writes.forEach((version, i) => {
      if (i > 0) order.add(writes[i - 1], version)
      else for (const read of reads) order.add(read, version)
    })
  }
  const report = (kind: 'cyclic-versions' | 'cyclic-versions-realtime', versions: readonly Version[]): void => {
    const nodes = versions.flatMap((version) => (version === undefined ? [] : (state.writers.get(version)?.node ?? [])))
    reportVersion(analysis, kind, state.key, nodes, () => {
      const circle = [...versions, versions[0]].map(showVersion).join(', then ')
      const why =
        kind === 'cyclic-versions'
          ? 'what transactions read and then wrote gives'
          : 'the order in real time gives, so that the key is not linearizable as declared,'
      return `The versions of ${show(state.key)} have no order: ${why} ${circle}.`
    })
  }
  const circle = order.cycle()
  if (circle !== undefined) {
    report('cyclic-versions', circle)
    return undefined
  }
  if (!linearizableKeys) return order
  const timed = order.copy()
  addRealTimeVersions(state, timed, analysis)
  const timedCircle = timed.cycle()
  if (timedCircle === undefined) return timed
  report('cyclic-versions-realtime', timedCircle)
  return order
}

/** Keeps the transactions that completed and that no later one has followed, which are at most as many as run at once. */
function addRealTimeVersions(
  { accesses }: RegisterKey,
  order: VersionOrder,
  { transactions, committed }: Analysis,
): void {
  const moments: { at: number; access: Access; begins: boolean }[] = []
  for (const access of accesses) {
    const { invokedAt, completedAt } = transactions[access.node] as (typeof transactions)[number]
    if (!committed[access.node]) continue
    moments.push({ at: invokedAt, access, begins: true })
    if (completedAt !== undefined) moments.push({ at: completedAt, access, begins: false })
  }
  moments.sort((a, b) => a.at - b.at)
  const past = new Set<Access>()
  const followed = new Map<Access, Access[]>()
  for (const { access, begins } of moments) {
    if (begins) {
      followed.set(access, [...past])
      for (const earlier of past) {
        const last = earlier.writes.at(-1) ?? earlier.reads.at(-1)
        order.add(last, access.first)
      }
      continue
    }
    for (const earlier of followed.get(access) ?? []) past.delete(earlier)
    past.add(access)
  }
}

/** ww, wr and rw edges of one key. */
function addDependencies(
  { key, writers, accesses }: RegisterKey,
  order: VersionOrder | undefined,
  analysis: Analysis,
): void {
  const { graph, committed } = analysis
  const readers = new Map<Version, Set<number>>()
  for (const { node, reads } of accesses)
    for (const version of reads) readers.set(version, (readers.get(version) ?? new Set()).add(node))
  for (const { node, reads, strays } of accesses)
    for (const version of [...reads, ...strays]) {
      const writer = version === undefined ? undefined : writers.get(version)
      if (version === undefined || writer === undefined || !committed[writer.node]) continue
      graph.edge(writer.node, node, WR, { key, before: version, after: version })
    }
  if (order === undefined) return
  const took = (version: TransactionValue): boolean => committed[writers.get(version)?.node ?? -1] === true
  const versions = new Set<Version>([...writers.keys(), ...readers.keys()])
  const written = [...versions].filter((version) => version !== undefined)
  for (const version of versions) {
    const writer = version === undefined ? undefined : writers.get(version)
    const sources = [...(readers.get(version) ?? [])].map((node) => ({ node, before: version }))
    if (sources.length === 0 && (writer === undefined || !committed[writer.node])) continue
    const targets = order.next(version, written, took).map((after) => ({
      node: (writers.get(after) as Writer).node,
      after,
    }))
    if (writer !== undefined && committed[writer.node])
      for (const { node, after } of targets) graph.edge(writer.node, node, WW, { key, before: version, after })
    graph.edges(sources, targets, RW, key)
  }
}

/** Transactions that were ok, read the register and wrote it. */
function updatesOf({ accesses }: RegisterKey, { transactions }: Analysis): Update[] {
  return accesses.flatMap(({ node, reads, writes, first }) => {
    const wrote = writes.at(-1)
    if (wrote === undefined || reads.length === 0 || reads[0] !== first || transactions[node]?.outcome !== 'ok')
      return []
    return [{ node, read: reads[0], wrote }]
  })
}
