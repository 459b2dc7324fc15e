import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** @param {string} line */
export const say = (line) => void process.stdout.write(`${line}\n`)

/**
 * Runs one bench. An error ends it with exit code 1, a signal too, and either way everything that it has started ends with
 * it: see `Program` and `workFolder`.
 *
 * @param {() => Promise<void>} main
 */
export async function runBench(main) {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => process.exit(1))
  try {
    await main()
    process.exit(0)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  }
}

/**
 * A new folder for data and logs on the disk of this checkout. It is removed when this process ends, unless it is to be kept.
 *
 * @param {{ keep: boolean }} options
 */
export function workFolder({ keep }) {
  const folder = join(ROOT, '.tools', 'bench', String(process.pid))
  mkdirSync(folder, { recursive: true })
  process.on('exit', () => {
    if (keep) say(`Data and logs are in ${folder}`)
    // A program that was killed a moment ago may still make a file.
    else rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  })
  return folder
}

/**
 * A whole number above 0 from the command line.
 *
 * @param {string} name of the option
 * @param {string | undefined} text
 * @param {number} preset
 */
export function wholeOption(name, text, preset) {
  const value = text === undefined ? preset : Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number above 0`)
  return value
}
