import { join } from 'node:path'
import { pitfallsOf, ROOT, unitOf } from './mutant.mjs'
import { died } from './record.mjs'

export const PAGE = join(ROOT, 'docs/mutants.md')

/** @typedef {readonly import('./mutant.mjs').Mutant[]} Mutants */
/** @typedef {Readonly<Record<string, import('./record.mjs').Death>>} Deaths */

/**
 * @param {Mutants} mutants
 * @param {Deaths} deaths
 */
export function summarize(mutants, deaths) {
  const seen = mutants.filter(({ scenario }) => scenario !== undefined)
  const count = (/** @type {Mutants} */ some, /** @type {(death: import('./record.mjs').Death) => boolean} */ by) =>
    some.filter(({ name }) => deaths[name] !== undefined && by(deaths[name])).length
  return (
    `${count(mutants, died)} of ${mutants.length} planted bugs died: ` +
    `${count(mutants, ({ test }) => test !== undefined)} by the tests of their package, ` +
    `${count(seen, ({ seed }) => seed !== undefined)} of ${seen.length} by simulation`
  )
}

/**
 * What is known of a pitfall of Raft by the bugs that fall into it.
 *
 * @typedef {object} PitfallScore
 * @property {string} id
 * @property {Mutants} own
 * @property {Mutants} byTest those that the tests of their package have found
 * @property {Mutants} bySimulation
 */

/**
 * @param {Mutants} mutants
 * @param {Deaths} deaths
 * @returns {readonly PitfallScore[]}
 */
export function scoreOfPitfalls(mutants, deaths) {
  const ids = [...new Set(mutants.flatMap(pitfallsOf))].sort()
  return ids.map((id) => {
    const own = mutants.filter((mutant) => pitfallsOf(mutant).includes(id))
    const byTest = own.filter(({ name }) => deaths[name]?.test !== undefined)
    const bySimulation = own.filter(({ name }) => deaths[name]?.seed !== undefined)
    return { id, own, byTest, bySimulation }
  })
}

/**
 * Those of which one and the same bug was found by a test and by simulation.
 *
 * @param {readonly PitfallScore[]} scores
 */
export const foundByBoth = (scores) =>
  scores.filter(({ byTest, bySimulation }) => byTest.some((mutant) => bySimulation.includes(mutant)))

/**
 * The page of the docs. It has those that were run.
 *
 * @param {Mutants} all
 * @param {import('./record.mjs').Score} score
 */
export function page(all, { commit, deaths }) {
  const mutants = all.filter(({ name }) => deaths[name] !== undefined)
  const scores = scoreOfPitfalls(mutants, deaths)
  const byTest = scores.filter((each) => each.byTest.length > 0).length
  const bySimulation = scores.filter((each) => each.bySimulation.length > 0).length
  return `# Planted bugs

Each line is a bug that \`npm run mutants\` plants into a copy of the code, one at a time, to see whether the tests find it:
the unit tests of the package that holds it, and the simulation, seed after seed. A bug that neither finds fails the command.
\`npm run mutants -- --write\` renews this page, with \`--only TEXT\` for some of them; \`npm test\` plants a sample.

The last run of all was of commit ${commit}. ${summarize(mutants, deaths)}.

**Of the ${scores.length} known pitfalls of Raft that have a planted bug, tests found one for ${byTest}, the simulation for ${bySimulation},
and both found the same one for ${foundByBoth(scores).length}.** The second table has them.

| Bug | Rule | Package | Simulation | First test that fails |
|---|---|---|---|---|
${mutants.map((mutant) => row(rowOf(mutant, deaths[mutant.name] ?? {}))).join('\n')}

## By known pitfall

The ids are those of [the list of known pitfalls](../packages/raft/PITFALLS.md).

| Pitfall | Planted bugs | Died by tests | Died by simulation |
|---|---|---|---|
${scores.map((score) => row(pitfallRow(score))).join('\n')}
`
}

/** @param {readonly string[]} cells */
const row = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

/**
 * @param {import('./mutant.mjs').Mutant} mutant
 * @param {import('./record.mjs').Death} death
 */
function rowOf(mutant, death) {
  const { name, source } = mutant
  return [name, source, `\`${unitOf(mutant.file)}\``, simulationText(mutant, death), death.test ?? 'no']
}

/**
 * @param {import('./mutant.mjs').Mutant} mutant
 * @param {import('./record.mjs').Death} death
 */
function simulationText({ scenario }, { seed, rule, seeds = 0 }) {
  if (scenario === undefined) return 'is not looked for'
  return seed === undefined ? `not within ${seeds} seeds` : `seed ${seed}: ${rule}`
}

/** @param {PitfallScore} score */
function pitfallRow({ id, own, byTest, bySimulation }) {
  const names = own.map(({ name }) => name).join('; ')
  return [id, names, `${byTest.length} of ${own.length}`, `${bySimulation.length} of ${own.length}`]
}
