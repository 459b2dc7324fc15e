import { readFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ExpectedError, ROOT, TOOLS, toolEnvironment } from './environment.mjs'
import { isThere, removeAll, replaceFile } from './files.mjs'
import { run } from './process.mjs'

/** The version of pnpm that package.json pins. */
function pinnedVersion() {
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const version = /^pnpm@(\d+\.\d+\.\d+)/.exec(packageManager)?.[1]
  if (version === undefined)
    throw new ExpectedError(`package.json must pin pnpm in packageManager, not ${packageManager}`)
  return version
}

/**
 * The folder with the pinned pnpm, which is installed by npm when it is missing. Corepack is not used: the versions of it
 * that come with Node 20 cannot verify today's signatures.
 *
 * @returns {Promise<string>}
 */
export async function ensurePnpm() {
  const version = pinnedVersion()
  const home = join(TOOLS, `pnpm-${version}`)
  const bin = join(home, 'node_modules/.bin')
  if (isThere(join(home, 'complete'))) return bin

  process.stdout.write(`Installing pnpm ${version} into ${TOOLS} …\n`)
  // Installed aside and renamed when whole: neither an interrupted nor a second install can leave half a folder behind.
  const aside = `${home}.${process.pid}`
  removeAll(aside)
  replaceFile(join(aside, 'package.json'), '{ "private": true }\n')
  const npm = npmCommand()
  const args = [
    'install',
    '--prefix',
    aside,
    '--no-audit',
    '--no-fund',
    '--no-save',
    '--loglevel=error',
    `pnpm@${version}`,
  ]
  const env = { ...toolEnvironment(process.env), npm_config_ignore_scripts: 'false' }
  const exitCode = await run(npm.command, [...npm.args, ...args], { env, cwd: aside })
  if (exitCode !== 0) {
    removeAll(aside)
    throw new ExpectedError(`npm could not install pnpm ${version} (exit code ${exitCode}); see its message above.`)
  }
  replaceFile(join(aside, 'complete'), '')
  moveInPlace(aside, home)
  return bin
}

/**
 * @param {string} aside
 * @param {string} home
 */
function moveInPlace(aside, home) {
  if (!isThere(join(home, 'complete'))) removeAll(home)
  try {
    renameSync(aside, home)
  } catch (error) {
    // Another run was quicker: its install is as good as ours.
    removeAll(aside)
    if (!isThere(join(home, 'complete'))) throw error
  }
}

/** How to run npm: as the npm that has started us, or the one beside node, or the one on the path. */
function npmCommand() {
  const candidates = [
    process.env['npm_execpath'],
    join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js'),
    join(dirname(process.execPath), 'node_modules/npm/bin/npm-cli.js'),
  ]
  const script = candidates.find((path) => path?.endsWith('npm-cli.js') && isThere(path))
  return script === undefined ? { command: 'npm', args: [] } : { command: process.execPath, args: [script] }
}
