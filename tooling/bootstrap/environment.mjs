import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of this checkout. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/** Where this checkout keeps its own tools and reports; ignored by git. */
export const TOOLS = join(ROOT, '.tools')

/** The npm settings that say where packages come from. They hold for the tools that we start as well. */
const KEPT_NPM_SETTINGS = [
  /registry$/,
  /^npm_config_\/\//,
  /proxy$/,
  /cafile$/,
  /_ca$/,
  /strict_ssl$/,
  /userconfig$/,
  /_cache$/,
]

/**
 * What `npm run` adds to the environment and must not reach another package manager: it would take our package for its
 * own, and npm's prefix for its own.
 *
 * @param {string} name of a variable
 */
function comesFromNpm(name) {
  if (name.startsWith('npm_config_')) return !KEPT_NPM_SETTINGS.some((kept) => kept.test(name))
  return /^npm_(package_|lifecycle_|command$|node_execpath$|execpath$)/.test(name) || name === 'INIT_CWD'
}

/**
 * The environment for every tool: without npm's traces, with our own tools first on the path, and with telemetry off.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {readonly string[]} toolDirectories that come first on the path
 * @returns {NodeJS.ProcessEnv}
 */
export function toolEnvironment(env, toolDirectories = []) {
  const kept = Object.entries(env).filter(([name]) => !comesFromNpm(name))
  const path = [...toolDirectories, join(ROOT, 'node_modules/.bin'), env['PATH'] ?? ''].join(
    process.platform === 'win32' ? ';' : ':',
  )
  return {
    ...Object.fromEntries(kept),
    PATH: path,
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
    // turbo does not hash the version of Node by itself.
    DSYS_NODE_VERSION: process.version,
  }
}

/** An error whose message says all that the reader needs; it is printed without a stack. */
export class ExpectedError extends Error {
  expected = true
}
