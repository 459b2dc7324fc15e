import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findOnPath } from '../../tooling/nats-server/find.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const TOOLS = fileURLToPath(new URL('../../.tools', import.meta.url))
/** Where Debian puts the sources of Go packages. */
const SOURCES = '/usr/share/gocode'

/**
 * Builds one of the programs in this folder with the Go of the system, from the sources of Debian's packages.
 *
 * @param {string} name
 * @param {readonly string[]} imports paths of the packages that it is built with
 * @returns {string | undefined} the program; undefined where Go or a package is missing
 */
export function buildPeer(name, imports) {
  const go = findOnPath('go')
  if (go === undefined || imports.some((path) => !existsSync(join(SOURCES, 'src', path)))) return undefined
  const folder = join(TOOLS, 'bench-peers')
  const program = join(folder, name)
  mkdirSync(folder, { recursive: true })
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: SOURCES, GOCACHE: join(folder, 'cache'), GOFLAGS: '' }
  execFileSync(go, ['build', '-o', program, '.'], {
    cwd: join(HERE, name),
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return program
}

/** The version of one of Debian's packages, for the page. @param {string} name */
export function debianVersion(name) {
  const query = findOnPath('dpkg-query')
  return query === undefined
    ? 'unknown'
    : execFileSync(query, ['-W', '-f', '$' + '{Version}', name], { encoding: 'utf8' })
}
