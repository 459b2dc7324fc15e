import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The commit of these sources, with `dirty` where files differ from it; `unknown` outside of a git checkout. A seed
 * means the same run only on the same sources.
 */
export function currentCommit(): string {
  const commit = git('rev-parse', '--short=12', 'HEAD')
  if (commit === undefined) return 'unknown'
  return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit} dirty`
}

function git(...args: string[]): string | undefined {
  const cwd = dirname(fileURLToPath(import.meta.url))
  const { status, stdout } = spawnSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return status === 0 ? stdout.trim() : undefined
}
