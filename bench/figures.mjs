/** Words for figures, the same on every page. */

/** @param {number} value */
export const whole = (value) => (Number.isNaN(value) ? '-' : Math.round(value).toLocaleString('en'))

/** @param {number} ms */
export const milliseconds = (ms) =>
  Number.isNaN(ms) ? '-' : ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : whole(ms)

/** How often `peer` goes into `own`. @param {number} own @param {number} peer */
export const ratio = (own, peer) => (peer > 0 ? (own / peer).toFixed(2) : '-')

/** @param {number} cores */
export const processors = (cores) => (Number.isNaN(cores) ? '-' : cores.toFixed(2))

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
