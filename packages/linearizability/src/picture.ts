import { describeOperation, describeState, shorten } from './describe.ts'
import { describePart, type Failure, neededEffect } from './failure.ts'
import { escapeHtml } from './html.ts'
import type { AnyModel, Model } from './model.ts'
import { type Bar, type Lane, type Layout, layOut } from './picture-layout.ts'

const COLUMN = 36
const ROW = 34
const BAR = 18
const LABEL = 124
const MARGIN = 12
const MAX_LISTED = 100
const MAX_CLIENT = 16
/** Of the name of a part, in a heading. */
const MAX_TITLE = 60

/**
 * A page that shows why a history is not linearizable: a lane for each client, a bar for each operation, the longest order as a line
 * through them, and what has no place in it. One file without scripts or anything from elsewhere; the same failure gives the same page.
 */
export function drawFailure<State, Input, Output>(model: Model<State, Input, Output>, failure: Failure): string {
  const untyped = model as AnyModel
  const layout = layOut(failure, (operation) => describeOperation(untyped, operation))
  const title = `${describePart(shorten(failure.partition, MAX_TITLE))} is not linearizable`
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    `<h1>${escapeHtml(title)}</h1>`,
    `<p>${escapeHtml(failure.text)}</p>`,
    LEGEND,
    layout.hidden > 0 ? `<p>${layout.hidden} more operations are not shown.</p>` : '',
    `<div class="picture">${drawLanes(layout)}</div>`,
    drawOrder(untyped, failure),
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

const x = (column: number): number => MARGIN + column * COLUMN
const y = (row: number): number => MARGIN + row * ROW

/** The names of the clients stand beside what scrolls, which begins at its end: there is what is wrong. */
function drawLanes(layout: Layout): string {
  // The last bars have their texts beside them.
  const width = Math.max(...layout.bars.map(({ from, text }) => x(from) + text.length * 8), x(layout.columns)) + MARGIN
  const height = y(layout.rows) + MARGIN
  const svg = (size: number, label: string, ...parts: readonly string[]): string =>
    [
      `<svg role="img" width="${size}" height="${height}" viewBox="0 0 ${size} ${height}">`,
      `<title>${label}</title>`,
      ...parts,
      '</svg>',
    ].join('\n')
  const time = svg(
    width,
    'One lane for each client; time runs to the right',
    ...layout.lanes.map((lane) => drawLine(lane, width)),
    ...layout.bars.map((bar) => drawBar(bar, layout.columns)),
    drawPath(layout.bars),
    ...layout.bars.map(drawText),
    ...layout.bars.flatMap(drawPoint),
  )
  return `${svg(LABEL, 'The clients', ...layout.lanes.map(drawClient))}\n<div class="time">${time}</div>`
}

const drawLine = ({ firstRow }: Lane, width: number): string =>
  `<line class="lane" x1="0" y1="${y(firstRow) - 3}" x2="${width}" y2="${y(firstRow) - 3}"/>`

function drawClient(lane: Lane): string {
  const { client, firstRow, rows } = lane
  const label = shorten(client, MAX_CLIENT)
  return [
    drawLine(lane, LABEL),
    `<text class="client" x="0" y="${y(firstRow) + (rows * ROW) / 2}"><title>${escapeHtml(client)}</title>${escapeHtml(label)}</text>`,
  ].join('')
}

function drawBar({ operation, text, kind, row, from, to, place }: Bar, columns: number): string {
  const width = x(to ?? columns) - x(from)
  const times = [operation.invokeTimeMs, operation.endTimeMs].map((time) => (time === undefined ? '' : ` ${time} ms`))
  const about = [
    `operation ${operation.op} of ${operation.client}: ${text}`,
    `called at event ${operation.invokedAt + 1}${times[0]}`,
    to === undefined ? 'no end' : `ended at event ${operation.endedAt + 1}${times[1]}`,
    place === undefined ? 'not in the order' : `number ${place} of the order`,
  ].join('\n')
  return [
    `<g class="${kind}"><title>${escapeHtml(about)}</title>`,
    `<rect x="${x(from)}" y="${y(row) + 12}" width="${width}" height="${BAR - 6}" rx="3"/></g>`,
  ].join('')
}

/** Above the line of the order, so that it can be read. */
const drawText = ({ text, kind, row, from }: Bar): string =>
  `<text class="${kind}" x="${x(from)}" y="${y(row) + 8}">${escapeHtml(text)}</text>`

const centre = (row: number): number => y(row) + 12 + (BAR - 6) / 2

function drawPath(bars: readonly Bar[]): string {
  const points = bars
    .filter(({ place, point }) => place !== undefined && point !== undefined)
    .sort((a, b) => (a.place as number) - (b.place as number))
    .map(({ point, row }) => `${round(x(point as number))},${centre(row)}`)
  return `<polyline class="order" points="${points.join(' ')}"/>`
}

function drawPoint({ point, row, place }: Bar): string[] {
  if (point === undefined || place === undefined) return []
  const at = round(x(point))
  return [
    `<circle class="point" cx="${at}" cy="${centre(row)}" r="4"><title>number ${place} of the order</title></circle>`,
  ]
}

const round = (pixels: number): number => Math.round(pixels * 10) / 10

function drawOrder(model: AnyModel, failure: Failure): string {
  const { placed, unplaced, operation } = failure
  const hidden = Math.max(0, placed.length - MAX_LISTED)
  const rows = placed.slice(hidden).map((one, index) => {
    const { client, op } = one.operation
    return tableRow([hidden + index + 1, client, op, describeOperation(model, one.operation), one.state])
  })
  const needed = neededEffect(failure)
  const problem = needed === undefined ? 'has no place' : `is needed above, ${needed}`
  const rest = (unplaced.length > 0 ? unplaced : [operation]).map((one) =>
    tableRow(['', one.client, one.op, describeOperation(model, one), problem], 'unplaced'),
  )
  const initial = describeState(model, model.init())
  return [
    '<h2>The longest order that was found</h2>',
    `<p>It begins in the state ${escapeHtml(initial)}.${hidden > 0 ? ` Its first ${hidden} operations are not listed.` : ''}</p>`,
    '<table><thead><tr><th></th><th>client</th><th>operation</th><th></th><th>state behind it</th></tr></thead><tbody>',
    ...rows,
    ...rest,
    '</tbody></table>',
  ].join('\n')
}

function tableRow(cells: readonly (string | number)[], kind?: string): string {
  const opening = kind === undefined ? '<tr>' : `<tr class="${kind}">`
  return `${opening}${cells.map((cell) => `<td>${escapeHtml(String(cell))}</td>`).join('')}</tr>`
}

const LEGEND = `<ul class="legend">
<li class="culprit"><i></i>its end is what leaves no order</li>
<li class="unplaced"><i></i>has no place either</li>
<li class="placed"><i></i>has a place in the longest order</li>
<li class="unknown"><i></i>outcome unknown at that time: may take effect at any time from its call, or never</li>
<li class="failed"><i></i>failed: had no effect</li>
<li class="effect"><b>●</b>where it takes effect in that order</li>
</ul>`

const STYLE = `
:root { color-scheme: light dark; --page: #fff; --text: #1c1e21; --quiet: #6b7280; --line: #d5d9e0;
  --placed: #9db8e0; --culprit: #d92d20; --unplaced: #f3a29b; --failed: #c9ccd1; --order: #1d4ed8; }
@media (prefers-color-scheme: dark) { :root { --page: #16181c; --text: #e7e9ec; --quiet: #9aa1ab; --line: #363b43;
  --placed: #3f5f92; --culprit: #f0544a; --unplaced: #8c3b36; --failed: #4a4f57; --order: #8db4ff; } }
body { background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; margin: 24px; overflow-wrap: anywhere; }
h1 { font-size: 22px; } h2 { font-size: 17px; margin-top: 28px; } p { max-width: 90ch; }
.picture { display: flex; } .time { overflow-x: auto; flex: 1; min-width: 0; direction: rtl; }
svg { display: block; flex: none; direction: ltr; } .time svg { margin-right: auto; }
svg text { font: 12px system-ui, sans-serif; fill: var(--text); stroke: var(--page); stroke-width: 2.5; paint-order: stroke; }
svg .client { font-weight: 600; }
.lane { stroke: var(--line); }
.placed rect { fill: var(--placed); } .culprit rect { fill: var(--culprit); }
.unplaced rect { fill: var(--unplaced); stroke: var(--culprit); }
.failed rect { fill: var(--failed); } .unknown rect { fill: none; stroke: var(--quiet); stroke-dasharray: 4 3; }
text.culprit { font-weight: 700; }
.order { fill: none; stroke: var(--order); stroke-width: 1.5; stroke-opacity: 0.55; }
.point { fill: var(--order); stroke: var(--page); }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 4px 20px; color: var(--quiet); }
.legend i { display: inline-block; width: 22px; height: 10px; border-radius: 3px; margin-right: 6px; box-sizing: border-box; }
.legend b { color: var(--order); margin-right: 6px; }
.legend .placed i { background: var(--placed); } .legend .culprit i { background: var(--culprit); }
.legend .unplaced i { background: var(--unplaced); border: 1px solid var(--culprit); }
.legend .unknown i { border: 1px dashed var(--quiet); } .legend .failed i { background: var(--failed); }
table { border-collapse: collapse; } th { text-align: left; white-space: nowrap; color: var(--quiet); font-weight: 500; }
th, td { padding: 2px 14px 2px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr.unplaced td { color: var(--culprit); }
`
