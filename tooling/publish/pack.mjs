import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT, toolEnvironment } from '../bootstrap/environment.mjs'
import { ensurePnpm } from '../bootstrap/pnpm.mjs'

const runFile = promisify(execFile)

/**
 * Runs a command quietly and returns its output; throws with all of it when the command fails.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<string>}
 */
export async function output(command, args, options = {}) {
  const { cwd = ROOT, env = toolEnvironment(process.env) } = options
  try {
    const { stdout } = await runFile(command, args, { cwd, env, maxBuffer: 64 * 2 ** 20 })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = /** @type {{ stdout?: string, stderr?: string }} */ (error)
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error })
  }
}

/**
 * Packs every package as it would be published. The packages must be built.
 *
 * @param {string} directory for the tarballs
 * @returns {Promise<Map<string, string>>} the tarballs by the short names of the packages, such as `raft`
 */
export async function packAll(directory) {
  await mkdir(directory, { recursive: true })
  const env = toolEnvironment(process.env, [await ensurePnpm()])
  await output('pnpm', ['-r', '--filter', './packages/*', 'pack', '--pack-destination', directory], { env })
  const tarballs = readdirSync(directory).filter((name) => name.endsWith('.tgz'))
  return new Map(
    tarballs.map((name) => [name.replace(/^dsys-(.*)-\d+\.\d+\.\d+.*\.tgz$/, '$1'), join(directory, name)]),
  )
}
