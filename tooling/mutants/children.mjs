import { spawn } from 'node:child_process'
import { ROOT } from './mutant.mjs'

/**
 * How a child process ended.
 *
 * @typedef {object} Ended
 * @property {number | null} exitCode
 * @property {string} output
 * @property {boolean} hung it was ended since it did not end by itself
 */

/**
 * Runs a command to its end, and ends it with all its children when it takes too long, or says nothing for too long: a planted bug may
 * well make an endless loop.
 *
 * @param {readonly string[]} command
 * @param {{ env: NodeJS.ProcessEnv, timeoutMs: number, silentMs?: number }} options
 * @returns {Promise<Ended>}
 */
export function runChild([file = '', ...args], { env, timeoutMs, silentMs = timeoutMs }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let output = ''
    let hung = false
    const end = () => {
      hung = true
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }
    const timer = setTimeout(end, timeoutMs)
    const silence = setTimeout(end, silentMs)
    const take = (/** @type {Buffer} */ chunk) => {
      silence.refresh()
      output += chunk.toString()
    }
    const stopWaiting = () => {
      clearTimeout(timer)
      clearTimeout(silence)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', (error) => {
      stopWaiting()
      reject(error)
    })
    child.on('close', (exitCode) => {
      stopWaiting()
      resolve({ exitCode, output, hung })
    })
  })
}
