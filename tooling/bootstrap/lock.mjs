import { linkSync, mkdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readIfThere } from './files.mjs'

const RETRY_MS = 200

/**
 * Runs `work` while this process alone holds the lock file. A lock whose holder is gone is taken over.
 *
 * @template T
 * @param {string} path of the lock file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, work) {
  mkdirSync(dirname(path), { recursive: true })
  let told = false
  while (!tryLock(path)) {
    const holder = readIfThere(path)
    if (holder === undefined) continue
    if (!isAlive(Number(holder))) {
      removeStale(path, holder)
      continue
    }
    if (!told) process.stderr.write(`Waiting for process ${holder}, which works in this checkout (${path}) …\n`)
    told = true
    await sleep(RETRY_MS)
  }
  try {
    return await work()
  } finally {
    unlinkSync(path)
  }
}

/**
 * The lock appears with its content in one step: a link to a file that is whole.
 *
 * @param {string} path
 */
function tryLock(path) {
  const aside = `${path}.${process.pid}`
  writeFileSync(aside, `${process.pid}`)
  try {
    linkSync(aside, path)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  } finally {
    unlinkSync(aside)
  }
}

/**
 * Removes the lock of a process that is gone. Of several who try, one moves the file away; who finds that it has moved the
 * next holder's lock instead puts it back.
 *
 * @param {string} path
 * @param {string} holder that is gone
 */
function removeStale(path, holder) {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  if (readIfThere(aside) === holder) unlinkSync(aside)
  else renameSync(aside, path)
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code
}
