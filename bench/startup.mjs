import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { view } from './dsys-cluster.mjs'
import { freePorts, Program, until } from './processes.mjs'
import { NODES } from './target.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const LAUNCHER = fileURLToPath(new URL('../apps/reference-node/dist/cluster.js', import.meta.url))

/**
 * How a cluster is started, by what is measured.
 *
 * @type {Readonly<Record<string, readonly [string, ...string[]]>>}
 */
export const STARTS = {
  'npm start': ['npm', 'start', '--'],
  launcher: [process.execPath, LAUNCHER],
}

/**
 * From the start of the command, with everything built and empty data folders, until a node says over HTTP that it leads.
 *
 * @param {readonly [string, ...string[]]} command
 * @param {string} directory
 * @param {number} times
 * @returns {Promise<number[]>} milliseconds each
 */
export async function startTimes(command, directory, times) {
  const all = []
  for (let i = 0; i < times; i++) {
    const [port = 0] = await freePorts(1)
    const flags = ['--http-port', String(port), '--data', join(directory, String(i)), '--log-level', 'warn']
    const startMs = performance.now()
    const program = new Program('launcher', [...command, ...flags], {
      logFile: join(directory, 'launcher.log'),
      cwd: ROOT,
    })
    try {
      await until('a leader', async () => {
        if (!program.isRunning) throw new Error(`the launcher has ended; ${program.lastWords}`)
        const views = await Promise.all(
          Array.from({ length: NODES }, (_, node) => view(`http://127.0.0.1:${port + node}`)),
        )
        return views.some((seen) => seen?.raft.role === 'leader') ? true : undefined
      })
      all.push(performance.now() - startMs)
    } finally {
      await program.stop()
    }
  }
  return all
}
