import { circumstances, ratio, whole } from '../figures.mjs'
import { median, quantileOf } from '../latencies.mjs'
import { table } from '../table.mjs'
import { ELECTION_TIMEOUT_MS, HEARTBEAT_MS } from '../target.mjs'
import { REST_MS } from './failovers.mjs'

/**
 * @typedef {object} Failovers
 * @property {string} name
 * @property {string} version
 * @property {readonly number[]} times milliseconds
 */

/** @typedef {{ facts: import('../machine.mjs').Machine, measured: readonly Failovers[], date: string }} Measurement */

/** Its part of docs/benchmarks.md. @param {Measurement} measurement */
export function failoverPart({ facts, measured, date }) {
  const rows = measured.map(({ name, version, times }) => {
    const p99 = quantileOf(times, 0.99)
    const figures = [median(times), p99, Math.max(...times)].map(whole)
    return [name, version, String(times.length), ...figures, `**${ratio(p99, ELECTION_TIMEOUT_MS)}**`]
  })
  const seconds = measured.reduce(
    (sum, { times }) => sum + times.reduce((total, ms) => total + (ms + REST_MS) / 1_000 + 0.5, 0),
    0,
  )
  const heads = ['system', 'version', 'kills', 'p50 ms', 'p99 ms', 'longest ms', 'p99 / election timeout']
  return `## Failover, many times

Three nodes of Raft in three processes, idle. The leader's process is killed (\`kill -9\`), and the time taken until the first write that began
through another node is committed; then the killed one starts again on its own disk, and when all three have applied the same, the next
leader is killed ${whole(REST_MS)} ms later. The heartbeat is ${HEARTBEAT_MS} ms and the election timeout ${whole(ELECTION_TIMEOUT_MS)} ms for all.

${table(heads, rows)}

The aim is a p99 of at most two election timeouts. A follower waits for an election timeout and a random part of up to another one before it
asks for votes, so the earlier of two followers asks after 1.33 of it on average.

${table(['', ''], [...circumstances(facts, date, measured[0]?.version ?? ''), ['Node.js', facts.node]])}

### What this does not show

- Only a process ends; the machine and the network stay. Where a machine is gone, nobody closes its connections, and only silence tells.
- The group is idle, so no follower lags, and there is no long log to read.
- Of fewer than 100 kills, the p99 is the longest.

\`\`\`
npm run bench:failover -- --write   # about ${Math.ceil(seconds / 60)} minutes; writes this part
\`\`\``
}
