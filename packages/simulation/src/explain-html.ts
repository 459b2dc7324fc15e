import { PAGE_SCRIPT } from './explain-page-script.ts'
import { PAGE_STYLE } from './explain-page-style.ts'
import { type ExplainOptions, type TimeLine, timeLineOf } from './explain-time-line.ts'
import type { RunResult } from './scenario.ts'

/**
 * A kept trace as one HTML page that needs nothing else: a lane for each node, frames as arrows with the lost and the late
 * ones marked, roles by colour, faults as bands, the time to zoom into, and a filter. All text in it is escaped.
 *
 * Throws RangeError when the trace was not kept.
 */
export function explainHtml(result: RunResult, options: ExplainOptions = {}): string {
  const timeLine = timeLineOf(result, options)
  const { title, violation } = timeLine
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p class="${violation === undefined ? 'kept' : 'broken'}">${escapeHtml(verdict(timeLine))}</p>
<p>${escapeHtml(extent(timeLine))}</p>
<form>
<label>Filter <input id="filter" type="search" size="30" placeholder="node, event or detail"></label>
<label><input id="frames" type="checkbox" checked> frames</label>
<label><input id="faults" type="checkbox" checked> faults</label>
<button type="button" id="in">Zoom in</button>
<button type="button" id="out">Zoom out</button>
<button type="button" id="all">All of it</button>
<span>The wheel zooms, dragging moves; on the lanes so do + and &minus;, the arrow keys, Home and End.</span>
</form>
<ul class="legend">
<li class="leader">leader (a colour for each term)</li><li class="candidate">candidate</li><li class="down">down</li>
<li class="paused">paused</li><li class="fault">fault</li><li class="lost">lost</li><li class="late">late</li>
<li class="under-way">never arrives</li>
</ul>
<p id="view" role="status"></p>
<canvas id="lanes" tabindex="0" role="img" aria-label="A lane for each node, and the frames between them. The table below has the same as text."></canvas>
<p id="hint"></p>
<div id="list" tabindex="0" role="region" aria-label="The events in view">
<table><thead><tr><th>time</th><th>node</th><th>event</th><th>peer</th><th>numbers</th><th>detail</th></tr></thead><tbody id="rows"></tbody></table>
</div>
<p id="more"></p>
<noscript><p>The lanes are drawn by the script of this page, which is off.</p></noscript>
<script type="application/json" id="data">${jsonForScript(dataOf(timeLine))}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`
}

function verdict({ violation }: TimeLine): string {
  if (violation === undefined) return 'Every promise was kept.'
  return `Broken at ${violation.atMs.toFixed(3)} ms: ${violation.rule}. ${violation.message}`
}

function extent({ events, fromMs, toMs, omitted }: TimeLine): string {
  const shown = `${events.length} events from ${fromMs.toFixed(3)} ms to ${toMs.toFixed(3)} ms of virtual time.`
  return omitted > 0 ? `${shown} ${omitted} earlier ones are not shown.` : shown
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text that can stand anywhere in HTML, also between quotes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] as string)
}

/** JSON that cannot end the script element that it stands in. */
function jsonForScript(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What the script draws: names are replaced by their place in `nodes`, since a long trace repeats them very often. */
function dataOf({ nodes, fromMs, toMs, events, frames, spans, violation }: TimeLine): unknown {
  const place = new Map(nodes.map((node, i) => [node, i]))
  const at = (node: string): number => place.get(node) ?? -1
  return {
    nodes,
    fromMs,
    toMs,
    violation: violation === undefined ? null : [violation.atMs, violation.rule, violation.message],
    events: events.map(({ atMs, node, what, peer, numbers, detail }) => [
      atMs,
      at(node),
      what,
      at(peer),
      numbers,
      detail ?? '',
    ]),
    frames: frames.map(({ number, from, to, sentMs, endMs, fate, detail }) => [
      sentMs,
      endMs,
      at(from),
      at(to),
      fate,
      number,
      detail,
    ]),
    spans: spans.map(({ node, kind, what, number, fromMs: beginMs, toMs: endMs }) => [
      beginMs,
      endMs,
      at(node),
      kind,
      what,
      number,
    ]),
  }
}
