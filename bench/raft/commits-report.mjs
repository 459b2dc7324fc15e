import { circumstances, milliseconds, processors, ratio, sharedMachine, whole } from '../figures.mjs'
import { median, merge, quantile } from '../latencies.mjs'
import { table } from '../table.mjs'
import { ELECTION_TIMEOUT_MS, ENTRY_BYTES, HEARTBEAT_MS } from '../target.mjs'
import { PARTS } from './commits.mjs'

/**
 * @typedef {object} Measurement
 * @property {import('./main.mjs').Settings} settings
 * @property {import('../machine.mjs').Machine} facts
 * @property {readonly import('./main.mjs').Measured[]} all dsys first, over each of its transports
 * @property {string} date
 */

/** @typedef {import('./commits.mjs').Window} Window */

/**
 * The median of the rounds.
 *
 * @param {import('./main.mjs').Measured} measured
 * @param {number} clients
 * @param {(window: Window) => number} figure
 */
const mid = ({ windows }, clients, figure) => median((windows.get(clients) ?? []).map(figure))

/** @param {Window} window */
const perSecond = (window) => window.perSecond

/** @param {Measurement} measurement */
const disturbances = ({ all }) =>
  all.flatMap(({ windows }) => [...windows.values()].flat().map(({ elsewhere }) => elsewhere))

/** @param {Measurement} measurement */
function ratesTable({ settings, all }) {
  const rows = settings.clients.flatMap((clients) => {
    const rates = all.map((measured) => mid(measured, clients, perSecond))
    const best = Math.max(...rates.filter((_, index) => all[index]?.system.isOwn !== true))
    return all.map((measured, index) => [
      String(clients),
      measured.system.name,
      `${whole(rates[index] ?? Number.NaN)}`,
      milliseconds(mid(measured, clients, ({ p50Ms }) => p50Ms)),
      milliseconds(mid(measured, clients, ({ p99Ms }) => p99Ms)),
      ...PARTS.map((part) => processors(mid(measured, clients, ({ cores }) => cores[part]))),
      measured.system.isOwn && best > 0 ? `**${ratio(rates[index] ?? Number.NaN, best)}**` : '',
    ])
  })
  const heads = [
    'clients',
    'system',
    'commits per s',
    'p50 ms',
    'p99 ms',
    'leader',
    'followers',
    'others',
    'clients use',
  ]
  return table([...heads, 'dsys / best peer'], rows)
}

/** @param {Measurement} measurement */
function costTable({ settings, all }) {
  const own = all.filter(({ costs }) => costs.length > 0)
  if (own.length === 0 || !settings.clients.includes(1)) return undefined
  const columns = own.map((measured) => {
    const micro = (/** @type {'trips' | 'syncs' | 'bare'} */ name, /** @type {number} */ share) =>
      median(measured.costs.map((costs) => quantile(merge([new Map(costs[name])]), share)))
    const [trip, sync, bare] = [micro('trips', 0.5), micro('syncs', 0.5), micro('bare', 0.5)]
    const commit = mid(measured, 1, ({ p50Ms }) => p50Ms) * 1_000
    return [
      [whole(trip), whole(micro('trips', 0.99))],
      [whole(sync), whole(micro('syncs', 0.99))],
      [whole(bare), whole(micro('bare', 0.99))],
      [whole(commit), whole(mid(measured, 1, ({ p99Ms }) => p99Ms) * 1_000)],
      [`**${ratio(commit, trip + sync)}**`, ''],
      [ratio(bare, trip + sync), ''],
      [`**${ratio(commit, bare)}**`, ''],
    ]
  })
  const heads = [
    'one empty frame to a follower and back',
    `one write of ${ENTRY_BYTES} bytes with \`fdatasync\``,
    'the messages and writes of one commit, by programs that do nothing else',
    'one commit, one client',
    '**commit / (round trip + sync)**',
    'messages and writes alone / (round trip + sync)',
    '**commit / messages and writes alone**',
  ]
  return table(
    ['what', ...own.flatMap(({ system }) => [`${system.name}: p50 µs`, 'p99 µs'])],
    heads.map((head, row) => [head, ...columns.flatMap((column) => column[row] ?? [])]),
  )
}

/** Its part of docs/benchmarks.md. @param {Measurement} measurement */
export function commitsPart(measurement) {
  const { settings, facts, all, date } = measurement
  const { rounds, seconds, warmup, quick } = settings
  const costs = costTable(measurement)
  const systems = all.map(({ system }) => [
    system.name,
    system.version,
    system.form,
    system.proposers,
    system.durability,
  ])
  return `## Raft alone, beside other implementations
${quick ? '\n**This was a smoke run: its figures mean nothing.**\n' : ''}
Three nodes, entries of ${ENTRY_BYTES} bytes, a heartbeat of ${HEARTBEAT_MS} ms and an election timeout of ${whole(ELECTION_TIMEOUT_MS)} ms, all on loopback and on one
disk. Clients propose at the leader in a closed loop: each proposes again when its last proposal is applied there. The systems take
turns, each round with new groups; figures are medians of ${rounds} rounds, and each window of ${seconds} s follows ${warmup} s of the same load.
After each round every node must have applied at least what was acknowledged.${sharedMachine(disturbances(measurement))}

${table(['system', 'version', 'its nodes', 'its clients', 'on the disks of a majority before a proposal is answered'], systems)}

Where the clients are inside the leader's process, a proposal costs no message of its own. etcd has no such way in; its clients cost it
one more hop and a share of the processors.

${table(['', ''], [...circumstances(facts, date, all[0]?.system.version ?? ''), ['Node.js', facts.node], ['nats-server', facts.natsServer]])}

${ratesTable(measurement)}

The columns behind the latencies are processors in use, of ${facts.processors}: of the leader, of both followers, of the nats-server, and of
clients with a process of their own. Three nodes in one process count as the leader. The aim at 256 clients is three times the best peer.
${
  costs === undefined
    ? ''
    : `
### What one commit costs

A commit with one client needs at least one message to a follower, one write there, and the answer; the leader's own write goes on
meanwhile. The round trip, over the same transport, and the write were measured on the idle group, in the leader's process, right before the load.
So were the messages and writes of one commit alone (\`bench/raft/bare-node.mjs\`, over TCP): the leader sends as many bytes to two followers and writes a block, each
of them writes a block and answers, and the next begins when two of three are durable. These programs do nothing else, yet take longer than a round trip and a
write that were measured one by one, since three writes meet on one disk, since each write is handed to a thread of its own and back, and since
all that waits must be woken on two processors.

${costs}

The aim is 1.5 times the round trip and the write. Where the messages and writes alone take that long, no program of this form can reach it.
`
}
### What this does not show

- Two processors are shared by three nodes, their clients, and for dsys over NATS the nats-server. On machines of their own the nodes would have more.
- All nodes write to one disk, and loopback neither delays nor loses. Over a network the round trip weighs more than all else.
- hashicorp/raft and etcd are the versions of Debian, with their defaults but for the timeouts and, as in Consul, a cache of 512 entries in front
  of BoltDB. Newer ones may be faster.
- etcd does more for each entry than the others: it keeps the values, with all their revisions, in a store of its own. The others count.
- The measured windows are short, so no figure tells of snapshots of a large state, or of a log that outgrows the memory.

\`\`\`
npm run bench:raft -- --write   # about ${minutes(measurement)} minutes; writes this part
\`\`\``
}

/** @param {Measurement} measurement */
function minutes({ settings: { rounds, clients, seconds, warmup }, all }) {
  const perGroup = clients.length * (seconds + warmup + 0.5) + 5
  return Math.ceil((rounds * all.length * perGroup) / 60)
}
