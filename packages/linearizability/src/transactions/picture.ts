import { shorten } from '../describe.ts'
import { escapeHtml } from '../html.ts'
import type { Anomaly, CycleStep } from './anomalies.ts'
import type { TransactionReport } from './check.ts'
import { showOperations } from './explain.ts'
import type { Transaction, TransactionEvent } from './history.ts'
import { pairTransactions } from './pairing.ts'
import { describeModels, describeTransactions, MEANINGS, verdictOf } from './report.ts'

const STYLE = `
:root { color-scheme: light dark; --line: #8886; --ww: #7a4cc2; --wr: #1b7f4d; --rw: #c2410c; --process: #2563eb; --realtime: #2563eb }
@media (prefers-color-scheme: dark) { :root { --ww: #b79bf0; --wr: #4cc38a; --rw: #ff9258; --process: #7aa7ff; --realtime: #7aa7ff } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; overflow-wrap: anywhere }
section { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 1rem }
.proof { display: flex; flex-wrap: wrap; gap: 2rem; align-items: flex-start }
.proof > div { flex: 1 1 24rem; min-width: 0 }
svg { flex: 0 1 auto; max-width: min(100%, 44rem); height: auto }
svg text { font: 13px system-ui, sans-serif; text-anchor: middle; dominant-baseline: central; fill: currentColor }
svg circle { fill: Canvas; stroke: currentColor }
svg path { fill: none; stroke-width: 2 }
svg .small { font-size: 10px }
.ww { stroke: var(--ww) } .wr { stroke: var(--wr) } .rw { stroke: var(--rw) } .process, .realtime { stroke: var(--process); stroke-dasharray: 6 4 }
svg text.ww, svg text.wr, svg text.rw, svg text.process, svg text.realtime { stroke: Canvas; stroke-width: 4; paint-order: stroke; stroke-dasharray: none }
.legend { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem } .legend dt { font-weight: 600 } .legend dd { margin: 0 }
.legend .ww { color: var(--ww) } .legend .wr { color: var(--wr) } .legend .rw { color: var(--rw) } .legend .process, .legend .realtime { color: var(--process) }
table { border-collapse: collapse; width: 100% } td, th { border-bottom: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top } th { white-space: nowrap }
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
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(verdictOf(report))}</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>${escapeHtml(verdictOf(report))}</h1>
<p>${escapeHtml(describeTransactions(report))}</p>
${models.join('\n')}
${drawLegend(report)}
${sections.join('\n')}
</body>
</html>
`
}

const RELATIONS: Readonly<Record<CycleStep['relation'], string>> = {
  ww: 'the second wrote a later version of what the first wrote',
  wr: 'the second read what the first wrote',
  rw: 'the first read a version that is earlier than what the second wrote (an anti-dependency)',
  process: 'one process did the first and then the second',
  realtime: 'the first had completed before the second was invoked',
}

/** What the arrows mean that the page has. */
function drawLegend({ anomalies }: TransactionReport): string {
  const drawn = new Set(anomalies.flatMap(({ cycle }) => cycle?.map(({ relation }) => relation) ?? []))
  const rows = Object.entries(RELATIONS).filter(([relation]) => drawn.has(relation as CycleStep['relation']))
  if (rows.length === 0) return ''
  return `<dl class="legend">\n${rows.map(([name, meaning]) => `<dt class="${name}">${name}</dt><dd>${meaning}</dd>`).join('\n')}\n</dl>`
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
/** Between two transactions on the circle, along it. */
const SPACING = 100
/** An arrow is bent outwards, so that the two of a pair do not lie on each other. */
const BEND = 0.2
const CHARACTER = 7.5
const MAX_KEY = 16

interface Point {
  readonly x: number
  readonly y: number
}

/** An arrow with its text, which stands outside of the circle. The middle of the circle is 0, 0. */
interface Arrow {
  readonly relation: CycleStep['relation']
  readonly start: Point
  readonly control: Point
  readonly end: Point
  readonly label: Point
  readonly anchor: 'start' | 'middle' | 'end'
  readonly text: string
}

/** The transactions on a circle, with an arrow for each step. */
function drawCycle(cycle: readonly CycleStep[], index: number): string {
  const ring = Math.max(90, (cycle.length * SPACING) / (2 * Math.PI))
  const at = (i: number): Point => {
    const angle = (2 * Math.PI * i) / cycle.length - Math.PI / 2
    return { x: ring * Math.cos(angle), y: ring * Math.sin(angle) }
  }
  const arrows = cycle.map((step, i) => layArrow(step, at(i), at((i + 1) % cycle.length)))
  const nodes = cycle.map(({ from }, i) => {
    const [x, y] = [round(at(i).x), round(at(i).y)]
    const size = from > 9999 ? ' class="small"' : ''
    return `<circle cx="${x}" cy="${y}" r="${RADIUS}"/><text${size} x="${x}" y="${y}">T${from}</text>`
  })
  const markers = [...new Set(cycle.map(({ relation }) => relation))].map(
    (relation) =>
      `<marker id="arrow-${index}-${relation}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 10 5 0 10z" style="fill: var(--${relation}); stroke: none"/></marker>`,
  )
  const [width, height] = [Math.max(ring + RADIUS, ...arrows.map(reach)) + 4, ring + RADIUS + 36]
  const label = cycle.map(({ from, relation, to }) => `T${from} ${relation} T${to}`).join(', ')
  return `<svg viewBox="${round(-width)} ${round(-height)} ${round(2 * width)} ${round(2 * height)}" width="${round(2 * width)}" role="img" aria-label="${escapeHtml(label)}">
<defs>${markers.join('')}</defs>
${[...arrows.map((arrow) => drawArrow(arrow, index)), ...nodes].join('\n')}
</svg>`
}

function layArrow({ relation, key }: CycleStep, from: Point, to: Point): Arrow {
  const [dx, dy] = [to.x - from.x, to.y - from.y]
  const distance = Math.sqrt(dx * dx + dy * dy)
  const [nx, ny] = [dy / distance, -dx / distance]
  const beside = (by: number): Point => ({ x: (from.x + to.x) / 2 + by * nx, y: (from.y + to.y) / 2 + by * ny })
  const control = beside(2 * BEND * distance)
  const edge = (end: Point): Point => {
    const [ex, ey] = [control.x - end.x, control.y - end.y]
    const length = Math.sqrt(ex * ex + ey * ey)
    return { x: end.x + (ex / length) * (RADIUS + 3), y: end.y + (ey / length) * (RADIUS + 3) }
  }
  return {
    relation,
    start: edge(from),
    control,
    end: edge(to),
    label: beside(BEND * distance + 12 + 10 * Math.abs(ny)),
    anchor: nx > 0.02 ? 'start' : nx < -0.02 ? 'end' : 'middle',
    text: key === undefined ? relation : `${relation} ${shorten(String(key), MAX_KEY)}`,
  }
}

/** How far from the middle the text of an arrow may come. */
function reach({ label, anchor, text }: Arrow): number {
  return Math.abs(label.x) + text.length * CHARACTER * (anchor === 'middle' ? 0.5 : 1)
}

function drawArrow({ relation, start, control, end, label, anchor, text }: Arrow, index: number): string {
  return `<path class="${relation}" marker-end="url(#arrow-${index}-${relation})" d="M${round(start.x)} ${round(start.y)} Q${round(control.x)} ${round(control.y)} ${round(end.x)} ${round(end.y)}"/>
<text class="${relation}" x="${round(label.x)}" y="${round(label.y)}" style="text-anchor: ${anchor}">${escapeHtml(text)}</text>`
}

const round = (value: number): string => value.toFixed(1)
