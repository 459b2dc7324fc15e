import { ExpectedError } from './environment.mjs'

/**
 * Finds the nats-server for the tests, or installs it where that is possible. Returns what the tests and turbo's hash need
 * to know of it; nothing when there is none, and then the tests that need it are skipped by name. With CI=true a missing
 * server is a failure.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<NodeJS.ProcessEnv>}
 */
export async function ensureNatsServer(env) {
  const { findNatsServer, installNatsServer } = await import('../nats-server/index.mjs')
  const server = (await findNatsServer()) ?? (await installNatsServer())
  if (server !== undefined) return { DSYS_NATS_SERVER: server }
  if (env['CI'] === 'true') throw new ExpectedError('nats-server is missing and could not be installed, and CI=true makes that a failure.')
  process.stdout.write('There is no nats-server on the PATH: the tests that need one are skipped.\n')
  return {}
}
