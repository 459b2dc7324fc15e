import { rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ExpectedError, ROOT, TOOLS } from './environment.mjs'
import { filesBelow, hashStates, isThere, readIfThere, replaceFile, workspaceFolders } from './files.mjs'
import { withLock } from './lock.mjs'
import { run } from './process.mjs'

const STAMP = join(TOOLS, 'built')

/** Sources and outputs as they stand: when neither has changed since the last good build, there is nothing to do. */
function fingerprint() {
  const files = ['tsconfig.json', 'tsconfig.base.json', 'pnpm-lock.yaml'].map((name) => join(ROOT, name))
  for (const folder of workspaceFolders()) {
    files.push(join(ROOT, folder, 'package.json'), join(ROOT, folder, 'tsconfig.json'))
    files.push(...filesBelow(join(ROOT, folder, 'src')), ...filesBelow(join(ROOT, folder, 'dist')))
  }
  return hashStates(files, [process.version])
}

/**
 * Builds every package and application unless the last build is current.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export async function ensureBuilt(env) {
  if (readIfThere(STAMP) === fingerprint()) return
  await withLock(join(TOOLS, 'build.lock'), async () => {
    if (readIfThere(STAMP) === fingerprint()) return
    removeOrphans()
    const exitCode = await run('turbo', ['run', '//#build', '--output-logs=new-only', '--ui=stream'], { env })
    if (exitCode !== 0) throw new ExpectedError('The build failed; see the messages above.')
    markBuilt()
  })
}

/** Remembers that the build as it stands is good. */
export function markBuilt() {
  replaceFile(STAMP, fingerprint())
}

/** Removes what an earlier build made of sources that are gone: the compiler leaves it, and it would be published. */
export function removeOrphans() {
  for (const folder of workspaceFolders()) {
    const dist = join(ROOT, folder, 'dist')
    for (const output of filesBelow(dist)) {
      const source = sourceOf(relative(dist, output))
      if (source !== undefined && !isThere(join(ROOT, folder, 'src', source))) rmSync(output)
    }
  }
}

/**
 * The source that an output of the compiler was made of, relative to src; undefined for a file that has none.
 *
 * @param {string} output relative to dist
 */
export function sourceOf(output) {
  const match = /^(.*?)(?:\.d)?\.(js|mjs|ts|mts)(?:\.map)?$/.exec(output)
  if (match === null) return undefined
  return `${match[1]}.${match[2]?.startsWith('m') ? 'mts' : 'ts'}`
}
