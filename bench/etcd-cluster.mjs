import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { findOnPath } from '../tooling/nats-server/find.mjs'
import { askJson } from './http-client.mjs'
import { freePorts, Program, until } from './processes.mjs'
import { ELECTION_TIMEOUT_MS, HEARTBEAT_MS, NODES } from './target.mjs'

export const HOW_TO_GET_ETCD =
  'There is no etcd on the PATH, so it is left out. Install it with "apt-get install etcd-server" (Debian, ' +
  'Ubuntu) or "brew install etcd" (macOS).'

/**
 * Three processes of etcd behind their HTTP gateway for JSON.
 *
 * @returns {import('./target.mjs').Target | undefined} undefined where there is no etcd
 */
export function etcd() {
  const binary = findOnPath('etcd')
  if (binary === undefined) return undefined
  const version = /etcd Version: (\S+)/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' }))?.[1]
  return {
    name: 'etcd',
    durability: 'fdatasync on a majority before the answer',
    version: version ?? 'unknown',
    start: (directory) => startEtcd(binary, directory),
  }
}

/** @param {string | Buffer} text */
const base64 = (text) => Buffer.from(text).toString('base64')

/** @param {string} path @param {object} body @returns {import('./target.mjs').HttpRequest} */
function post(path, body) {
  const bytes = Buffer.from(JSON.stringify(body))
  const headers = { 'content-type': 'application/json', 'content-length': String(bytes.length) }
  return { method: 'POST', path, headers, body: bytes }
}

/**
 * @param {string} binary
 * @param {string} directory
 * @returns {Promise<import('./target.mjs').Cluster>}
 */
async function startEtcd(binary, directory) {
  const ids = Array.from({ length: NODES }, (_, i) => `e${i + 1}`)
  const ports = await freePorts(2 * NODES)
  const urls = ports.slice(0, NODES).map((port) => `http://127.0.0.1:${port}`)
  const peerUrls = ports.slice(NODES).map((port) => `http://127.0.0.1:${port}`)
  const initial = ids.map((id, i) => `${id}=${peerUrls[i]}`).join(',')
  /** @param {number} index */
  const launch = (index) => {
    const [id = '', url = '', peerUrl = ''] = [ids[index], urls[index], peerUrls[index]]
    const flags = [
      ...['--name', id, '--data-dir', join(directory, id), '--logger', 'zap', '--log-outputs', 'stderr'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', initial, '--initial-cluster-state', 'new', '--initial-cluster-token', 'dsys-bench'],
      ...['--heartbeat-interval', String(HEARTBEAT_MS), '--election-timeout', String(ELECTION_TIMEOUT_MS)],
    ]
    return new Program(id, [binary, ...flags], { logFile: join(directory, `${id}.log`) })
  }
  const programs = ids.map((_, index) => launch(index))
  const stop = async () => {
    await Promise.all(programs.map((program) => program.stop()))
  }
  try {
    await whenHealthy(urls, programs)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    get nodes() {
      return programs.map(({ pid }, i) => ({ id: ids[i] ?? '', url: urls[i] ?? '', pid }))
    },
    others: [],
    put: (key, value) => post('/v3/kv/put', { key: base64(key), value: base64(value) }),
    get: (key) => post('/v3/kv/range', { key: base64(key) }),
    valueOf: (body) => {
      const value = JSON.parse(body.toString()).kvs?.[0]?.value
      return value === undefined ? undefined : Buffer.from(value, 'base64')
    },
    leader: () => leaderOf(urls, programs),
    kill: (index) => /** @type {Program} */ (programs[index]).kill(),
    restart: async (index) => {
      programs[index] = launch(index)
      await whenHealthy(urls, programs)
    },
    stop,
  }
}

/** @typedef {{ header: { member_id: string, raft_term: string }, leader?: string }} Status */

/**
 * @param {readonly string[]} urls
 * @param {readonly Program[]} programs
 */
async function leaderOf(urls, programs) {
  /** @type {(Status | undefined)[]} */
  const statuses = await Promise.all(
    urls.map((url, i) =>
      programs[i]?.isRunning ? askJson(`${url}/v3/maintenance/status`, { method: 'POST', body: '{}' }) : undefined,
    ),
  )
  const index = statuses.findIndex((status) => status !== undefined && status.leader === status.header.member_id)
  return index === -1 ? undefined : index
}

/**
 * @param {readonly string[]} urls
 * @param {readonly Program[]} programs
 */
async function whenHealthy(urls, programs) {
  await until('every etcd is healthy', async () => {
    const ended = programs.find((program) => !program.isRunning)
    if (ended !== undefined) throw new Error(`${ended.name} has ended at its start; ${ended.lastWords}`)
    /** @type {({ health: string } | undefined)[]} */
    const answers = await Promise.all(urls.map((url) => askJson(`${url}/health`)))
    return answers.every((answer) => answer?.health === 'true') ? true : undefined
  })
}
