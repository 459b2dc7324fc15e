import { statSync } from 'node:fs'
import { ExpectedError } from './environment.mjs'

/**
 * Finds the nats-server for the tests, or installs it where that is possible. Without one, the tests that need it are
 * skipped by name; with CI=true a missing server is a failure.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<NodeJS.ProcessEnv>} which server there is, for turbo's hash: with another one the tests run again
 */
export async function ensureNatsServer(env) {
  const { installNatsServer } = await import('../nats-server/index.mjs')
  const result = await installNatsServer({ env, log: (line) => void process.stdout.write(`${line}\n`) })
  if ('binary' in result) {
    const { size, mtimeMs } = statSync(result.binary)
    return { DSYS_NATS_SERVER: `${result.binary} ${size} ${mtimeMs}` }
  }
  if (env['CI'] === 'true')
    throw new ExpectedError(`There is no nats-server, and with CI=true that is a failure: ${result.reason}`)
  process.stdout.write(`The tests that need a nats-server are skipped: ${result.reason}\n`)
  return {}
}
