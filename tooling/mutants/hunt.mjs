// Runs one scenario seed after seed until a promise is broken, and prints what was found as JSON. For a process of its own,
// into which a mutant may be planted.

/** @typedef {import('../../packages/simulation/src/scenario.ts').Scenario} Scenario */

const [name = '', first = '1', count = '1', fixed = '{}'] = process.argv.slice(2)
const scenarios = new URL('../../apps/simulator/dist/scenarios/scenarios.js', import.meta.url)
/** @type {{ SCENARIOS: readonly Scenario[] }} */
const { SCENARIOS } = await import(scenarios.href)
const scenario = theScenario()

function theScenario() {
  const found = SCENARIOS.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no scenario "${name}"`)
  return found
}

/** @type {{ seeds: number, seed?: number, rule?: string }} */
const found = { seeds: 0 }
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  found.seeds++
  // Where it hangs, the last line says in which seed.
  process.stderr.write(`seed ${seed}\n`)
  const rule = await brokenRule(seed)
  if (rule === undefined) continue
  Object.assign(found, { seed, rule })
  break
}
process.stdout.write(`${JSON.stringify(found)}\n`)

/** @param {number} seed */
async function brokenRule(seed) {
  try {
    const plan = scenario.plan(seed, JSON.parse(fixed))
    const { violation } = await scenario.run(plan)
    return violation?.rule
  } catch (error) {
    // A bug may break the code so that it throws where nothing should: that is found as well.
    return `throws: ${error instanceof Error ? error.message.split('\n')[0] : error}`
  }
}
