import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startNatsServer } from '../tooling/nats-server/index.mjs'
import { askJson } from './http-client.mjs'
import { freePorts, Program, until } from './processes.mjs'
import { ELECTION_TIMEOUT_MS, HEARTBEAT_MS, NODES } from './target.mjs'

/** @typedef {{ id: string, ready: boolean, leader: string | null, raft: { role: string, term: number }, members: { state: string }[] }} View */

const MAIN = fileURLToPath(new URL('../apps/reference-node/dist/main.js', import.meta.url))
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const KEYSPACE = 'default'
const EMPTY = Buffer.alloc(0)

/** Three processes of the reference node over one nats-server. @type {import('./target.mjs').Target} */
export const dsys = {
  name: 'dsys',
  durability: 'a write with O_DSYNC on a majority before the answer',
  version: commit(),
  start: startDsys,
}

function commit() {
  if (!existsSync(join(ROOT, '.git'))) return 'no git'
  const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
  const dirty = git('status', '--porcelain', '--', 'packages', 'apps') === '' ? '' : ', with changes'
  return `${git('rev-parse', '--short=12', 'HEAD')}${dirty}`
}

/** @type {import('./target.mjs').Target['start']} */
async function startDsys(directory, { nodeFlags = [] } = {}) {
  const nats = await startNatsServer()
  const ids = Array.from({ length: NODES }, (_, i) => `n${i + 1}`)
  const ports = await freePorts(NODES)
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  /** @param {number} index */
  const launch = (index) => {
    const id = /** @type {string} */ (ids[index])
    const data = join(directory, id)
    mkdirSync(data, { recursive: true })
    const flags = [
      ...['--id', id, '--voters', ids.join(','), '--nats', nats.url, '--data', data, '--keyspaces', KEYSPACE],
      ...['--http-port', String(ports[index]), '--log-level', 'warn'],
      ...['--election-timeout-ms', String(ELECTION_TIMEOUT_MS), '--heartbeat-interval-ms', String(HEARTBEAT_MS)],
    ]
    return new Program(id, [process.execPath, ...nodeFlags, MAIN, ...flags], {
      logFile: join(directory, `${id}.log`),
      env: { ...process.env, NODE_ENV: 'production' },
    })
  }
  const programs = ids.map((_, index) => launch(index))
  const stop = async () => {
    await Promise.all(programs.map((program) => program.stop()))
    await nats.stop()
  }
  try {
    await whenFormed(urls, programs)
  } catch (error) {
    await stop()
    throw error
  }
  const target = { method: /** @type {const} */ ('GET'), headers: {}, body: EMPTY }
  return {
    get nodes() {
      return programs.map(({ pid }, i) => ({ id: ids[i] ?? '', url: urls[i] ?? '', pid }))
    },
    others: [{ name: 'nats-server', pid: nats.pid ?? 0 }],
    put: (key, value) => ({
      method: 'PUT',
      path: path(key),
      headers: { 'content-length': String(value.length) },
      body: value,
    }),
    get: (key) => ({ ...target, path: path(key) }),
    valueOf: (body) => body,
    leader: () => leaderOf(urls, programs),
    kill: (index) => /** @type {Program} */ (programs[index]).kill(),
    restart: async (index) => {
      programs[index] = launch(index)
      await whenFormed(urls, programs)
    },
    stop,
  }
}

/** @param {string} key */
const path = (key) => `/v1/kv/${KEYSPACE}/${key}`

/**
 * @param {readonly string[]} urls
 * @param {readonly Program[]} programs
 */
async function leaderOf(urls, programs) {
  const views = await Promise.all(urls.map((url, i) => (programs[i]?.isRunning ? view(url) : undefined)))
  let found
  for (const [index, seen] of views.entries()) {
    if (seen?.raft.role !== 'leader') continue
    if (found === undefined || seen.raft.term > found.term) found = { index, term: seen.raft.term }
  }
  return found?.index
}

/** @param {string} url @returns {Promise<View | undefined>} */
export const view = (url) => askJson(`${url}/v1/cluster`)

/**
 * @param {readonly string[]} urls
 * @param {readonly Program[]} programs
 */
async function whenFormed(urls, programs) {
  await until('every dsys node is ready and names the same leader', async () => {
    const ended = programs.find((program) => !program.isRunning)
    if (ended !== undefined) throw new Error(`${ended.name} has ended at its start; ${ended.lastWords}`)
    const views = await Promise.all(urls.map(view))
    const [first] = views
    const formed = views.every(
      (seen) =>
        seen?.ready === true &&
        seen.leader === first?.leader &&
        seen.members.filter(({ state }) => state === 'alive').length === NODES,
    )
    return formed ? true : undefined
  })
}
