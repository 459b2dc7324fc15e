// One member in a process of its own, with default settings. Whatever it is told of the others it writes to standard output, one line of JSON
// each, with the time of the monotonic clock, which all processes of one machine share. It ends with its standard input.
//
//   node member.mjs ID GENERATION WIRE
//
// WIRE is the URL of a NATS server, or tcp:n1=host:port,n2=host:port with all members.
import { Membership } from '../../packages/membership/dist/index.js'
import { systemRuntime } from '../../packages/runtime/dist/index.js'
import { NatsTransport } from '../../packages/transport-nats/dist/index.js'
import { TcpTransport } from '../../packages/transport-tcp/dist/index.js'

const [id = '', generation = '', wire = ''] = process.argv.slice(2)

const logger = {
  log: (/** @type {string} */ level, /** @type {string} */ message, fields = {}) => {
    if (level === 'warn' || level === 'error') console.error(level, message, fields)
  },
  child: () => logger,
}
const runtime = { ...systemRuntime(), logger }
const identity = { cluster: 'bench', nodeId: id, generation: Number(generation) }
const transport = wire.startsWith('tcp:') ? overTcp() : new NatsTransport(runtime, { ...identity, servers: wire })
const membership = new Membership({ ...runtime, transport }, { cluster: 'bench' })

function overTcp() {
  const peers = new Map(
    wire
      .slice('tcp:'.length)
      .split(',')
      .map((peer) => /** @type {[string, string]} */ (peer.split('='))),
  )
  return new TcpTransport(runtime, { ...identity, peers, listen: { port: Number(peers.get(id)?.split(':')[1]) } })
}

/** @param {object} news */
const tell = (news) => void process.stdout.write(`${JSON.stringify(news)}\n`)

async function follow() {
  for await (const event of membership.events()) {
    const atMs = Number(process.hrtime.bigint()) / 1e6
    if (event.type === 'Synced') continue
    const { member, why } = event
    tell({ type: event.type, id: member.id, generation: member.generation, why, atMs })
  }
}

process.stdin.resume().on('end', () => process.exit(0))
await transport.start()
await membership.start()
await follow()
