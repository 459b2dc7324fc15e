// How long a frame of control takes there and back while bulk fills the queue to the server: with a connection of its own, and without.
// Build first, then: node packages/transport-nats/bench/control.js
import { fork } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { systemRuntime } from '@dsys/runtime'
import { startNatsServer } from '../../../tooling/nats-server/index.mjs'
import { NatsTransport } from '../dist/index.js'

const RUN_MS = 5_000
const BULK = new Uint8Array(2 ** 17)
// A server drops a reader that is more than 64 MiB behind, and the frame of control with it.
const MAX_QUEUED_BYTES = [4 * 2 ** 20, 16 * 2 ** 20]
const nextTurn = () => new Promise((resolve) => setImmediate(resolve))
const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))]

const create = (servers, nodeId, controlChannels, maxQueuedBytes) =>
  new NatsTransport(systemRuntime(), {
    servers,
    cluster: 'bench',
    nodeId,
    generation: 1,
    controlChannels,
    maxQueuedBytes,
  })

async function sink(servers, controlChannels) {
  const transport = create(servers, 'sink', controlChannels, MAX_QUEUED_BYTES[0])
  transport.listen('bulk', () => undefined)
  transport.listen('probe', (frame, from) => transport.send(from, 'probe', frame))
  await transport.start()
  process.send('ready')
}

/** Round trips, in milliseconds, one after the other, with the queue for bulk full all the time. */
async function measure(servers, controlChannels, maxQueuedBytes) {
  const child = fork(fileURLToPath(import.meta.url), [servers, ...controlChannels])
  await new Promise((resolve) => child.once('message', resolve))
  const transport = create(servers, 'source', controlChannels, maxQueuedBytes)
  let answered = () => undefined
  transport.listen('probe', () => answered())
  await transport.start()
  let isOver = false
  const fill = async () => {
    while (!isOver) {
      while (transport.send({ id: 'sink' }, 'bulk', BULK));
      await nextTurn()
    }
  }
  const filling = fill()
  const tookMs = []
  const endMs = performance.now() + RUN_MS
  while (performance.now() < endMs) {
    const startMs = performance.now()
    const answer = new Promise((resolve) => {
      answered = resolve
    })
    while (!transport.send({ id: 'sink' }, 'probe', new Uint8Array(64))) await nextTurn()
    await answer
    tookMs.push(performance.now() - startMs)
  }
  isOver = true
  await filling
  await transport.stop()
  child.kill()
  return tookMs
}

async function main() {
  const server = await startNatsServer()
  console.log(`${cpus().length} x ${cpus()[0]?.model}, Node ${process.versions.node}, nats-server on loopback`)
  console.log('bulk waiting MiB | connections | round trips | p50 ms | p99 ms | max ms')
  for (const maxQueuedBytes of MAX_QUEUED_BYTES) {
    for (const controlChannels of [[], ['probe']]) {
      const tookMs = await measure(server.url, controlChannels, maxQueuedBytes)
      const shown = [0.5, 0.99, 1].map((q) => quantile(tookMs, q).toFixed(1)).join(' | ')
      console.log(`${maxQueuedBytes / 2 ** 20} | ${1 + controlChannels.length} | ${tookMs.length} | ${shown}`)
    }
  }
  await server.stop()
}

await (process.argv[2] === undefined ? main() : sink(process.argv[2], process.argv.slice(3)))
