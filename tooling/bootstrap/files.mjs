import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ROOT } from './environment.mjs'

/**
 * The content of a file, or undefined when there is none.
 *
 * @param {string} path
 */
export function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/**
 * Replaces a file in one step, so that nobody reads half of it.
 *
 * @param {string} path
 * @param {string} content
 */
export function replaceFile(path, content) {
  mkdirSync(dirname(path), { recursive: true })
  const aside = `${path}.${process.pid}`
  writeFileSync(aside, content)
  renameSync(aside, path)
}

/** The folders of all packages and applications, relative to the root and sorted. */
export function workspaceFolders() {
  return ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(ROOT, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && isThere(join(ROOT, parent, entry.name, 'package.json')))
      .map((entry) => `${parent}/${entry.name}`)
      .sort(),
  )
}

/**
 * The files below a folder, sorted; none when the folder is missing.
 *
 * @param {string} directory
 * @returns {string[]}
 */
export function filesBelow(directory) {
  let entries
  try {
    entries = readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
  return entries
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(directory, entry.name)) : [join(directory, entry.name)]))
    .sort()
}

/**
 * A hash over what the files contain.
 *
 * @param {readonly string[]} paths
 * @param {readonly string[]} facts that count as well
 */
export function hashContents(paths, facts) {
  const hash = createHash('sha256')
  for (const fact of facts) hash.update(`${fact}\n`)
  for (const path of paths) hash.update(`${path}\n`).update(readIfThere(path) ?? 'missing')
  return hash.digest('hex')
}

/**
 * A hash over the names, sizes and times of files: quick, and different whenever an editor, git or a compiler has written
 * one of them.
 *
 * @param {readonly string[]} paths
 * @param {readonly string[]} facts that count as well
 */
export function hashStates(paths, facts) {
  const hash = createHash('sha256')
  for (const fact of facts) hash.update(`${fact}\n`)
  for (const path of paths) {
    const state = statSync(path, { throwIfNoEntry: false })
    hash.update(`${path} ${state?.size} ${state?.mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/** @param {string} path */
export function isThere(path) {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

/** @param {string} path */
export function removeAll(path) {
  rmSync(path, { recursive: true, force: true })
}

/** @param {unknown} error */
function isMissing(error) {
  const code = /** @type {NodeJS.ErrnoException} */ (error)?.code
  return code === 'ENOENT' || code === 'ENOTDIR'
}
