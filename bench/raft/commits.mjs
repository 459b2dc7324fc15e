import { quantile } from '../latencies.mjs'
import { cpuSeconds, pause, until } from '../processes.mjs'

/**
 * What one window has measured.
 *
 * @typedef {object} Window
 * @property {number} perSecond
 * @property {number} p50Ms
 * @property {number} p99Ms
 * @property {Readonly<Record<Part, number>>} cores processors in use on average; not numbers where the system does not tell
 *
 * @typedef {'leader' | 'followers' | 'others' | 'clients'} Part
 */

export const PARTS = /** @type {const} */ (['leader', 'followers', 'others', 'clients'])
/** Between two windows, so that none pays for the one before. */
const REST_MS = 300

/** @param {import('./group.mjs').Pids} pids @returns {Record<Part, number>} */
function used(pids) {
  const total = (/** @type {Part} */ part) => pids[part].reduce((sum, pid) => sum + (cpuSeconds(pid) ?? Number.NaN), 0)
  return { leader: total('leader'), followers: total('followers'), others: total('others'), clients: total('clients') }
}

/**
 * One round of one system: a new group, the windows one after the other, and a look at whether what was acknowledged is there.
 *
 * @param {import('./group.mjs').Group} group
 * @param {{ clients: readonly number[], seconds: number, warmup: number }} settings
 * @param {(clients: number, window: Window) => void} onWindow
 */
export async function measureCommits(group, { clients, seconds, warmup }, onWindow) {
  let acknowledged = 0
  for (const count of clients) {
    acknowledged += (await group.run(count, warmup * 1_000)).commits
    await pause(REST_MS)
    const pids = await group.pids()
    const before = used(pids)
    const raw = await group.run(count, seconds * 1_000)
    const after = used(pids)
    acknowledged += raw.commits
    const took = raw.us / 1e6
    const latencies = new Map(raw.latencies)
    const cores = /** @type {Record<Part, number>} */ (
      Object.fromEntries(PARTS.map((part) => [part, (after[part] - before[part]) / took]))
    )
    onWindow(count, {
      perSecond: raw.commits / took,
      p50Ms: quantile(latencies, 0.5) / 1_000,
      p99Ms: quantile(latencies, 0.99) / 1_000,
      cores,
    })
  }
  await until(`every node has applied the ${acknowledged} commands that were acknowledged`, async () =>
    (await group.applied()).every((applied) => applied >= acknowledged) ? true : undefined,
  )
}
