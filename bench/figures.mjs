/** Words for figures, the same in every part of the page. */

/** Less than this is what a machine at rest does by itself. */
const SHARED_CORES = 0.1

/** @param {number} value */
export const whole = (value) => (Number.isNaN(value) ? '-' : Math.round(value).toLocaleString('en'))

/** @param {number} ms */
export const milliseconds = (ms) =>
  Number.isNaN(ms) ? '-' : ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : whole(ms)

/** How often `peer` goes into `own`. @param {number} own @param {number} peer */
export const ratio = (own, peer) => (peer > 0 ? (own / peer).toFixed(2) : '-')

/** @param {number} cores */
export const processors = (cores) => (Number.isNaN(cores) ? '-' : cores.toFixed(2))

/**
 * Says so where the machine was not free: figures of such a run are too low, and unevenly so.
 *
 * @param {readonly number[]} cores processors that other programs used, one for each window
 */
export function sharedMachine(cores) {
  const mean = cores.reduce((sum, value) => sum + value, 0) / cores.length
  if (!(mean > SHARED_CORES)) return ''
  return `

**The machine was shared.** Other programs used ${mean.toFixed(2)} processors on average during the measured windows, so all rates are
too low, all latencies too high, and the ratios are less certain than they look.`
}

/** Rows of every part: what it was measured on. @param {import('./machine.mjs').Machine} facts @param {string} date @param {string} commit */
export const circumstances = (facts, date, commit) => [
  ['date, commit', `${date}, ${commit}`],
  ['processors', facts.processor],
  ['memory', facts.memory],
  [
    'disk',
    `${facts.disk}; one write of 512 bytes with \`fdatasync\` takes ${whole(facts.sync.medianUs)} µs (median) and ${whole(facts.sync.p99Us)} µs (p99)`,
  ],
  ['system', facts.system],
  ['load before the bench', `${facts.load.toFixed(2)} (average of one minute)`],
]
