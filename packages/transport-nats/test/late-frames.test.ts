import { connect as connectSocket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { natsForTests } from '../../../tooling/nats-server/index.mjs'
import { Nodes, type StartedNode } from './nodes.ts'
import { Relay } from './relay.ts'

const nats = await natsForTests()
const nodes = new Nodes(nats)

async function startRelay(port: number): Promise<Relay> {
  const relay = await Relay.before(port)
  nodes.after(() => relay.stop())
  return relay
}

const isConnected = (node: StartedNode) => (): boolean => node.transport.connection === 'connected'
const isDisconnected = (node: StartedNode) => (): boolean => node.transport.connection === 'disconnected'

nats.describe(describe, 'frames that were held up', () => {
  test('M-38: what a broken connection held back is refused once its sender speaks by a new one', async () => {
    const server = await nodes.server()
    const relay = await startRelay(server.port)
    const a = await nodes.start(relay.url, 'a', { pingIntervalMs: 100, controlChannels: [] })
    const b = await nodes.start(server.url, 'b', { controlChannels: [] })
    const { client: held } = relay.client('a (generation 1)')
    held.pause()
    a.transport.send({ id: 'b' }, 'test', Uint8Array.of(1))
    a.transport.broadcast('membership', Uint8Array.of(2))
    await a.until(isDisconnected(a))
    await a.until(isConnected(a))
    a.transport.send({ id: 'b' }, 'test', Uint8Array.of(3))
    await b.until(() => b.frames.length === 1)
    const atServer = relay.clients[0]?.server
    const read = new Promise((resolve) => atServer?.once('close', resolve))
    held.resume()
    // The server has handed on all of it when it has closed its side; what a sends now comes after that.
    await read
    a.transport.send({ id: 'b' }, 'test', Uint8Array.of(4))
    await b.until(() => b.frames.includes(4))
    expect(b.frames).toEqual([3, 4])
  })

  test('M-38: what a half-open connection held back for this node never comes in', async () => {
    const server = await nodes.server()
    const relay = await startRelay(server.port)
    const a = await nodes.start(server.url, 'a')
    const b = await nodes.start(relay.url, 'b', { pingIntervalMs: 100, controlChannels: [] })
    const { server: held } = relay.client('b (generation 1)')
    held.pause()
    a.transport.send({ id: 'b' }, 'test', Uint8Array.of(1))
    await b.until(isDisconnected(b))
    await b.until(isConnected(b))
    const over = new Promise((resolve) => held.once('close', resolve))
    held.resume()
    await over
    a.transport.send({ id: 'b' }, 'test', Uint8Array.of(2))
    await b.until(() => b.frames.length > 0)
    expect(b.frames).toEqual([2])
  })

  test('M-12: of two processes with one id and one generation, none makes the frames of the other one late', async () => {
    const server = await nodes.server()
    const b = await nodes.start(server.url, 'b')
    const relay = await startRelay(server.port)
    const often = await nodes.start(relay.url, 'a')
    relay.client('a (generation 1)').client.destroy()
    await often.until(isDisconnected(often))
    await often.until(isConnected(often))
    const once = await nodes.start(server.url, 'a')
    often.transport.send({ id: 'b' }, 'test', Uint8Array.of(1))
    await b.until(() => b.frames.length === 1)
    once.transport.send({ id: 'b' }, 'test', Uint8Array.of(2))
    await b.until(() => b.frames.length === 2)
    expect(b.frames).toEqual([1, 2])
  })
})

nats.describe(describe, 'stop', () => {
  /** Sends as an application without dsys would, and resolves with all that the server says until it has read that. */
  function speakerTo(port: number): (text: string) => Promise<string> {
    const socket = connectSocket({ host: '127.0.0.1', port })
    let heard = ''
    let wake = (): void => undefined
    socket.on('data', (data) => {
      heard += data
      wake()
    })
    nodes.after(async () => socket.destroy())
    const say = async (text: string): Promise<string> => {
      heard = ''
      socket.write(`${text}PING\r\n`)
      while (!heard.includes('PONG')) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return heard
    }
    return say
  }

  test('hands over what the server had taken for this node, and whoever sends later is told', async () => {
    const server = await nodes.server()
    const relay = await startRelay(server.port)
    const b = await nodes.start(relay.url, 'b')
    const { server: held } = relay.client('b (generation 1)')
    held.pause()
    const say = speakerTo(server.port)
    await say('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB dsys.test.r.x.1.z-1.> 1\r\n')
    const frame = 'PUB dsys.test.n.b.1.test dsys.test.r.x.1.z-1.b.1.test 1\r\n1\r\n'
    expect(await say(frame.repeat(5))).not.toContain('503')
    const stopping = b.transport.stop()
    expect(b.transport.connection).toBe('closed')
    // Each frame before the server says that nobody is there was taken for b.
    let taken = 5
    while (!(await say(frame)).includes('503')) taken++
    expect(b.frames).toHaveLength(0)
    held.resume()
    await stopping
    expect(b.frames).toHaveLength(taken)
  })

  test('does not wait for ever for a server that is silent', async () => {
    const server = await nodes.server()
    const { transport } = await nodes.start(server.url, 'a', { stopTimeoutMs: 50 })
    server.signal('SIGSTOP')
    await transport.stop()
    server.signal('SIGCONT')
    expect(transport.connection).toBe('closed')
  })
})
