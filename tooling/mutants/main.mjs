import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { MUTANTS } from './all.mjs'
import { ROOT } from './mutant.mjs'
import { foundByBoth, PAGE, page, scoreOfPitfalls, summarize } from './page.mjs'
import { died, readScore, writeScore } from './record.mjs'
import { brokenWithoutBug, huntAgain } from './simulator.mjs'
import { killedBySuite } from './suite.mjs'

const USAGE = `npm run mutants -- [options]: plants every bug, one at a time, and says by what it dies. What found it the last time is
tried first.
  --only TEXT   just those whose name, file or rule contains TEXT, as P-25
  --new         just those that were never run
  --seeds N     seeds that a simulation may use for each (default 6000)
  --minutes N   time that a simulation may use for each (default 3)
  --write       keep what was found, in tooling/mutants/found.json and docs/mutants.md; each bug as soon as it has died, so that
                a run that is broken off is not lost
`

/** @returns {Promise<number>} the exit code */
async function main() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      new: { type: 'boolean', default: false },
      seeds: { type: 'string', default: '6000' },
      minutes: { type: 'string', default: '3' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return 0
  }
  const { only, write } = values
  const score = readScore()
  const chosen = MUTANTS.filter(
    ({ name, file, source }) =>
      (only === undefined || [name, file, source].some((text) => text.includes(only))) &&
      !(values.new && score.deaths[name] !== undefined),
  )
  const limits = { first: 1, count: Number(values.seeds), timeoutMs: Number(values.minutes) * 60_000 }

  /** @type {Record<string, import('./record.mjs').Death>} */
  const deaths = {}
  const waiting = [...chosen]
  const work = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const { name } = mutant
      const known = score.deaths[name]
      const test = await killedBySuite(mutant, known?.test)
      const death = { ...(test === undefined ? {} : { test }), ...(await huntAgain(mutant, limits, known?.seed)) }
      deaths[name] = death
      process.stdout.write(line(name, death))
      if (!write) continue
      score.deaths[name] = death
      writeScore(score)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))

  process.stdout.write(`\n${summarize(chosen, deaths)}\n`)
  process.stdout.write(
    `pitfalls found by tests and by simulation: ${foundByBoth(scoreOfPitfalls(chosen, deaths)).length}\n`,
  )
  if (write) {
    // A run of some of them, or one that was broken off, is not of that commit as a whole.
    if (chosen.length === MUTANTS.length) score.commit = commit()
    writeScore(score)
    writeFileSync(PAGE, page(MUTANTS, score))
  }
  const broken = await brokenWithoutBug()
  for (const seed of broken) process.stdout.write(`BROKEN without any planted bug: ${seed}\n`)
  return broken.length === 0 && chosen.every(({ name }) => died(deaths[name])) ? 0 : 1
}

/**
 * @param {string} name
 * @param {import('./record.mjs').Death} death
 */
function line(name, death) {
  const { test, seed, rule, seeds } = death
  let simulation = ''
  if (seed !== undefined) simulation = `; simulation, seed ${seed} (${rule})`
  else if (seeds !== undefined) simulation = `; no simulation in ${seeds} seeds`
  return `${died(death) ? 'died ' : 'LIVES'} ${name}: ${test ?? 'no test'}${simulation}\n`
}

function commit() {
  const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
  return `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain', '--', 'packages', 'apps') === '' ? '' : ', with changes'}`
}

process.exitCode = await main()
