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

/** No seed takes so long, on a busy machine either: it does not end. */
const HANG_MS = 45_000

/**
 * The promises that seeds break without any planted bug, as far as one was asked about. @type {Map<string, Promise<string | undefined>>}
 */
const ruleWithoutBug = new Map()

/** Seeds that break a promise without any planted bug: they find nothing, and are to be looked into first. */
export async function brokenWithoutBug() {
  const all = await Promise.all([...ruleWithoutBug].map(async ([seed, rule]) => ({ seed, rule: await rule })))
  return all.filter(({ rule }) => rule !== undefined).map(({ seed, rule }) => `${seed} (${rule})`)
}

/**
 * Looks for the mutant with its simulation, from the build. A seed that breaks a promise without the bug as well does not count. One
 * that does not end shows the bug too, but a promise that is broken says more, so that is looked for behind it.
 *
 * @param {import('./mutant.mjs').Mutant} mutant
 * @param {{ first: number, count: number, timeoutMs: number }} seeds
 * @returns {Promise<Hunted | undefined>} nothing when no simulation can see it
 */
export async function hunt(mutant, { first, count, timeoutMs }) {
  if (mutant.scenario === undefined) return undefined
  const endMs = performance.now() + timeoutMs
  let hungSeed
  let next = first
  while (next < first + count && performance.now() < endMs) {
    const { last, hung, result } = await huntFrom(mutant, next, first + count - next, endMs - performance.now())
    const found = result?.seed !== undefined
    if (found && !(await breaksWithoutBug(mutant, last))) return { ...result, seeds: last - first + 1 }
    next = last + 1
    if (hung) hungSeed ??= last
    else if (!found) break
  }
  const seeds = next - first
  return hungSeed === undefined ? { seeds } : { seeds, seed: hungSeed, rule: 'ends' }
}

/**
 * @param {import('./mutant.mjs').Mutant} mutant
 * @param {number} seed
 */
async function breaksWithoutBug(mutant, seed) {
  const key = [mutant.scenario, `seed ${seed}`, JSON.stringify(mutant.fixed ?? {})].join(', ')
  const known =
    ruleWithoutBug.get(key) ??
    huntFrom({ ...mutant, name: 'none' }, seed, 1, HANG_MS).then(({ result }) => result?.rule)
  ruleWithoutBug.set(key, known)
  return (await known) !== undefined
}

/**
 * @param {import('./mutant.mjs').Mutant & { scenario?: string }} mutant
 * @param {number} first
 * @param {number} count
 * @param {number} timeoutMs
 * @returns {Promise<{ last: number, hung: boolean, result?: Hunted }>} the last seed that was begun, and whether it hung
 */
async function huntFrom(mutant, first, count, timeoutMs) {
  const command = [
    ...[process.execPath, '--import', REGISTER, HUNT],
    ...[mutant.scenario ?? '', String(first), String(count), JSON.stringify(mutant.fixed ?? {})],
  ]
  const beganMs = performance.now()
  const { exitCode, output, hung } = await runChild(command, {
    env: { ...process.env, [VARIABLE]: mutant.name },
    timeoutMs,
    silentMs: HANG_MS,
  })
  const lines = output.trim().split('\n')
  const last = Number(lines.findLast((line) => line.startsWith('seed '))?.slice(5) ?? first)
  // Out of time is not hung, and then the last seed was not run to its end.
  if (hung) return performance.now() - beganMs < timeoutMs ? { last, hung } : { last: last - 1, hung: false }
  const result = lines.findLast((line) => line.startsWith('{'))
  if (exitCode !== 0 || result === undefined) throw new Error(`the hunt for "${mutant.name}" failed:\n${output}`)
  return { last, hung, result: JSON.parse(result) }
}

/**
 * Looks with the seed that found the mutant the last time, and then from the beginning.
 *
 * @param {import('./mutant.mjs').Mutant} mutant
 * @param {{ first: number, count: number, timeoutMs: number }} seeds
 * @param {number | undefined} known
 * @returns {Promise<Pick<import('./record.mjs').Death, 'seed' | 'rule' | 'seeds'>>} empty when no simulation can see it
 */
export async function huntAgain(mutant, seeds, known) {
  const again = known === undefined ? undefined : await hunt(mutant, { ...seeds, first: known, count: 1 })
  const hunted = again?.seed === undefined ? await hunt(mutant, seeds) : again
  if (hunted === undefined) return {}
  return hunted.seed === undefined ? { seeds: hunted.seeds } : { seed: hunted.seed, rule: hunted.rule ?? '' }
}
