import { expect, test } from 'vitest'
import { type ReportFacts, reportOf } from '../src/report/report.ts'
import { reportHtml } from '../src/report/report-html.ts'
import { Totals } from '../src/runs/totals.ts'

const FACTS: ReportFacts = {
  commit: 'abc dirty',
  startedAt: '2026-01-02T03:04:05.000Z',
  firstSeed: 7,
  workers: 2,
  missing: [],
  excessive: [],
  knobs: {},
  module: undefined,
}

function totals(): Totals {
  const sums = new Totals([{ name: 'raft', expected: ['fault.crash', 'buggify.<slow>'] }])
  const job = { scenario: 'raft', seed: 7 }
  sums.add({
    job,
    hash: '',
    virtualMs: 3_600_000,
    steps: 5,
    counts: [
      ['fault.crash', 1_234],
      ['message.vote', 3],
    ],
  })
  return sums
}

const sweep = { totals: totals(), wallMs: 30_000, interrupted: false }

test('has the sums, and the count of everything, with what never occurred', () => {
  const report = reportOf(sweep, FACTS)
  expect(report).toMatchObject({
    seeds: 1,
    virtualHours: 1,
    virtualHoursPerMinute: 2,
    faults: 1_234,
    failed: 0,
    firstSeed: 7,
  })
  expect(report.scenarios[0]?.counts).toEqual([
    { name: 'buggify.<slow>', times: 0, expected: true },
    { name: 'fault.crash', times: 1_234, expected: true },
    { name: 'message.vote', times: 3, expected: false },
  ])
  expect(JSON.parse(JSON.stringify(report))).toEqual(report)
})

test('as a page marks what never occurred, escapes all text, and needs nothing else', () => {
  const page = reportHtml(reportOf(sweep, FACTS))
  expect(page).toContain(
    '<tr class="never"><td>buggify.&lt;slow&gt;</td><td class="number">0</td><td>never, though expected</td></tr>',
  )
  expect(page).toContain('<tr><td>fault.crash</td><td class="number">1,234</td><td></td></tr>')
  expect(page).toContain('Every promise was kept.')
  expect(page).not.toMatch(/<slow>|https?:|<script|src=|href=/)
})

test('says in which share of the runs that occurred which may be seldom alone', () => {
  const sums = new Totals([{ name: 'raft', expected: [], limits: { 'chaos.idle': 0.2, 'history.excused': 0.5 } }])
  const run = (...counts: [string, number][]): void =>
    sums.add({ job: { scenario: 'raft', seed: 1 }, hash: '', virtualMs: 0, steps: 0, counts })
  for (let i = 0; i < 3; i++) run(['chaos.idle', 0], ['history.excused', 7])
  run(['chaos.idle', 2])
  const shares = [
    { name: 'chaos.idle', runs: 1, share: 0.25, most: 0.2 },
    { name: 'history.excused', runs: 3, share: 0.75, most: 0.5 },
  ]
  expect(sums.excessive(5)).toEqual([])
  const excessive = sums.excessive(4)
  expect(excessive).toEqual(shares.map((share) => ({ scenario: 'raft', ...share })))
  const report = reportOf({ ...sweep, totals: sums }, { ...FACTS, excessive })
  expect(report.scenarios[0]?.shares).toEqual(shares)
  const page = reportHtml(report)
  expect(page).toContain('too many runs have shown too little')
  expect(page).toContain(
    '<p class="bad">raft had chaos.idle in 1 run, 25.0 % of all; 20 % at the most is all right.</p>',
  )
  run()
  expect(sums.excessive(1).map(({ name }) => name)).toEqual(['history.excused'])
})

test('names each failing seed with the command that replays it', () => {
  const failing = totals()
  const violation = { rule: 'election safety', message: 'n1 & n2 <lead>', atMs: 12.5 }
  failing.add({ job: { scenario: 'raft', seed: 8 }, hash: '', virtualMs: 0, steps: 0, counts: [], violation })
  const facts = { ...FACTS, knobs: { batch: 4, mode: 'a b' }, module: 'my file.mjs' }
  const report = reportOf({ ...sweep, totals: failing, interrupted: true }, facts)
  const replay = `npm run simulate -- replay --scenario raft --seed 8 --knobs batch=4 --knobs 'mode="a b"' --module 'my file.mjs'`
  expect(report.failures).toEqual([{ scenario: 'raft', seed: 8, violation, replay }])
  const page = reportHtml(report)
  expect(page).toContain('1 seed broke a promise. It was ended early.')
  expect(page).toContain('n1 &amp; n2 &lt;lead&gt;')
  expect(page).toContain('--seed 8')
})
