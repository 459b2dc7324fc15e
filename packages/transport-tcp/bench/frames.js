// Frames per second, and round trips, between two processes over a TCP connection on loopback.
// Build first, then: node packages/transport-tcp/bench/frames.js
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { systemRuntime } from '@dsys/runtime'
import { answerFrames, measureFrames } from '../../../bench/frames.mjs'
import { TcpTransport } from '../dist/index.js'

const create = (nodeId, peers) => new TcpTransport(systemRuntime(), { cluster: 'bench', nodeId, generation: 1, peers })

async function sink() {
  const transport = create('sink', {})
  await answerFrames(transport)
  process.send(transport.address)
}

async function main() {
  const child = fork(fileURLToPath(import.meta.url), ['sink'])
  const address = await new Promise((resolve) => child.once('message', resolve))
  const transport = create('source', { sink: address })
  await transport.start()
  await measureFrames(transport, 'TCP')
  await transport.stop()
  child.kill()
}

await (process.argv[2] === undefined ? main() : sink())
