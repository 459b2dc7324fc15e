import { join } from 'node:path'
import { ExpectedError, ROOT, TOOLS, toolEnvironment } from './environment.mjs'
import { hashContents, readIfThere, replaceFile, workspaceFolders } from './files.mjs'
import { withLock } from './lock.mjs'
import { ensurePnpm } from './pnpm.mjs'
import { run } from './process.mjs'

/** Inside node_modules, so that whoever removes that removes the stamp too. */
const STAMP = join(ROOT, 'node_modules/.dsys-installed')

/** What an install depends on. */
function fingerprint() {
  const manifests = ['.', ...workspaceFolders()].map((folder) => join(ROOT, folder, 'package.json'))
  const files = [join(ROOT, 'pnpm-lock.yaml'), join(ROOT, 'pnpm-workspace.yaml'), ...manifests]
  return hashContents(files, [process.version, process.platform, process.arch])
}

/**
 * Installs pnpm and the dependencies when they are missing or out of date. Returns the environment in which the tools run.
 *
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function ensureInstalled() {
  if (readIfThere(STAMP) === fingerprint()) return toolEnvironment(process.env, [await ensurePnpm()])
  return await withLock(join(TOOLS, 'install.lock'), async () => {
    const env = toolEnvironment(process.env, [await ensurePnpm()])
    if (readIfThere(STAMP) === fingerprint()) return env
    const args = ['install', '--frozen-lockfile', '--config.confirm-modules-purge=false']
    const exitCode = await run('pnpm', args, { env })
    if (exitCode !== 0)
      throw new ExpectedError(`pnpm install failed with exit code ${exitCode}; see its message above.`)
    replaceFile(STAMP, fingerprint())
    return env
  })
}
