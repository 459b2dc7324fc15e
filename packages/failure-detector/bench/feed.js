// How long a heartbeat, and a judgement, take. Run it after a build: node packages/failure-detector/bench/feed.js
import { cpus } from 'node:os'
import { createFailureDetector } from '@dsys/failure-detector'

const ROUNDS = 5
const COUNT = 1_000_000

/** @param {number[]} values */
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0

/** @param {import('@dsys/failure-detector').FailureDetectorOptions} options */
function measure(options) {
  let sum = 0
  const heartbeats = []
  const judgements = []
  for (let round = 0; round < ROUNDS; round++) {
    let detector = createFailureDetector(options)
    let beganMs = performance.now()
    for (let i = 0; i < COUNT; i++) detector = detector.heartbeat(i * 1_000 + (i % 7))
    heartbeats.push(performance.now() - beganMs)
    const last = detector.lastHeartbeatMs ?? 0
    beganMs = performance.now()
    for (let i = 0; i < COUNT; i++) sum += detector.suspicion(last + (i % 4_000))
    judgements.push(performance.now() - beganMs)
  }
  return { heartbeatNs: median(heartbeats), judgementNs: median(judgements), sum }
}

console.log(`${cpus()[0]?.model}, Node.js ${process.version}; medians of ${ROUNDS} rounds of ${COUNT}; ns`)
console.log('detector | heartbeat | suspicion')
for (const [name, options] of Object.entries({
  'phi accrual, normal': {},
  'phi accrual, exponential': { distribution: /** @type {const} */ ('exponential') },
  timeout: { type: /** @type {const} */ ('timeout'), timeoutMs: 1_000 },
})) {
  const { heartbeatNs, judgementNs } = measure(options)
  // Milliseconds for a million are nanoseconds for one.
  console.log(`${name} | ${heartbeatNs.toFixed(0)} | ${judgementNs.toFixed(0)}`)
}
