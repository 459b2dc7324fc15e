import { elapsed, grouped, shareText } from '../numbers.ts'
import type { CountRow, ScenarioReport, SweepReport } from './report.ts'

const STYLE = `
body { font: 14px/1.5 system-ui, sans-serif; margin: 24px; color: #222; max-width: 1100px; }
h1 { font-size: 20px; } h2 { font-size: 16px; margin-top: 24px; } h3 { font-size: 14px; margin: 0 0 4px; }
table { border-collapse: collapse; margin: 4px 0; } td, th { text-align: left; padding: 1px 12px 1px 0; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.groups { display: flex; flex-wrap: wrap; gap: 24px; }
.good { color: #060; } .bad { color: #a00; font-weight: 600; }
tr.never td { color: #a00; font-weight: 600; }
code, pre { font: 12px/1.5 ui-monospace, monospace; } pre { white-space: pre-wrap; background: #f6f6f6; padding: 8px; }
`

/** A report as one page that needs nothing else. */
export function reportHtml(report: SweepReport): string {
  const { scenarios, failures, missing, excessive, failed } = report
  const title = `Simulation of ${scenarios.map(({ name }) => name).join(', ')}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${verdict(report)}
${table(totalsOf(report))}
${failures.length === 0 ? '' : `<h2>Broken promises</h2>${failures.map(failureHtml).join('')}`}
${failed > failures.length ? `<p>${failed - failures.length} more failed.</p>` : ''}
${missing.map(({ scenario, names }) => `<p class="bad">${escapeHtml(scenario)} never came across ${escapeHtml(names.join(', '))}.</p>`).join('')}
${excessive.map((each) => `<p class="bad">${escapeHtml(each.scenario)} had ${escapeHtml(shareText(each))}.</p>`).join('')}
${scenarios.map(scenarioHtml).join('\n')}
</body>
</html>
`
}

function verdict({ failed, interrupted, missing, excessive }: SweepReport): string {
  const cut = interrupted ? ' It was ended early.' : ''
  if (failed > 0) return `<p class="bad">${failed} ${failed === 1 ? 'seed' : 'seeds'} broke a promise.${cut}</p>`
  if (missing.length > 0)
    return `<p class="bad">No promise was broken, but some of what was expected never occurred.${cut}</p>`
  if (excessive.length > 0)
    return `<p class="bad">No promise was broken, but too many runs have shown too little.${cut}</p>`
  return `<p class="good">Every promise was kept.${cut}</p>`
}

function totalsOf(report: SweepReport): [name: string, value: string][] {
  const knobs = Object.entries(report.knobs).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return [
    ['commit', report.commit],
    ['Node.js', `${report.node} on ${report.platform}`],
    ['started', report.startedAt],
    ['took', `${elapsed(report.wallMs)} with ${report.workers} workers`],
    ['first seed', String(report.firstSeed)],
    ...(knobs.length === 0 ? [] : [['knobs', knobs.join(', ')] as [string, string]]),
    ['runs', grouped(report.seeds)],
    ['virtual hours', report.virtualHours.toFixed(2)],
    ['virtual hours in a minute', report.virtualHoursPerMinute.toFixed(1)],
    ['steps', grouped(report.steps)],
    ['faults', grouped(report.faults)],
  ]
}

function table(rows: readonly (readonly [name: string, value: string])[]): string {
  return `<table>${rows.map(([name, value]) => `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`).join('')}</table>`
}

function failureHtml({ scenario, seed, violation, replay }: SweepReport['failures'][number]): string {
  const where = `${scenario}, seed ${seed}, at ${violation.atMs.toFixed(3)} ms`
  return `<h3>${escapeHtml(violation.rule)}: ${escapeHtml(where)}</h3><pre>${escapeHtml(violation.message)}</pre><pre>${escapeHtml(replay)}</pre>`
}

/** Rows whose names begin alike stand together: faults, aimed crashes, buggify points, messages. */
function scenarioHtml({ name, seeds, virtualHours, steps, faults, counts, shares }: ScenarioReport): string {
  const groups = new Map<string, CountRow[]>()
  for (const row of counts) {
    const group = row.name.includes('.') ? row.name.slice(0, row.name.indexOf('.')) : 'other'
    groups.set(group, [...(groups.get(group) ?? []), row])
  }
  const sums = `${grouped(seeds)} runs, ${virtualHours.toFixed(2)} virtual hours, ${grouped(steps)} steps, ${grouped(faults)} faults`
  return `<h2>${escapeHtml(name)}</h2><p>${sums}</p>${shares.map((share) => `<p>${escapeHtml(shareText(share))}</p>`).join('')}<div class="groups">${[...groups].map(groupHtml).join('')}</div>`
}

function groupHtml([group, rows]: [group: string, rows: readonly CountRow[]]): string {
  const lines = rows.map(({ name, times, expected }) => {
    const note = times > 0 ? '' : expected ? 'never, though expected' : 'never'
    return `<tr${times === 0 ? ' class="never"' : ''}><td>${escapeHtml(name)}</td><td class="number">${grouped(times)}</td><td>${note}</td></tr>`
  })
  return `<div><h3>${escapeHtml(group)}</h3><table>${lines.join('')}</table></div>`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] as string)
}
