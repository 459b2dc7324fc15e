import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Pool } from 'undici'
import { send } from './http-client.mjs'
import { merge, parseWrk, quantile } from './latencies.mjs'
import { cpuSeconds, machineCpuSeconds, Program, pause } from './processes.mjs'

export const VALUE_BYTES = 256
export const KEYS = 10_000
const FILL_CONNECTIONS = 64
const CHECKED_READS = 200
const WRK_TIMEOUT_S = 10
const SCRIPT = fileURLToPath(new URL('./replay.lua', import.meta.url))

/** @typedef {'put' | 'get'} Kind */

/**
 * What one window has measured.
 *
 * @typedef {object} Window
 * @property {number} perSecond answers with a status below 400
 * @property {number} p50Ms
 * @property {number} p99Ms
 * @property {number} answers
 * @property {number} errors
 * @property {Readonly<Record<string, number>>} cores processors in use on average, by process: leader, followers, the
 *   others by name, client, and everything on the machine together; empty where the system does not tell
 */

/** @param {number} index */
const keyOf = (index) => `bench-${String(index).padStart(6, '0')}`

/** Bytes that do not compress, and are the same in every run. @param {string} key */
function valueFor(key) {
  const parts = Array.from({ length: VALUE_BYTES / 64 }, (_, i) => createHash('sha512').update(`${key}/${i}`).digest())
  return Buffer.concat(parts)
}

const ENTRIES = Array.from({ length: KEYS }, (_, i) => ({ key: keyOf(i), value: valueFor(keyOf(i)) }))

/** The bytes of a request. @param {import('./target.mjs').HttpRequest} what @param {string} host */
function requestBytes({ method, path, headers, body }, host) {
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), body])
}

/** A load on one cluster, whose keys it has written. */
export class Load {
  /** @type {import('./target.mjs').Cluster} */
  #cluster
  #directory
  #wrk
  /** @type {Map<string, { file: string, length: number }>} */
  #requests = new Map()
  #runs = 0

  /**
   * @param {import('./target.mjs').Cluster} cluster
   * @param {{ wrk: string, directory: string }} options program, and a folder for its files
   */
  constructor(cluster, { wrk, directory }) {
    this.#cluster = cluster
    this.#wrk = wrk
    this.#directory = directory
  }

  /** Writes every key once, through all nodes, and the files that wrk replays. */
  async prepare() {
    const pools = this.#pools()
    const queue = ENTRIES.entries()
    const worker = async () => {
      for (const [index, { key, value }] of queue) {
        const pool = /** @type {Pool} */ (pools[index % pools.length])
        const { status, body } = await send(pool, this.#cluster.put(key, value))
        if (status >= 300) throw new Error(`writing ${key} was answered with ${status}: ${body}`)
      }
    }
    try {
      await Promise.all(Array.from({ length: FILL_CONNECTIONS }, worker))
    } finally {
      await Promise.all(pools.map((pool) => pool.destroy()))
    }
    for (const node of this.#cluster.nodes) {
      this.#write(node, 'put', ({ key, value }) => this.#cluster.put(key, value))
      this.#write(node, 'get', ({ key }) => this.#cluster.get(key))
    }
  }

  /** Reads some keys through each node, and compares every byte: a status alone does not tell that the value is there. */
  async verify() {
    const pools = this.#pools()
    try {
      for (let i = 0; i < CHECKED_READS; i++) {
        const { key, value } = /** @type {ENTRIES[number]} */ (ENTRIES[(i * 49_999) % KEYS])
        const { status, body } = await send(/** @type {Pool} */ (pools[i % pools.length]), this.#cluster.get(key))
        const read = status === 200 ? this.#cluster.valueOf(body) : undefined
        if (read === undefined || !read.equals(value)) throw new Error(`${key} was read wrongly (${status}): ${body}`)
      }
    } finally {
      await Promise.all(pools.map((pool) => pool.destroy()))
    }
  }

  /**
   * Closed loop: each client has one connection and sends its next request when it has the answer to the last. The
   * clients are spread over the nodes; where there are fewer clients than nodes, they go from node to node.
   *
   * @param {Kind} kind
   * @param {number} clients
   * @param {number} seconds
   * @returns {Promise<Window>}
   */
  async run(kind, clients, seconds) {
    const { nodes } = this.#cluster
    const leader = (await this.#cluster.leader()) ?? 0
    const shares = nodes.map((_, i) => Math.floor(clients / nodes.length) + (i < clients % nodes.length ? 1 : 0))
    const isSequential = clients < nodes.length
    const plans = isSequential ? nodes.map((_, i) => nodes.map((_, j) => (i === j ? clients : 0))) : [shares]
    const steps = []
    for (const plan of plans) steps.push(await this.#step(kind, plan, Math.ceil(seconds / plans.length), leader))
    const results = steps.flatMap((step) => step.results)
    const latencies = merge(results.map((result) => result.latencies))
    const rate = (/** @type {import('./latencies.mjs').WrkResult} */ { answers, refused, durationUs }) =>
      ((answers - refused) * 1e6) / durationUs
    const total = results.reduce((sum, result) => sum + rate(result), 0)
    const names = Object.keys(steps[0]?.cores ?? {})
    const mean = (/** @type {string} */ name) =>
      steps.reduce((sum, { cores }) => sum + (cores[name] ?? 0), 0) / steps.length
    return {
      perSecond: isSequential ? total / steps.length : total,
      p50Ms: quantile(latencies, 0.5) / 1_000,
      p99Ms: quantile(latencies, 0.99) / 1_000,
      answers: results.reduce((sum, { answers }) => sum + answers, 0),
      errors: results.reduce((sum, { errors }) => sum + errors, 0),
      cores: Object.fromEntries(names.map((name) => [name, mean(name)])),
    }
  }

  /**
   * One wrk for each node that has clients, all at once.
   *
   * @param {Kind} kind
   * @param {readonly number[]} shares clients by node
   * @param {number} seconds
   * @param {number} leader
   */
  async #step(kind, shares, seconds, leader) {
    const { nodes, others } = this.#cluster
    const run = this.#runs++
    const started = shares.flatMap((connections, i) => {
      const node = nodes[i]
      if (connections === 0 || node === undefined) return []
      const { file, length } = this.#requests.get(`${node.id}/${kind}`) ?? { file: '', length: 0 }
      const flags = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', `${WRK_TIMEOUT_S}s`]
      const script = ['-s', SCRIPT, node.url, '--', file, String(length), String(run * nodes.length + i + 1)]
      const program = new Program('wrk', [this.#wrk, ...flags, ...script], {
        logFile: join(this.#directory, 'wrk.log'),
      })
      return [{ connections, program }]
    })
    const used = () => ({
      leader: cpuSeconds(nodes[leader]?.pid ?? 0) ?? Number.NaN,
      followers: nodes.reduce((sum, { pid }, i) => sum + (i === leader ? 0 : (cpuSeconds(pid) ?? Number.NaN)), 0),
      ...Object.fromEntries(others.map(({ name, pid }) => [name, cpuSeconds(pid) ?? Number.NaN])),
      machine: machineCpuSeconds() ?? Number.NaN,
      client: started.reduce((sum, { program }) => sum + (cpuSeconds(program.pid) ?? Number.NaN), 0),
    })
    const startMs = performance.now()
    const before = process.platform === 'linux' ? used() : {}
    // Before it ends, wrk prints what it has counted; that is no cost of the load.
    await pause(seconds * 1_000 - 50)
    const elapsedSeconds = (performance.now() - startMs) / 1_000
    const after = process.platform === 'linux' ? used() : {}
    const results = await Promise.all(
      started.map(async ({ connections, program }) => {
        const code = await program.ended
        if (code !== 0) throw new Error(`wrk ended with ${code}; ${program.lastWords}`)
        return parseWrk(program.output, connections)
      }),
    )
    /** @type {Record<string, number>} */
    const cores = {}
    for (const [name, value] of Object.entries(after)) {
      cores[name] = (value - /** @type {Record<string, number>} */ (before[name] ?? 0)) / elapsedSeconds
    }
    return { results, cores }
  }

  /**
   * @param {import('./target.mjs').ClusterNode} node
   * @param {Kind} kind
   * @param {(entry: typeof ENTRIES[number]) => import('./target.mjs').HttpRequest} request
   */
  #write({ id, url }, kind, request) {
    const all = ENTRIES.map((entry) => requestBytes(request(entry), new URL(url).host))
    const length = all[0]?.length ?? 0
    if (all.some((bytes) => bytes.length !== length)) throw new Error(`the ${kind} requests differ in length`)
    const file = join(this.#directory, `${id}-${kind}.requests`)
    writeFileSync(file, Buffer.concat(all))
    this.#requests.set(`${id}/${kind}`, { file, length })
  }

  #pools() {
    return this.#cluster.nodes.map(({ url }) => new Pool(url))
  }
}
