import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository that this file belongs to. */
export const repositoryRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Where {@link installNatsServer} unpacks the server when it may not install it. */
export const unpackFolder = join(repositoryRoot, '.tools', 'nats-server')

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    // Not there, or not for us to run: both mean "look further".
    return false
  }
}

/**
 * The first program called `name` on the PATH.
 *
 * @param {string} name
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined}
 */
export function findOnPath(name, env = process.env) {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/**
 * Finds a `nats-server`: on the PATH, then where Debian puts it, then the copy unpacked inside the repository.
 *
 * @param {{ env?: NodeJS.ProcessEnv, folder?: string }} [options]
 * @returns {string | undefined} the path of the program
 */
export function findNatsServer({ env = process.env, folder = unpackFolder } = {}) {
  const onPath = findOnPath('nats-server', env)
  if (onPath !== undefined) return onPath
  // A package's programs stand in one of these two folders; the PATH of an ordinary user may lack the first.
  const candidates = ['usr/sbin', 'usr/bin'].map((bin) => join(folder, bin, 'nats-server'))
  return candidates.find((file) => existsSync(file) && isExecutable(file))
}
