import { type AnomalyKind, CYCLE_CLASSES } from './anomalies.ts'
import type { TransactionReport } from './check.ts'

/** What each kind of anomaly is, in one sentence. */
export const MEANINGS: Readonly<Record<AnomalyKind, string>> = {
  'duplicate-elements': 'A list holds an element twice that was appended once.',
  'cyclic-versions': 'The versions of a key have no order.',
  'thin-air-read': 'A read returned what nobody wrote.',
  G1a: 'Aborted read: a transaction read the write of one that failed.',
  'dirty-update': 'A transaction wrote upon the write of one that failed.',
  'incompatible-order': 'Two reads of a list contradict each other.',
  G1b: 'Intermediate read: a transaction read a write that its writer replaced in the same transaction.',
  'future-read': 'A transaction read its own write before it made it.',
  internal: 'A transaction contradicts what it itself read or wrote before.',
  'lost-update': 'Two transactions updated the same version of a key.',
  'cyclic-versions-realtime': 'A key that was declared linearizable is not.',
  G0: 'Write cycle: the writes of transactions are interleaved.',
  G1c: 'Circular information flow: transactions saw each other, or overwrote each other, in a circle.',
  'G-single': 'A cycle with one anti-dependency: a transaction read a state that was partly out of date.',
  'G-nonadjacent': 'A cycle with several anti-dependencies, no two in a row, as in a long fork.',
  'G2-item': 'A cycle with anti-dependencies in a row, as in write skew.',
  ...variants('-process', 'the order of a process'),
  ...variants('-realtime', 'the order in real time'),
}

function variants<Suffix extends '-process' | '-realtime'>(
  suffix: Suffix,
  order: string,
): Record<`${(typeof CYCLE_CLASSES)[number]}${Suffix}`, string> {
  const meanings = CYCLE_CLASSES.map((name) => [
    `${name}${suffix}`,
    `A cycle of the class ${name} that contradicts ${order}.`,
  ])
  return Object.fromEntries(meanings) as Record<`${(typeof CYCLE_CLASSES)[number]}${Suffix}`, string>
}

/** One sentence: whether the history fits what is expected. */
export function verdictOf({ valid, expected, ruledOut }: TransactionReport): string {
  if (!valid) return `The history is not ${expected}.`
  return ruledOut.length === 0
    ? `The history shows no anomaly: nothing speaks against ${expected}.`
    : `Nothing in the history speaks against ${expected}, although it has anomalies.`
}

/** How many transactions there were, and what became of them. */
export function describeTransactions({ model, transactions, linearizableKeys, order }: TransactionReport): string {
  const { total, ok, failed, unknown, seen } = transactions
  const things = model === 'list-append' ? 'lists' : 'registers'
  const unknowns = unknown === 0 ? '' : `, ${unknown} unknown of which ${seen} took effect for certain`
  const orders = { none: 'No order beside the data', process: 'The order of each process', realtime: 'Real time' }
  const assumed = linearizableKeys ? ' Each key was taken to be linearizable by itself.' : ''
  return `${total} transactions over ${things}: ${ok} ok, ${failed} failed${unknowns}. ${orders[order]} was taken into account.${assumed}`
}

/** Which models are ruled out and which are not. */
export function describeModels({ weakestRuledOut, ruledOut, strongestPossible }: TransactionReport): string[] {
  if (ruledOut.length === 0) return []
  const rest = ruledOut.filter((model) => !weakestRuledOut.includes(model))
  const also = rest.length === 0 ? '' : `, and so ${rest.join(', ')}`
  return [
    `Ruled out: ${weakestRuledOut.join(', ')}${also}.`,
    strongestPossible.length === 0
      ? 'Every model that is known here is ruled out.'
      : `Not ruled out: ${strongestPossible.join(', ')}.`,
  ]
}

/** The report for people, in plain text. `JSON.stringify(report)` is the one for machines. */
export function formatTransactionReport(report: TransactionReport): string {
  const lines = [verdictOf(report), describeTransactions(report), ...describeModels(report)]
  for (const kind of new Set(report.anomalies.map((anomaly) => anomaly.kind))) {
    const shown = report.anomalies.filter((anomaly) => anomaly.kind === kind)
    const count = report.counts[kind] ?? shown.length
    lines.push(
      '',
      `${kind} (${shown.length === count ? count : `${shown.length} of ${count} shown`})`,
      `  ${MEANINGS[kind]}`,
    )
    for (const { explanation, cycle } of shown) {
      lines.push('')
      if (cycle === undefined) lines.push(`  ${explanation}`)
      else {
        const [opening] = explanation.split('. ')
        lines.push(
          `  ${opening}:`,
          ...cycle.map(({ from, to, relation, why }) => `    T${from} -${relation}-> T${to}  ${why}`),
        )
        lines.push(`    ${explanation.slice(explanation.lastIndexOf('So T'))}`)
      }
    }
  }
  return `${lines.join('\n')}\n`
}
