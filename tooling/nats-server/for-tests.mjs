import { startNatsCluster } from './cluster.mjs'
import { installNatsServer } from './install.mjs'
import { startNatsServer } from './start.mjs'

/**
 * What tests that need NATS are given: a way to start servers, or the reason why there are none.
 *
 * @typedef {object} NatsForTests
 * @property {string | undefined} reason why there is no server; undefined when there is one
 * @property {(options?: import('./start.mjs').StartNatsOptions) => Promise<import('./start.mjs').NatsServer>} start
 * @property {(options?: import('./cluster.mjs').StartNatsClusterOptions) => Promise<import('./cluster.mjs').NatsCluster>} startCluster
 * @property {(describe: DescribeLike, name: string, body: () => void) => void} describe runs `body` under `name`, or
 *   reports each test in it as skipped, with the reason in the name
 */

/** @typedef {{ (name: string, body: () => void): unknown, skip(name: string, body: () => void): unknown }} DescribeLike */

/**
 * Finds a `nats-server` for tests, and gets it from Debian where it is missing. Where that is impossible the tests are
 * skipped by name, or with `CI=true` fail: there a missing server must not look like success.
 *
 * @param {{ env?: NodeJS.ProcessEnv, folder?: string, log?: (line: string) => void }} [options]
 * @returns {Promise<NatsForTests>}
 */
export async function natsForTests(options = {}) {
  const env = options.env ?? process.env
  const result = await installNatsServer(options)
  if ('binary' in result) {
    return {
      reason: undefined,
      start: (startOptions = {}) => startNatsServer({ binary: result.binary, ...startOptions }),
      startCluster: (startOptions = {}) => startNatsCluster({ binary: result.binary, ...startOptions }),
      describe: (describe, name, body) => void describe(name, body),
    }
  }
  const { reason } = result
  if (env.CI === 'true') throw new Error(`with CI=true these tests must not be skipped: ${reason}`)
  return {
    reason,
    start: () => Promise.reject(new Error(reason)),
    startCluster: () => Promise.reject(new Error(reason)),
    describe: (describe, name, body) => void describe.skip(`${name} (skipped: ${reason})`, body),
  }
}
