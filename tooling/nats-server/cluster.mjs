import { connect } from 'node:net'
import { startNatsServer } from './start.mjs'

const SIZE = 3
const TIMEOUT_MS = 15_000

/** @typedef {import('./start.mjs').NatsServer} NatsServer */

/**
 * @typedef {object} StartNatsClusterOptions
 * @property {readonly string[]} [configs] for each server the text of a configuration file
 * @property {string} [binary] the program to run; by default the one that `findNatsServer` finds
 */

/**
 * Resolves once a server tells its clients of as many servers, itself included: then it has routes to them.
 *
 * @param {NatsServer} server
 * @param {number} size
 * @returns {Promise<void>}
 */
function knows(server, size) {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const socket = connect({ host: '127.0.0.1', port: server.port, signal })
    let received = ''
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`the server on port ${server.port} did not find ${size - 1} others`)))
    // What changes later is told only to clients that have introduced themselves.
    socket.on('connect', () => socket.write('CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n'))
    socket.on('data', (chunk) => {
      received += chunk
      const lines = received.split('\r\n')
      received = lines.pop() ?? ''
      for (const line of lines) {
        if (!line.startsWith('INFO ')) continue
        const { connect_urls: urls = [] } = JSON.parse(line.slice('INFO '.length))
        if (urls.length < size) continue
        resolve()
        socket.destroy()
      }
    })
  })
}

/** Three `nats-server` processes with routes between them, made by {@link startNatsCluster}. */
export class NatsCluster {
  /** @param {readonly NatsServer[]} servers */
  constructor(servers) {
    this.servers = servers
  }

  /** The URLs for clients. */
  get urls() {
    return this.servers.map(({ url }) => url)
  }

  /** Resolves once all servers run and have routes to each other. They must let clients in without credentials. */
  async whole() {
    await Promise.all(this.servers.map((server) => knows(server, SIZE)))
  }

  async stop() {
    await Promise.all(this.servers.map((server) => server.stop()))
  }

  [Symbol.asyncDispose]() {
    return this.stop()
  }
}

/**
 * Starts three servers on loopback that are one cluster. Resolves once each has routes to the others.
 *
 * @param {StartNatsClusterOptions} [options]
 * @returns {Promise<NatsCluster>}
 */
export async function startNatsCluster({ configs = [], binary } = {}) {
  /** @type {NatsServer[]} */
  const servers = []
  const cluster = new NatsCluster(servers)
  try {
    for (let i = 0; i < SIZE; i++) {
      const routes = servers.map(({ routeUrl }) => routeUrl)
      const program = binary === undefined ? {} : { binary }
      servers.push(await startNatsServer({ cluster: { name: 'test', routes }, config: configs[i] ?? '', ...program }))
    }
    await cluster.whole()
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}
