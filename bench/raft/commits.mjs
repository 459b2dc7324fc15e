import { quantile } from '../latencies.mjs'
import { cpuSeconds, machineCpuSeconds, pause, until } from '../processes.mjs'

/**
 * What one window has measured.
 *
 * @typedef {object} Window
 * @property {number} perSecond
 * @property {number} p50Ms
 * @property {number} p99Ms
 * @property {Readonly<Record<Part, number>>} cores processors in use on average; not numbers where the system does not tell
 * @property {number} elsewhere processors that other programs used
 *
 * @typedef {'leader' | 'followers' | 'others' | 'clients'} Part
 */

export const PARTS = /** @type {const} */ (['leader', 'followers', 'others', 'clients'])
/** Between two windows, so that none pays for the one before. */
const REST_MS = 300
/** How often a window is tried when the leader changes in it. */
const ATTEMPTS = 3

/** @param {import('./group.mjs').Pids} pids @returns {Record<Part, number>} */
function used(pids) {
  const total = (/** @type {Part} */ part) => pids[part].reduce((sum, pid) => sum + (cpuSeconds(pid) ?? Number.NaN), 0)
  return { leader: total('leader'), followers: total('followers'), others: total('others'), clients: total('clients') }
}

/**
 * One window in which the leader stays the same: the clients of another one would not be in its process.
 *
 * @param {import('./group.mjs').Group} group
 * @param {number} clients
 * @param {number} seconds
 * @returns {Promise<{ commits: number, window: Window }>} `commits` of all attempts
 */
async function undisturbed(group, clients, seconds) {
  let commits = 0
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await pause(REST_MS)
    const pids = await group.pids()
    const [before, machineBefore] = [used(pids), machineCpuSeconds() ?? Number.NaN]
    const raw = await group.run(clients, seconds * 1_000)
    const [after, machineAfter] = [used(pids), machineCpuSeconds() ?? Number.NaN]
    commits += raw.commits
    if ((await group.pids()).leader[0] !== pids.leader[0]) continue
    const took = raw.us / 1e6
    const latencies = new Map(raw.latencies)
    const cores = /** @type {Record<Part, number>} */ (
      Object.fromEntries(PARTS.map((part) => [part, (after[part] - before[part]) / took]))
    )
    const ours = PARTS.reduce((sum, part) => sum + cores[part], 0)
    // The clocks of the processes and of the machine tick apart.
    const elsewhere = Math.max((machineAfter - machineBefore) / took - ours, 0)
    const ms = (/** @type {number} */ share) => quantile(latencies, share) / 1_000
    return { commits, window: { perSecond: raw.commits / took, p50Ms: ms(0.5), p99Ms: ms(0.99), cores, elsewhere } }
  }
  throw new Error(`the leader changed in each of ${ATTEMPTS} windows; the machine is too busy to measure anything`)
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
    const { commits, window } = await undisturbed(group, count, seconds)
    acknowledged += commits
    onWindow(count, window)
  }
  await until(`every node has applied the ${acknowledged} commands that were acknowledged`, async () =>
    (await group.applied()).every((applied) => applied >= acknowledged) ? true : undefined,
  )
}
