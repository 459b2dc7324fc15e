import { circumstances, milliseconds, processors, ratio, sharedMachine, whole } from './figures.mjs'
import { median } from './latencies.mjs'
import { KEYS, VALUE_BYTES } from './load.mjs'
import { table } from './table.mjs'
import { ELECTION_TIMEOUT_MS, HEARTBEAT_MS } from './target.mjs'

/**
 * @typedef {object} Measurement
 * @property {import('./main.mjs').Settings} settings
 * @property {import('./machine.mjs').Machine} facts
 * @property {readonly import('./main.mjs').Measured[]} all dsys first
 * @property {Readonly<Record<string, readonly number[]>>} startMs
 * @property {string} date
 */

const KINDS = /** @type {const} */ ({ put: 'put', get: 'linearizable read' })

/** @param {number} bytes */
const megabytes = (bytes) => (bytes / 1e6).toFixed(0)

/**
 * The median of the rounds.
 *
 * @param {import('./main.mjs').Measured} measured
 * @param {string} name of the window
 * @param {(window: import('./load.mjs').Window) => number} figure
 */
const mid = ({ windows }, name, figure) => median((windows.get(name) ?? []).map(figure))

/** @param {Measurement} measurement */
function loadTable({ all, settings }) {
  const [own, peer] = all
  const rows = settings.operations.flatMap((kind) =>
    settings.clients.map((clients) => {
      const name = `${kind}/${clients}`
      const cells = all.flatMap((measured) => [
        whole(mid(measured, name, ({ perSecond }) => perSecond)),
        milliseconds(mid(measured, name, ({ p50Ms }) => p50Ms)),
        milliseconds(mid(measured, name, ({ p99Ms }) => p99Ms)),
        whole((measured.windows.get(name) ?? []).reduce((sum, { errors }) => sum + errors, 0)),
      ])
      const rate = (/** @type {import('./main.mjs').Measured} */ of) => mid(of, name, ({ perSecond }) => perSecond)
      const share = own === undefined || peer === undefined ? [] : [`**${ratio(rate(own), rate(peer))}**`]
      const disk = kind === 'put' ? 'synced on a majority before the answer' : 'no write; a quorum confirms the leader'
      return [KINDS[kind], String(clients), ...cells, ...share, disk]
    }),
  )
  const heads = all.flatMap(({ target: { name } }) => [`${name} per s`, 'p50 ms', 'p99 ms', 'errors'])
  const last = peer === undefined ? [] : [`${own?.target.name} / ${peer.target.name}`]
  return table(['operation', 'clients', ...heads, ...last, 'disk'], rows)
}

/** Processors that were used by what is no part of the measurement. @param {import('./load.mjs').Window} window */
function elsewhere({ cores: { machine = Number.NaN, ...ours } }) {
  const rest = machine - Object.values(ours).reduce((sum, cores) => sum + cores, 0)
  // The clocks of the processes and of the machine tick apart.
  return Math.max(rest, 0)
}

/** @param {Measurement} measurement */
const sharing = ({ all }) => sharedMachine(all.flatMap(({ windows }) => [...windows.values()].flat().map(elsewhere)))

/** @param {Measurement} measurement */
function coresTable({ all, settings }) {
  const rows = settings.operations.flatMap((kind) =>
    settings.clients.flatMap((clients) =>
      all.map((measured) => {
        const name = `${kind}/${clients}`
        const use = (/** @type {string} */ part) => mid(measured, name, ({ cores }) => cores[part] ?? Number.NaN)
        const parts = ['leader', 'followers', 'nats-server', 'client'].map((part) => processors(use(part)))
        return [
          KINDS[kind],
          String(clients),
          measured.target.name,
          ...parts,
          processors(mid(measured, name, elsewhere)),
        ]
      }),
    ),
  )
  return table(
    ['operation', 'clients', 'system', 'leader', 'both followers', 'nats-server', 'client', 'anything else'],
    rows,
  )
}

/** @param {Measurement} measurement */
function otherTable({ all, startMs }) {
  /** @type {string[][]} */
  const rows = []
  for (const [name, times] of Object.entries(startMs)) {
    rows.push([
      `\`${name}\`${name === 'launcher' ? ' alone' : ''} to an elected leader seen over HTTP`,
      `${whole(median(times))} ms median, ${whole(Math.max(...times))} ms worst of ${times.length}`,
    ])
  }
  for (const { target, idleBytes, loadedBytes, failoverMs } of all) {
    if (idleBytes.length > 0) {
      rows.push(
        [`resident memory of an idle ${target.name} node`, `${megabytes(median(idleBytes))} MB`],
        [`resident memory of a ${target.name} node after the load`, `${megabytes(median(loadedBytes))} MB`],
      )
    }
    if (failoverMs.length > 0) {
      rows.push([
        `${target.name}, \`kill -9\` of the leader to the first committed write through another node`,
        `${whole(median(failoverMs))} ms median, ${whole(Math.max(...failoverMs))} ms worst of ${failoverMs.length}`,
      ])
    }
  }
  return table(['what', 'measured'], rows)
}

/** @param {Measurement} measurement */
export function tables(measurement) {
  const load = measurement.settings.skip.has('load') ? [] : [loadTable(measurement), coresTable(measurement)]
  return [...load, otherTable(measurement)].join('\n\n')
}

/** Its part of docs/benchmarks.md. @param {Measurement} measurement */
export function clusterPart(measurement) {
  const { settings } = measurement
  const warning = settings.quick ? '\n**This was a smoke run: its figures mean nothing.**\n' : ''
  return `## The whole cluster, beside etcd
${warning}
${whatWasMeasured(measurement)}${sharing(measurement)}

### Throughput and latency

${loadTable(measurement)}

The aims: four times the puts of etcd at 256 clients, one and a half times at one client, and five times its linearizable
reads.

### Where the processors went

Processors in use on average during the windows above, of ${measurement.facts.processors}. The client is \`wrk\`, one process with one thread for each node. It
takes its share of the same processors, and a system that answers faster leaves it more to do.

${coresTable(measurement)}

### Start, memory, failover

${otherTable(measurement)}

A start has everything built and empty data folders. During a failover a new write starts every 10 ms through the nodes
that are left, and the first answer counts; the cluster is idle otherwise. All of these keep the durability named above.

${LIMITS}

\`\`\`
npm run bench -- --write   # about ${minutes(settings)} minutes; writes this part
npm run bench -- --quick   # a smoke run; its figures mean nothing
npm run bench -- --help
\`\`\``
}

/** @param {Measurement} measurement */
function whatWasMeasured({ facts, settings, date, all }) {
  const peer = all[1]?.target
  const beside = peer === undefined ? '' : `, beside three ${peer.name} nodes behind their HTTP gateway for JSON`
  const rows = [
    ...circumstances(facts, date, all[0]?.target.version ?? ''),
    [
      'versions',
      `Node.js ${facts.node}, nats-server ${facts.natsServer}${peer === undefined ? '' : `, ${peer.name} ${peer.version}`}`,
    ],
    ['durability', all.map(({ target }) => `${target.name}: ${target.durability}`).join('; ')],
  ]
  return `Three dsys nodes (\`apps/reference-node\`), each a process of its own, over one \`nats-server\`${beside}.
All is on loopback, with all data on the same disk, a heartbeat of ${HEARTBEAT_MS} ms and an election timeout of
${ELECTION_TIMEOUT_MS.toLocaleString('en')} ms. Each round starts new clusters, one system after the other, so that only one runs at a time. Figures
are medians of ${settings.rounds} rounds; each window of ${settings.seconds} s follows ${settings.warmup} s of the same load. Errors are the sum over the rounds,
and count for nothing else: rates are of answers with a status below 400 only.

The load is a closed loop: a client has one connection, and sends its next request when it has the answer to the last.
Clients are spread evenly over the three nodes, so two of three requests reach a follower; a single client spends a third
of its time at each node. Keys are drawn evenly from ${KEYS.toLocaleString('en')}, all written before; values have ${VALUE_BYTES} bytes that do not
compress. Every system gets the same keys and values in the same way. After each round, reads through every node are
compared with what was written, byte by byte.

${table(['', ''], rows)}`
}

const LIMITS = `### What this does not show

- Client and nodes share the processors of one machine. On machines of their own, each node would have more.
- Loopback has no latency and loses nothing. Over a network the round trips weigh more, and the processors less.
- One disk serves all three nodes. With a disk each, the nodes would not wait for each other's writes.
- The gateway for JSON costs etcd a conversion and a hop inside its process for each request; its gRPC interface is faster. dsys is
  measured over its own HTTP interface, which is all it has.
- The values are small, the keys few, and the data fits into memory. Nothing here tells about large values, many keys, snapshots or
  watches.
- \`wrk\` corrects its latencies for requests that a closed loop never sends. The bench takes that correction back, for every system.`

/** @param {import('./main.mjs').Settings} settings */
function minutes({ rounds, clients, seconds, warmup }) {
  const windows = 2 * rounds * 2 * clients.length
  return Math.ceil((windows * (seconds + warmup + 1) + 120) / 60)
}
