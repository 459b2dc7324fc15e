import { setMaxListeners } from 'node:events'
import { Pool } from 'undici'
import { send } from '../http-client.mjs'
import { pause, until } from '../processes.mjs'

const ATTEMPT_EVERY_MS = 10
const TIMEOUT_MS = 30_000
/** Between two failovers, so that each begins in a cluster at rest. */
export const REST_MS = 1_500

/**
 * A cluster whose nodes can be killed one by one.
 *
 * @typedef {object} Mortal
 * @property {() => Promise<number | undefined>} leader index of the node that leads
 * @property {(index: number) => Promise<void>} kill ends a node as a crash would
 * @property {(index: number) => Promise<void>} restart starts it again on its own disk; resolves when all nodes serve
 * @property {(dead: number) => Promise<number>} firstWrite when, in milliseconds of `performance.now`, the first write was
 *   committed that began through another node than this one
 */

/**
 * For clusters with HTTP: every 10 ms a new write starts, whether the last one is answered or not, so that none waits for a
 * leader that is gone.
 *
 * @param {import('../target.mjs').Cluster} cluster
 * @param {number} dead
 * @returns {Promise<number>}
 */
async function firstWriteOverHttp(cluster, dead) {
  const pools = cluster.nodes.filter((_, i) => i !== dead).map(({ url }) => new Pool(url))
  const over = new AbortController()
  // Each attempt that is under way listens for the end.
  setMaxListeners(TIMEOUT_MS / ATTEMPT_EVERY_MS + 1, over.signal)
  const startMs = performance.now()
  try {
    return await new Promise((resolve, reject) => {
      let attempts = 0
      const attempt = async () => {
        const pool = /** @type {Pool} */ (pools[attempts++ % pools.length])
        try {
          const { status } = await send(pool, cluster.put('failover', Buffer.from(String(attempts))), over.signal)
          if (status < 300) resolve(performance.now())
        } catch {
          // Not answered: the attempts that follow tell when the cluster is back.
        }
      }
      const timer = setInterval(() => {
        if (over.signal.aborted) clearInterval(timer)
        else if (performance.now() - startMs > TIMEOUT_MS) reject(new Error(`no write within ${TIMEOUT_MS} ms`))
        else void attempt()
      }, ATTEMPT_EVERY_MS)
      over.signal.addEventListener('abort', () => clearInterval(timer))
      void attempt()
    })
  } finally {
    over.abort()
    await Promise.all(pools.map((pool) => pool.destroy()))
  }
}

/** @param {import('../target.mjs').Cluster} cluster @returns {Mortal} */
export const mortal = (cluster) => ({
  leader: () => cluster.leader(),
  kill: (index) => cluster.kill(index),
  restart: (index) => cluster.restart(index),
  firstWrite: (dead) => firstWriteOverHttp(cluster, dead),
})

/**
 * Ends the leader as a crash would, and takes the time until a write through another node is committed.
 *
 * @param {Mortal} cluster
 * @returns {Promise<number>} milliseconds
 */
async function failover(cluster) {
  const leader = await until('somebody leads', () => cluster.leader())
  const startMs = performance.now()
  const killed = cluster.kill(leader)
  const tookMs = (await cluster.firstWrite(leader)) - startMs
  await killed
  await cluster.restart(leader)
  return tookMs
}

/**
 * @param {Mortal} cluster
 * @param {number} times
 * @param {(count: number) => void} [onEach]
 * @returns {Promise<number[]>} milliseconds each
 */
export async function failovers(cluster, times, onEach) {
  const all = []
  for (let i = 0; i < times; i++) {
    await pause(REST_MS)
    all.push(await failover(cluster))
    onEach?.(i + 1)
  }
  return all
}
