import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runChild } from './children.mjs'
import { ROOT, VARIABLE } from './mutant.mjs'

const HUNT = join(ROOT, 'tooling/mutants/hunt.mjs')
const REGISTER = pathToFileURL(join(ROOT, 'tooling/mutants/register.mjs')).href

/**
 * What a hunt found.
 *
 * @typedef {object} Hunted
 * @property {number} seeds how many were run
 * @property {number} [seed] the one that broke a promise
 * @property {string} [rule] which promise
 */

/**
 * Looks for the mutant with its simulation, from the build.
 *
 * @param {import('./mutant.mjs').Mutant} mutant
 * @param {{ first: number, count: number, timeoutMs: number }} seeds
 * @returns {Promise<Hunted | undefined>} nothing when no simulation can see it
 */
export async function hunt(mutant, { first, count, timeoutMs }) {
  if (mutant.scenario === undefined) return undefined
  const command = [
    ...[process.execPath, '--import', REGISTER, HUNT],
    ...[mutant.scenario, String(first), String(count), JSON.stringify(mutant.fixed ?? {})],
  ]
  const { exitCode, output, hung } = await runChild(command, {
    env: { ...process.env, [VARIABLE]: mutant.name },
    timeoutMs,
  })
  const lines = output.trim().split('\n')
  if (hung) {
    const last = Number(lines.findLast((line) => line.startsWith('seed '))?.slice(5) ?? first)
    return { seeds: last - first }
  }
  const result = lines.findLast((line) => line.startsWith('{'))
  if (exitCode !== 0 || result === undefined) throw new Error(`the hunt for "${mutant.name}" failed:\n${output}`)
  return JSON.parse(result)
}
