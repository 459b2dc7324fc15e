/**
 * Sets of statements, each heard in many orders, with some messages twice: the view must not depend on it. `npm run interleavings`, with
 * `-- --seed N --sets 1` for one set, and `-- --write` to write its part of docs/benchmarks.md.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { writePart } from '../../../bench/page.mjs'
import { MembershipCore } from '../dist/core/membership-core.js'
import { resolveOptions } from '../dist/options.js'
import { SELF, tryOrders } from './merge-orders.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    sets: { type: 'string', default: '20000' },
    orders: { type: 'string', default: '50' },
    write: { type: 'boolean', default: false },
  },
})
const [first, sets, orders] = [Number(values.seed), Number(values.sets), Number(values.orders)]
const options = resolveOptions({ cluster: 'bench' })

/** @param {number} seed */
function newCore(seed) {
  const core = new MembershipCore({
    ...options,
    self: SELF,
    nonce: 1,
    seed,
    canBroadcast: false,
    maxFrameBytes: 65_536,
  })
  core.connection(true, 0)
  core.join(0)
  return core
}

const begunMs = performance.now()
for (let seed = first; seed < first + sets; seed++) {
  const wrong = tryOrders(seed, orders, newCore)
  if (wrong === undefined) continue
  process.stderr.write(`${wrong}\nAgain: npm run interleavings -- --seed ${seed} --sets 1\n`)
  process.exit(1)
}
const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1)
const [all, each] = [(sets * orders).toLocaleString('en'), sets.toLocaleString('en')]
process.stdout.write(`${all} interleavings of ${each} sets of statements gave the same view each, in ${seconds} s\n`)
if (values.write) {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const text = `## Membership: the merge rule under every order

${each} random sets of statements about three nodes (three generations, two processes, five incarnations, all states, metadata that contradicts itself), in gossip, pings, acks
and full exchanges. Each set is heard by ${orders} fresh members, by each in an order of its own and with some messages twice: ${all} interleavings. Every view was what an
oracle says that does not use the code of the merge rule. It took ${seconds} s on one processor.

Commit ${commit}, Node.js ${process.version}. \`npm run interleavings -- --write\` writes this part; \`npm test\` hears 4,000 of them.`
  writePart('membership-interleavings', text)
}
