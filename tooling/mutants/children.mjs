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
 * Runs a command to its end, and ends it with all its children when it takes too long: a planted bug may well make an
 * endless loop.
 *
 * @param {readonly string[]} command
 * @param {{ env: NodeJS.ProcessEnv, timeoutMs: number }} options
 * @returns {Promise<Ended>}
 */
export function runChild([file = '', ...args], { env, timeoutMs }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let output = ''
    let hung = false
    const timer = setTimeout(() => {
      hung = true
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, timeoutMs)
    const take = (/** @type {Buffer} */ chunk) => {
      output += chunk.toString()
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.on('close', (exitCode) => {
      clearTimeout(timer)
      resolve({ exitCode, output, hung })
    })
  })
}
