import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findNatsServer, findOnPath } from './find.mjs'
import { HOW_TO_GET_ONE } from './install.mjs'

const LISTENING = /Listening for client connections on \S*:(\d+)/
const LISTENING_FOR_ROUTES = /Listening for route connections on \S*:(\d+)/
const START_TIMEOUT_MS = 15_000
const STOP_TIMEOUT_MS = 5_000
const CONFIG_FILE = 'nats.conf'
const MAX_OUTPUT_CHARACTERS = 64 * 1_024

/**
 * @typedef {object} StartNatsOptions
 * @property {number} [port] a loopback port; by default the system picks a free one
 * @property {string} [storeDir] switches JetStream on, with its files in this folder
 * @property {string} [config] text of a configuration file, for instance with users; address and port come from here
 * @property {{ name: string, routes: readonly string[] }} [cluster] makes it one of several servers: the name of their cluster, and
 *   `routeUrl` of those that run already
 * @property {string} [binary] the program to run; by default the one that `findNatsServer` finds
 */

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/** The process ended before it had started. */
class ServerEndedError extends Error {
  /** @param {number | null} code @param {NodeJS.Signals | null} signal */
  constructor(code, signal) {
    super(`it ended with ${signal ?? `code ${code}`}`)
    this.signal = signal
  }
}

/**
 * Resolves once a server on `port` has said INFO, the first thing it says to a client.
 *
 * @param {number} port
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function answered(port, signal) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, signal })
    let received = ''
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`port ${port} closed the connection before it said INFO`)))
    socket.on('data', (chunk) => {
      received += chunk
      if (!received.startsWith('INFO ') || !received.includes('\n')) return
      resolve()
      socket.destroy()
    })
  })
}

/**
 * Starts the program once.
 *
 * @param {string} binary
 * @param {string[]} args
 * @param {boolean} isClustered
 * @returns {Promise<{ child: ChildProcess, port: number, routePort: number, output: () => string }>}
 */
async function launch(binary, args, isClustered) {
  // On Linux the kernel ends the server when the one who started it is gone, whatever the way. KILL, since a server that
  // a test has stopped (SIGSTOP) would sit on any other signal for ever.
  const guard = process.platform === 'linux' ? findOnPath('setpriv') : undefined
  const [program, programArgs] =
    guard === undefined ? [binary, args] : [guard, ['--pdeathsig', 'KILL', '--', binary, ...args]]
  // A process group of its own: Ctrl-C in a terminal must not end the server before those who still use it.
  const detached = process.platform !== 'win32'
  const child = spawn(program, programArgs, { stdio: ['ignore', 'ignore', 'pipe'], detached })
  let output = ''
  const giveUp = new AbortController()
  const timer = setTimeout(() => giveUp.abort(new Error(`not ready after ${START_TIMEOUT_MS} ms`)), START_TIMEOUT_MS)
  try {
    const port = await new Promise((resolve, reject) => {
      child.stderr?.on('data', (chunk) => {
        output = (output + chunk).slice(-MAX_OUTPUT_CHARACTERS)
        const match = LISTENING.exec(output)
        if (match !== null && (!isClustered || LISTENING_FOR_ROUTES.test(output))) resolve(Number(match[1]))
      })
      child.once('error', reject)
      child.once('close', (code, signal) => reject(new ServerEndedError(code, signal)))
      giveUp.signal.addEventListener('abort', () => reject(giveUp.signal.reason), { once: true })
    })
    await answered(port, giveUp.signal)
    return { child, port, routePort: Number(LISTENING_FOR_ROUTES.exec(output)?.[1] ?? -1), output: () => output }
  } catch (error) {
    child.kill('SIGKILL')
    const why = error instanceof Error ? error.message : String(error)
    const failure = new Error(`nats-server did not start: ${why}\n${output}`, { cause: error })
    // Whoever starts it in a terminal learns that it was Ctrl-C.
    throw error instanceof ServerEndedError ? Object.assign(failure, { signal: error.signal }) : failure
  } finally {
    clearTimeout(timer)
  }
}

/** One `nats-server` process on a loopback port, made by {@link startNatsServer}. */
export class NatsServer {
  #binary
  #args
  /** @type {ChildProcess | undefined} */
  #child
  #port = 0
  /** @type {() => string} */
  #output = () => ''
  /** @type {string | undefined} */
  #configFolder
  #config
  #cluster
  #routePort = -1
  #onExit = () => void this.#child?.kill('SIGKILL')

  /**
   * @param {string} binary
   * @param {StartNatsOptions} options
   */
  constructor(binary, { storeDir, config, cluster }) {
    this.#binary = binary
    this.#config = config ?? ''
    this.#cluster = cluster
    this.#args = ['-a', '127.0.0.1']
    if (storeDir !== undefined) this.#args.push('-js', '-sd', storeDir)
    if (config !== undefined || cluster !== undefined) {
      this.#configFolder = mkdtempSync(join(tmpdir(), 'dsys-nats-'))
      this.#args.push('-c', join(this.#configFolder, CONFIG_FILE))
    }
  }

  #writeConfig() {
    if (this.#configFolder === undefined) return
    const { name, routes } = this.#cluster ?? { name: '', routes: [] }
    // The first time the server picks the port, and keeps it from then on: the others look for it there.
    const section =
      this.#cluster === undefined
        ? ''
        : `\ncluster { name: ${name}, listen: "127.0.0.1:${this.#routePort}", routes: ${JSON.stringify(routes)} }\n`
    writeFileSync(join(this.#configFolder, CONFIG_FILE), `${this.#config}${section}`, { mode: 0o600 })
  }

  get port() {
    return this.#port
  }

  /** The URL for clients. */
  get url() {
    return `nats://127.0.0.1:${this.#port}`
  }

  /** Where the other servers of its cluster find it. */
  get routeUrl() {
    return `nats://127.0.0.1:${this.#routePort}`
  }

  get pid() {
    return this.#child?.pid
  }

  /** The last 64 KiB of what the server wrote. */
  get output() {
    return this.#output()
  }

  /** For {@link startNatsServer}. @param {number | undefined} port */
  async start(port) {
    process.on('exit', this.#onExit)
    this.#writeConfig()
    try {
      // With -1 the server itself takes a free port, so nobody can take it in between.
      const args = [...this.#args, '-p', String(port ?? -1)]
      const launched = await launch(this.#binary, args, this.#cluster !== undefined)
      this.#child = launched.child
      this.#port = launched.port
      this.#routePort = launched.routePort
      this.#output = launched.output
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  /** Ends the server gently, then by force. Idempotent. */
  async stop() {
    await this.#end('SIGTERM')
    this.#forget()
    if (this.#configFolder !== undefined) rmSync(this.#configFolder, { recursive: true, force: true })
  }

  /** Ends the server as a crash would (`kill -9`). It can be started again by {@link NatsServer.restart}. */
  async kill() {
    await this.#end('SIGKILL')
  }

  /** Sends any signal, for instance SIGSTOP and SIGCONT for a server that hangs. @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child?.kill(signal)
  }

  /** Puts another configuration in force while the server runs, where it was started with one. @param {string} config */
  reload(config) {
    if (this.#configFolder === undefined) throw new Error('the server was started without a configuration')
    this.#config = config
    this.#writeConfig()
    this.signal('SIGHUP')
  }

  /** Starts the server again on the same port, after ending it if it runs. */
  async restart() {
    await this.#end('SIGTERM')
    this.#forget()
    await this.start(this.#port)
  }

  [Symbol.asyncDispose]() {
    return this.stop()
  }

  #forget() {
    process.off('exit', this.#onExit)
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const closed = new Promise((resolve) => child.once('close', resolve))
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await closed
    clearTimeout(timer)
  }
}

/**
 * Starts a `nats-server` on loopback. Resolves once it accepts clients; rejects with what it wrote. It ends with
 * `stop()`, and at the latest with this process: on Linux in any case, elsewhere unless this process is killed.
 *
 * @param {StartNatsOptions} [options]
 * @returns {Promise<NatsServer>}
 */
export async function startNatsServer(options = {}) {
  const binary = options.binary ?? findNatsServer()
  if (binary === undefined) throw new Error(`there is no nats-server on the PATH. ${HOW_TO_GET_ONE}`)
  const server = new NatsServer(binary, options)
  try {
    await server.start(options.port)
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}
