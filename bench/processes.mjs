import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { findOnPath } from '../tooling/nats-server/find.mjs'

const STOP_TIMEOUT_MS = 20_000
/** Characters of a log that go into a message. */
const LAST_WORDS = 2_000
/** Clock ticks per second in /proc/PID/stat: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4_096

/** @type {Set<Program>} Everything that runs now, so that nothing outlives the bench. */
const running = new Set()

process.on('exit', () => {
  for (const program of running) program.signal('SIGKILL')
})

/**
 * @typedef {object} ProgramOptions
 * @property {string} logFile where its standard error goes
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string} [cwd]
 * @property {(text: string) => void} [onOutput] takes its standard output; without it, the program has no input, and
 *   its output is kept
 */

/** A program that the bench has started, and ends. On Linux it also ends when the bench is killed. */
export class Program {
  /** @type {import('node:child_process').ChildProcess} */
  #child
  #output = ''

  /**
   * @param {string} name for messages
   * @param {readonly [string, ...string[]]} command
   * @param {ProgramOptions} options
   */
  constructor(name, [command, ...args], { logFile, env, cwd, onOutput }) {
    this.name = name
    this.logFile = logFile
    const guard = process.platform === 'linux' ? findOnPath('setpriv') : undefined
    const log = openSync(logFile, 'a')
    this.#child = spawn(
      guard ?? command,
      guard === undefined ? args : ['--pdeathsig', 'KILL', '--', command, ...args],
      { stdio: [onOutput === undefined ? 'ignore' : 'pipe', 'pipe', log], env: env ?? process.env, cwd },
    )
    closeSync(log)
    this.#child.stdout?.setEncoding('utf8').on(
      'data',
      onOutput ??
        ((text) => {
          this.#output += text
        }),
    )
    // A program that has ended takes no more input; its end is told by `ended`.
    this.#child.stdin?.on('error', () => undefined)
    running.add(this)
    /** @type {Promise<number | null>} The exit code, or null where a signal ended it. */
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', resolve)
    }).finally(() => running.delete(this))
    // Whoever waits is told; an end that nobody waits for must not end the bench.
    this.ended.catch(() => undefined)
  }

  get pid() {
    return this.#child.pid ?? 0
  }

  get isRunning() {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** What it wrote to standard output so far. */
  get output() {
    return this.#output
  }

  /** Writes to its standard input. @param {string} text */
  write(text) {
    this.#child.stdin?.write(text)
  }

  /** The end of its log, for messages. */
  get lastWords() {
    return `the end of its log:\n${readFileSync(this.logFile, 'utf8').slice(-LAST_WORDS)}`
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child.kill(signal)
  }

  /** Ends it as a crash would. */
  async kill() {
    this.signal('SIGKILL')
    await this.ended
  }

  /** Ends it gently, and after a while by force. */
  async stop() {
    if (!this.isRunning) return
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), STOP_TIMEOUT_MS)
    await this.ended
    clearTimeout(timer)
  }
}

/** @param {number} ms @returns {Promise<void>} */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Asks again and again until the answer is something.
 *
 * @template T
 * @param {string} what for the message when the time is over
 * @param {() => Promise<T | undefined>} ask
 * @param {{ timeoutMs?: number, intervalMs?: number }} [options]
 * @returns {Promise<T>}
 */
export async function until(what, ask, { timeoutMs = 60_000, intervalMs = 20 } = {}) {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await pause(intervalMs)
  }
}

/**
 * Loopback ports that were free a moment ago, all different.
 *
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
      return server
    }),
  )
  const ports = servers.map((server) => /** @type {import('node:net').AddressInfo} */ (server.address()).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/**
 * Processor time of a process since its start, in seconds; undefined where there is no /proc.
 *
 * @param {number} pid
 */
export function cpuSeconds(pid) {
  const fields = statFields(pid)
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Processor time of everything on this machine since its start, in seconds; undefined where there is no /proc. */
export function machineCpuSeconds() {
  if (process.platform !== 'linux') return undefined
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync('/proc/stat', 'utf8')
    .slice('cpu '.length, 1_000)
    .trim()
    .split(' ')
    .map(Number)
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND
}

/**
 * Resident memory of a process in bytes; undefined where there is no /proc.
 *
 * @param {number} pid
 */
export function residentBytes(pid) {
  const fields = statFields(pid)
  return fields === undefined ? undefined : Number(fields[21]) * PAGE_BYTES
}

/** The fields of /proc/PID/stat from the third on: the second, the name, may hold anything. @param {number} pid */
function statFields(pid) {
  if (process.platform !== 'linux') return undefined
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}
