/** The nodes of hashicorp/raft in one process, over the transport and the stores in memory that come with it. */
import { join } from 'node:path'
import { workFolder } from '../../../bench/command.mjs'
import { quantile } from '../../../bench/latencies.mjs'
import { cpuSeconds } from '../../../bench/processes.mjs'
import { WorkerGroup } from '../../../bench/raft/group.mjs'
import { hashicorpProgram } from '../../../bench/raft/hashicorp.mjs'
import { Worker } from '../../../bench/worker.mjs'

/**
 * Measures the rows that both have.
 *
 * @typedef {{ perSecond: number, medianMs: number, p99Ms: number, cpuUs: number }} Rate
 *
 * @returns {((nodes: number, seconds: number) => Promise<Record<string, Rate>>) | undefined} undefined where it cannot be built
 */
export function hashicorpInMemory() {
  const program = hashicorpProgram(console.warn)
  if (program === undefined) return undefined
  const logFile = join(workFolder({ keep: false }), 'hashicorp.log')
  return async (nodes, seconds) => {
    const worker = new Worker('hashicorp/raft', [program, 'memory', `${nodes}`], { logFile })
    try {
      await new WorkerGroup(1, () => worker).formed()
      /** @type {Record<string, Rate>} */
      const rows = {}
      for (const width of [1, 64, 256, 1_024])
        rows[`propose at the leader, ${width}`] = await rateOf(worker, `run ${width}`, seconds)
      for (const width of [1, 256])
        rows[`read at the leader, ${width}`] = await rateOf(worker, `reads ${width}`, seconds)
      return rows
    } finally {
      await worker.stop()
    }
  }
}

/**
 * @param {Worker} worker
 * @param {string} command
 * @param {number} seconds
 * @returns {Promise<Rate>} of the second of two windows: the first one warms up
 */
async function rateOf(worker, command, seconds) {
  await worker.ask(`${command} ${250 * seconds}`)
  const before = cpuSeconds(worker.pid) ?? Number.NaN
  /** @type {import('../../../bench/raft/group.mjs').RawWindow} */
  const { commits, us, latencies } = await worker.ask(`${command} ${1_000 * seconds}`)
  const cpu = (cpuSeconds(worker.pid) ?? Number.NaN) - before
  const ms = (/** @type {number} */ share) => quantile(new Map(latencies), share) / 1_000
  return { perSecond: commits / (us / 1e6), medianMs: ms(0.5), p99Ms: ms(0.99), cpuUs: (cpu * 1e6) / commits }
}
