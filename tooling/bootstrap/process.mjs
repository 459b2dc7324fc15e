import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { ExpectedError, ROOT } from './environment.mjs'

/** Two signals within this time are one: npm forwards the Ctrl-C that the terminal has sent to us as well. */
const SAME_SIGNAL_MS = 500

/**
 * Runs a command to its end, with our input and output.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string }} [options]
 * @returns {Promise<number>} the exit code; 128 and the number of the signal when one ended it
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd ?? ROOT, env: options.env ?? process.env, stdio: 'inherit' })
    child.on('error', (error) => reject(new ExpectedError(`cannot run ${command}: ${error.message}`)))
    child.on('close', (code, signal) => resolve(exitCodeOf(code, signal)))
  })
}

/**
 * Runs an application to its end, and passes SIGINT, SIGTERM and SIGHUP on to it.
 *
 * The application gets a process group of its own: Ctrl-C in a terminal goes to every process of the foreground group, and
 * npm forwards it once more, yet the application must hear of it once. A second Ctrl-C, later, is passed on again.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<number>}
 */
export function runApplication(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: options.env ?? process.env,
      stdio: 'inherit',
      detached: process.platform !== 'win32',
    })
    let lastMs = Number.NEGATIVE_INFINITY
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      const nowMs = performance.now()
      if (nowMs - lastMs < SAME_SIGNAL_MS) return
      lastMs = nowMs
      child.kill(signal)
    }
    const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])
    for (const signal of signals) process.on(signal, forward)
    const release = () => {
      for (const signal of signals) process.off(signal, forward)
    }
    child.on('error', (error) => {
      release()
      reject(new ExpectedError(`cannot run ${command}: ${error.message}`))
    })
    child.on('close', (code, signal) => {
      release()
      resolve(exitCodeOf(code, signal))
    })
  })
}

/**
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 */
function exitCodeOf(code, signal) {
  if (code !== null) return code
  return 128 + (signal === null ? 0 : constants.signals[signal])
}
