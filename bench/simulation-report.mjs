import { table } from './table.mjs'

/**
 * @typedef {object} Figures
 * @property {import('./machine.mjs').Machine} facts
 * @property {readonly import('./simulation.mjs').Measured[]} speed
 * @property {readonly import('./simulation.mjs').Measured[]} twice runs of each seed twice, with the guard
 * @property {string} hashes
 * @property {readonly string[]} checkers what their benches print
 * @property {string} date
 */

/** Rows of what occurs least. */
const RAREST = 5

/** @param {number} value */
const whole = (value) => Math.round(value).toLocaleString('en')
/** @param {number} value */
const short = (value) => (value < 100 ? value.toFixed(1) : whole(value))

/** @param {readonly import('./simulation.mjs').Measured[]} runs */
function speedTable(runs) {
  const rows = runs.map(({ what, report }) => {
    const { workers, seeds, virtualHours, wallMs, virtualHoursPerMinute, steps, faults, failed } = report
    const figures = [whole(seeds), short(virtualHours), short(wallMs / 1_000), `**${short(virtualHoursPerMinute)}**`]
    return [what, String(workers), ...figures, whole((steps / wallMs) * 1_000), whole(faults), String(failed)]
  })
  const heads = ['run', 'threads', 'seeds', 'virtual hours', 'seconds', 'virtual hours a minute', 'events a second']
  return table([...heads, 'faults', 'broken promises'], rows)
}

/** @param {readonly import('./simulation.mjs').Measured[]} runs */
function twiceTable(runs) {
  const rows = runs.map(({ report: { scenarios, seeds, failed } }) => {
    const { name, counts } = scenarios[0]
    const expected = counts.filter((/** @type {any} */ { expected }) => expected)
    const rarest = expected
      .toSorted((/** @type {any} */ a, /** @type {any} */ b) => a.times - b.times)
      .slice(0, RAREST)
      .map((/** @type {any} */ { name, times }) => `\`${name}\` ${whole(times)}`)
    return [name, whole(seeds), String(failed), String(expected.length), rarest.join(', ')]
  })
  return table(
    ['scenario', 'seeds, each twice', 'differ or broke', 'kinds of things that must occur', 'the rarest'],
    rows,
  )
}

/** docs/simulation.md. @param {Figures} figures */
export function simulationPage({ facts, speed, twice, hashes, checkers, date }) {
  return `# Figures of the proof

This page is written by \`npm run bench:simulation -- --write\`; do not edit it by hand. It says how fast the simulator and
the checkers are on one machine, and what the runs saw. [Planted bugs](mutants.md) says what they find.

${table(
  ['', ''],
  [
    ['date, commit', `${date}, ${speed[0]?.report.commit}`],
    ['processors', facts.processor],
    ['memory', facts.memory],
    ['system', facts.system],
    ['Node.js', facts.node],
    ['load before', `${facts.load.toFixed(2)} (average of one minute)`],
  ],
)}

## Simulated time

Each seed is a cluster of its own, with its own faults, sizes and clients. Virtual hours are those of clusters: an hour of five
nodes counts once. The seeds of this table were drawn anew, except those of a command that names them.

${speedTable(speed)}

The aim is 60 virtual hours a minute on two cores for five nodes with every kind of fault. Faults are those of plans and
aimed crashes.

## The same trace twice, and nothing missing

${twiceTable(twice)}

One hash over these seeds, to compare with another machine or another version of Node.js:

\`\`\`text
${hashes}
\`\`\`

## Checkers

\`steps\` are states that the search has entered. "Broken" is the same history with one wrong result near its end.

\`\`\`text
${checkers.join('\n\n')}
\`\`\`

## What this does not show

- Other work on the machine slows these figures; they are of one run each.
- A virtual hour is worth what happens in it. Clusters with short timeouts and many faults do more in an hour, and take longer to simulate.
- A run without a broken promise is no proof. What the tests can find is measured by [planted bugs](mutants.md).
`
}
