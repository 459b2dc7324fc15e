import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findNatsServer, findOnPath, unpackFolder } from './find.mjs'

/** What to do where this file cannot help. */
export const HOW_TO_GET_ONE =
  'Install one with "apt-get install nats-server" (Debian, Ubuntu), "brew install nats-server" (macOS), or run ' +
  '"docker run --rm -p 4222:4222 nats" and set NATS_URL=nats://127.0.0.1:4222.'

const COMMAND_TIMEOUT_MS = 180_000

/**
 * Runs a program to its end. Resolves with whether it succeeded, and all it wrote.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string }} [options]
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const child = spawn(program, args, {
      ...options,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: COMMAND_TIMEOUT_MS,
    })
    let output = ''
    const take = (/** @type {Buffer} */ chunk) => {
      output += chunk
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', (error) => resolve({ ok: false, output: `${output}${error.message}` }))
    child.on('close', (code, signal) => {
      const end = signal === null ? '' : `ended by ${signal}`
      resolve({ ok: code === 0, output: `${output}${end}`.trim() })
    })
  })
}

/** The last lines of what a program wrote, which is where it says why it failed. @param {string} output */
const tail = (output) => output.split('\n').slice(-3).join(' ')

/**
 * Tries an apt command, and once more after `apt-get update` where the package lists are missing or too old.
 *
 * @param {() => Promise<{ ok: boolean, output: string }>} attempt
 * @param {(line: string) => void} log
 * @param {boolean} asRoot
 */
async function withFreshLists(attempt, log, asRoot) {
  const first = await attempt()
  if (first.ok || !asRoot) return first
  log('Updating the package lists (apt-get update).')
  const update = await run('apt-get', ['update'])
  return update.ok ? attempt() : update
}

/** Downloads the package and unpacks it without installing it: needs no root. @param {string} folder */
async function unpack(folder) {
  mkdirSync(dirname(folder), { recursive: true })
  const work = mkdtempSync(`${folder}-`)
  try {
    const download = await run('apt-get', ['download', 'nats-server'], { cwd: work })
    if (!download.ok) return download
    const archive = readdirSync(work).find((name) => name.endsWith('.deb'))
    if (archive === undefined) return { ok: false, output: 'apt-get download left no package behind' }
    const extract = await run('dpkg-deb', ['-x', join(work, archive), join(work, 'root')])
    // The rename makes the copy appear whole or not at all, also when two processes do this at once.
    if (extract.ok && !existsSync(folder)) renameSync(join(work, 'root'), folder)
    return extract
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/**
 * Makes a `nats-server` available where that can be done without asking: on Debian and its kin. As root it installs
 * Debian's package, otherwise it unpacks it into `.tools/nats-server` of the repository. The service that the package
 * brings is not used.
 *
 * @param {{ log?: (line: string) => void, env?: NodeJS.ProcessEnv, folder?: string, asRoot?: boolean }} [options]
 * @returns {Promise<{ binary: string } | { reason: string }>} the program, or why there is none
 */
export async function installNatsServer({ log = () => {}, env = process.env, folder = unpackFolder, asRoot } = {}) {
  const present = findNatsServer({ env, folder })
  if (present !== undefined) return { binary: present }
  if (findOnPath('apt-get', env) === undefined || findOnPath('dpkg-deb', env) === undefined) {
    return { reason: `no nats-server on the PATH, and this is no Debian on which to install it. ${HOW_TO_GET_ONE}` }
  }
  const root = asRoot ?? process.getuid?.() === 0
  log(root ? 'Installing nats-server (apt-get install).' : `Unpacking nats-server into ${folder} (apt-get download).`)
  const install = ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '--no-install-recommends', 'nats-server']
  const result = await withFreshLists(() => (root ? run('apt-get', install) : unpack(folder)), log, root)
  const binary = findNatsServer({ env, folder })
  if (binary !== undefined) return { binary }
  return {
    reason: `no nats-server on the PATH, and getting it from Debian failed: ${tail(result.output)} ${HOW_TO_GET_ONE}`,
  }
}
