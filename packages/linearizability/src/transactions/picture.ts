import { escapeHtml } from '../html.ts'
import type { Anomaly, CycleStep } from './anomalies.ts'
import type { TransactionReport } from './check.ts'
import { showOperations } from './explain.ts'
import type { Transaction, TransactionEvent } from './history.ts'
import { pairTransactions } from './pairing.ts'
import { describeModels, describeTransactions, MEANINGS, verdictOf } from './report.ts'

const STYLE = `
:root { color-scheme: light dark; --line: #8886; --ww: #7a4cc2; --wr: #1b7f4d; --rw: #c2410c; --process: #2563eb; --realtime: #2563eb }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
section { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 1rem }
.proof { display: flex; flex-wrap: wrap; gap: 2rem; align-items: flex-start }
.proof > div { flex: 1 1 24rem; min-width: 0 }
svg { flex: 0 1 26rem; width: 26rem; max-width: 100%; height: auto }
svg text { font: 13px system-ui, sans-serif; text-anchor: middle; dominant-baseline: central; fill: currentColor }
svg circle { fill: Canvas; stroke: currentColor }
svg path { fill: none; stroke-width: 2 }
.ww { stroke: var(--ww) } .wr { stroke: var(--wr) } .rw { stroke: var(--rw) } .process, .realtime { stroke: var(--process); stroke-dasharray: 6 4 }
svg text.ww, svg text.wr, svg text.rw, svg text.process, svg text.realtime { stroke: Canvas; stroke-width: 5; paint-order: stroke; stroke-dasharray: none }
table { border-collapse: collapse; width: 100% } td, th { border-bottom: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere }
code { font: 13px/1.4 ui-monospace, monospace }`

/**
 * The report as one page without anything outside of it: the verdict, and for each anomaly a picture of its cycle, the transactions
 * and the reasons. All text from the history is escaped.
 */
export function drawTransactionReport(events: readonly TransactionEvent[], report: TransactionReport): string {
  const transactions = pairTransactions(events, report.model)
  const sections = report.anomalies.map((anomaly, i) => drawAnomaly(anomaly, transactions, i))
  const models = describeModels(report).map((line) => `<p>${escapeHtml(line)}</p>`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(verdictOf(report))}</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>${escapeHtml(verdictOf(report))}</h1>
<p>${escapeHtml(describeTransactions(report))}</p>
${models.join('\n')}
${sections.join('\n')}
</body>
</html>
`
}

function drawAnomaly(anomaly: Anomaly, transactions: readonly Transaction[], index: number): string {
  const { kind, cycle, explanation } = anomaly
  const steps = cycle?.map(({ why }) => `<li>${escapeHtml(why)}</li>`).join('\n') ?? ''
  const proof =
    cycle === undefined
      ? `<p>${escapeHtml(explanation)}</p>`
      : `<ol>\n${steps}\n</ol>\n<p>${escapeHtml(explanation.slice(explanation.lastIndexOf('So T')))}</p>`
  return `<section>
<h2>${escapeHtml(kind)}</h2>
<p>${escapeHtml(MEANINGS[kind])}</p>
<div class="proof">
${cycle === undefined ? '' : drawCycle(cycle, index)}
<div>
${proof}
${drawTable(anomaly.transactions, transactions)}
</div>
</div>
</section>`
}

const MAX_ROWS = 50

function drawTable(numbers: readonly number[], transactions: readonly Transaction[]): string {
  const rows = numbers.slice(0, MAX_ROWS).map((number) => {
    const { process, outcome, operations } = transactions[number - 1] as Transaction
    const lines = showOperations(operations, outcome).map((line) => `<code>${escapeHtml(line)}</code>`)
    return `<tr><td>T${number}</td><td>${escapeHtml(String(process))}</td><td>${outcome}</td><td>${lines.join('<br>')}</td></tr>`
  })
  const more = numbers.length > MAX_ROWS ? `<p>${numbers.length - MAX_ROWS} more transactions are left out.</p>` : ''
  return `<table>
<tr><th>transaction</th><th>process</th><th>outcome</th><th>operations</th></tr>
${rows.join('\n')}
</table>${more}`
}

const RADIUS = 22

/** The transactions on a circle, with an arrow for each step. */
function drawCycle(cycle: readonly CycleStep[], index: number): string {
  const ring = Math.max(90, (cycle.length * 70) / (2 * Math.PI))
  const size = 2 * (ring + RADIUS + 30)
  const at = (i: number): { x: number; y: number } => {
    const angle = (2 * Math.PI * i) / cycle.length - Math.PI / 2
    return { x: size / 2 + ring * Math.cos(angle), y: size / 2 + ring * Math.sin(angle) }
  }
  const arrows = cycle.map((step, i) => drawArrow(step, at(i), at((i + 1) % cycle.length), size / 2, index))
  const nodes = cycle.map(({ from }, i) => {
    const { x, y } = at(i)
    return `<circle cx="${round(x)}" cy="${round(y)}" r="${RADIUS}"/><text x="${round(x)}" y="${round(y)}">T${from}</text>`
  })
  const markers = [...new Set(cycle.map(({ relation }) => relation))].map(
    (relation) =>
      `<marker id="arrow-${index}-${relation}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 10 5 0 10z" style="fill: var(--${relation}); stroke: none"/></marker>`,
  )
  const label = cycle.map(({ from, relation, to }) => `T${from} ${relation} T${to}`).join(', ')
  return `<svg viewBox="0 0 ${round(size)} ${round(size)}" role="img" aria-label="${escapeHtml(label)}">
<defs>${markers.join('')}</defs>
${[...arrows, ...nodes].join('\n')}
</svg>`
}

/** An arrow bent outwards, so that the two of a pair do not lie on each other. */
function drawArrow(
  { relation, key }: CycleStep,
  from: { x: number; y: number },
  to: { x: number; y: number },
  middle: number,
  index: number,
): string {
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  const distance = Math.sqrt(dx * dx + dy * dy)
  const bend = distance / 5
  const [nx, ny] = [dy / distance, -dx / distance]
  const control = { x: (from.x + to.x) / 2 + 2 * bend * nx, y: (from.y + to.y) / 2 + 2 * bend * ny }
  const edge = (end: { x: number; y: number }): { x: number; y: number } => {
    const [ex, ey] = [control.x - end.x, control.y - end.y]
    const length = Math.sqrt(ex * ex + ey * ey)
    return { x: end.x + (ex / length) * (RADIUS + 3), y: end.y + (ey / length) * (RADIUS + 3) }
  }
  const [start, end] = [edge(from), edge(to)]
  const label = { x: (from.x + to.x) / 2 + bend * nx, y: (from.y + to.y) / 2 + bend * ny }
  const short = key === undefined ? relation : `${relation} ${abbreviate(String(key))}`
  const anchor = Math.min(Math.max(label.x, 40), 2 * middle - 40)
  return `<path class="${relation}" marker-end="url(#arrow-${index}-${relation})" d="M${round(start.x)} ${round(start.y)} Q${round(control.x)} ${round(control.y)} ${round(end.x)} ${round(end.y)}"/>
<text class="${relation}" x="${round(anchor)}" y="${round(label.y)}">${escapeHtml(short)}</text>`
}

const abbreviate = (text: string): string => (text.length > 16 ? `${text.slice(0, 15)}…` : text)

const round = (value: number): string => value.toFixed(1)
