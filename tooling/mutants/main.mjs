import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { MUTANTS } from './all.mjs'
import { ROOT } from './mutant.mjs'
import { died, summarize, writeScore } from './score.mjs'
import { hunt } from './simulator.mjs'
import { killedBySuite } from './suite.mjs'

const USAGE = `npm run mutants -- [options]: plants every bug, one at a time, and says by what it dies.
  --only TEXT   just those whose name, file or rule contains TEXT, as P-25
  --seeds N     seeds that a simulation may use for each (default 6000)
  --minutes N   time that a simulation may use for each (default 3)
  --write       renew docs/mutants.md and the seeds of the sample; not with --only
`

/** @returns {Promise<number>} the exit code */
async function main() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seeds: { type: 'string', default: '6000' },
      minutes: { type: 'string', default: '3' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help || (values.write && values.only !== undefined)) {
    process.stdout.write(USAGE)
    return values.help ? 0 : 2
  }
  const { only } = values
  const chosen = MUTANTS.filter(
    ({ name, file, source }) => only === undefined || [name, file, source].some((text) => text.includes(only)),
  )
  const limits = { first: 1, count: Number(values.seeds), timeoutMs: Number(values.minutes) * 60_000 }

  /** @type {import('./score.mjs').Death[]} */
  const deaths = []
  const waiting = [...chosen.entries()]
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, mutant] = next
      const death = { name: mutant.name, test: await killedBySuite(mutant), hunted: await hunt(mutant, limits) }
      deaths[index] = death
      process.stdout.write(line(death))
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))

  process.stdout.write(`\n${summarize(deaths)}\n`)
  if (values.write) writeScore(chosen, deaths, commit())
  return deaths.every(died) ? 0 : 1
}

/** @param {import('./score.mjs').Death} death */
function line(death) {
  const { name, test, hunted } = death
  const simulation =
    hunted === undefined
      ? ''
      : hunted.seed === undefined
        ? `; no simulation in ${hunted.seeds} seeds`
        : `; simulation after ${hunted.seeds} seeds (${hunted.rule})`
  return `${died(death) ? 'died ' : 'LIVES'} ${name}: ${test ?? 'no test'}${simulation}\n`
}

function commit() {
  const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
  return `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain', '--', 'packages', 'apps') === '' ? '' : ', with changes'}`
}

process.exitCode = await main()
