import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import type { Random } from '@dsys/runtime'
import { DirectoryLockedError } from '@dsys/storage'

/** Who holds a lock, as its file says. */
interface Holder {
  readonly pid: number
  /** Tells two processes with the same pid apart; `undefined` where the system does not say. */
  readonly startedAs: string | undefined
  /** Drawn for this one lock. */
  readonly nonce: string
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return undefined
    throw error
  }
}

/** On Linux the boot and the tick at which process `pid` started; `undefined` without such a process, or elsewhere. */
async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  const [boot, stat] = await Promise.all([textOf('/proc/sys/kernel/random/boot_id'), textOf(`/proc/${pid}/stat`)])
  if (boot === undefined || stat === undefined) return undefined
  // The second field is the command in parentheses, which may hold anything; field 22 is the 20th behind it.
  const tick = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return tick === undefined ? undefined : `${boot.trim()}/${tick}`
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  // 0 stands for the caller's own process group, never for a process.
  if (!Number.isSafeInteger(holder.pid) || holder.pid <= 0) return false
  if (!exists(holder.pid)) return false
  return holder.startedAs === undefined || holder.startedAs === (await startOf(holder.pid))
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await textOf(path)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Holder
  } catch {
    // A lock appears whole, so only a loss of power can have left half of one, and then its process is dead.
    return { pid: 0, startedAs: undefined, nonce: 'damaged' }
  }
}

/** The process that holds the folder `realPath`, if one does that is alive. */
export async function lockedBy(realPath: string): Promise<number | undefined> {
  const holder = await readHolder(`${realPath}/lock`)
  return holder !== undefined && (await isAlive(holder)) ? holder.pid : undefined
}

/**
 * Makes `path` ours, or throws DirectoryLockedError. `mine` is a finished file that says who we are; linking it in is
 * atomic and fails when `path` is there, so nobody ever sees half a lock.
 *
 * A lock whose process is dead is replaced. Two processes may want to do so at once, and the slower one must not replace the
 * lock of the faster: each first takes a lock of its own kind on *this* dead lock, then looks again.
 */
async function acquire(path: string, mine: string, directory: string): Promise<void> {
  for (;;) {
    try {
      await link(mine, path)
      return
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
    const holder = await readHolder(path)
    if (holder === undefined) continue
    if (await isAlive(holder)) throw new DirectoryLockedError(directory, `process ${holder.pid}`)
    const takeover = `${path}.${holder.nonce}`
    await acquire(takeover, mine, directory)
    try {
      if ((await readHolder(path))?.nonce === holder.nonce) {
        const copy = `${takeover}.new`
        await writeFile(copy, await readFile(mine))
        await rename(copy, path)
        return
      }
    } finally {
      await unlink(takeover)
    }
  }
}

/** Takes `directory`, given with its real path, for this process. Returns what gives it back. */
export async function lockDirectory(realPath: string, directory: string, random: Random): Promise<() => Promise<void>> {
  const nonce = Buffer.from(random.bytes(12)).toString('hex')
  const holder: Holder = { pid: process.pid, startedAs: await startOf(process.pid), nonce }
  const path = `${realPath}/lock`
  const mine = `${path}-${nonce}`
  await writeFile(mine, JSON.stringify(holder), { flag: 'wx' })
  try {
    await acquire(path, mine, directory)
  } finally {
    await unlink(mine)
  }
  return async () => {
    // Somebody may have removed the file by hand, and another process may have taken the folder since.
    if ((await readHolder(path))?.nonce === nonce) await unlink(path)
  }
}
