// Frames per second, and round trips, between two processes over a nats-server on loopback.
// Build first, then: node packages/transport-nats/bench/frames.js
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { systemRuntime } from '@dsys/runtime'
import { answerFrames, measureFrames } from '../../../bench/frames.mjs'
import { startNatsServer } from '../../../tooling/nats-server/index.mjs'
import { NatsTransport } from '../dist/index.js'

const create = (servers, nodeId) =>
  new NatsTransport(systemRuntime(), { servers, cluster: 'bench', nodeId, generation: 1 })

async function sink(servers) {
  await answerFrames(create(servers, 'sink'))
  process.send('ready')
}

async function main() {
  const server = await startNatsServer()
  const child = fork(fileURLToPath(import.meta.url), [server.url])
  await new Promise((resolve) => child.once('message', resolve))
  const transport = create(server.url, 'source')
  await transport.start()
  await measureFrames(transport, 'nats-server')
  await transport.stop()
  child.kill()
  await server.stop()
}

await (process.argv[2] === undefined ? main() : sink(process.argv[2]))
