import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { systemClock } from '@dsys/runtime'
import { FrameBudget } from '@dsys/transport'
import { expect, test } from 'vitest'
import { Connection, type ConnectionHandlers } from '../src/connection.ts'
import { FrameQueue } from '../src/frame-queue.ts'
import { FramedSocket } from '../src/framed-socket.ts'
import { encodeControl, encodeData, FRAME } from '../src/frames.ts'
import { encodeRefuse } from '../src/messages.ts'
import { nodeNetwork } from '../src/node-network.ts'

const LIMITS = { maxQueuedFrames: 1_000, maxQueuedBytes: 64 * 2 ** 20 }

/** Two ends of one connection: `far` is a plain socket, which says whatever it is told to. */
async function pair(): Promise<{ near: Socket; far: Socket; [Symbol.dispose](): void }> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [far] = (await once(server, 'connection')) as [Socket]
  far.on('error', () => undefined)
  await once(near, 'connect')
  server.close()
  const end = (): void => {
    near.destroy()
    far.destroy()
  }
  return { near, far, [Symbol.dispose]: end }
}

test('what is sent once the peer has said goodbye waits for the next connection', async () => {
  using ends = await pair()
  const queue = new FrameQueue(new FrameBudget(LIMITS), new FrameBudget(LIMITS))
  const queued = { channel: 'test', frame: new Uint8Array(7), generation: undefined, tag: undefined }
  let connection: Connection
  let sentFrames = 0
  const said: string[] = []
  const closed = new Promise<void>((resolve) => {
    const handlers: ConnectionHandlers = {
      onFrame: () => {
        // Runs when all that came in with this frame was read, the goodbye too.
        queueMicrotask(() => {
          said.push('sent')
          queue.push({ ...queued, isBroadcast: false, dials: 1 })
          connection.wake()
        })
      },
      onSent: (frames) => {
        sentFrames += frames
      },
      onBye: () => said.push('bye'),
      onClosed: () => resolve(),
    }
    const peer = { id: 'b', generation: 1, instance: new Uint8Array(16), maxFrameBytes: 2 ** 20 }
    const to = { peer, peerDials: 0, maxFrameBytes: 2 ** 20 }
    connection = new Connection(systemClock, new FramedSocket(ends.near), to, queue, handlers)
  })
  const last = [
    ...encodeData([{ channel: 'test', frame: Uint8Array.of(1) }]),
    encodeControl(FRAME.bye, encodeRefuse('stopping')),
  ]
  ends.far.write(Buffer.concat(last))
  ends.far.resume()
  await closed
  expect([said, sentFrames, queue.length]).toEqual([['bye', 'sent'], 0, 1])
})

test('a caller that cannot be taken in costs the listener nothing but that caller', async () => {
  const taken: Socket[] = []
  const told: string[] = []
  let wake = (): void => undefined
  const onSocket = (socket: Socket): void => {
    taken.push(socket)
    wake()
  }
  const handlers = {
    onSocket,
    onMissed: (why: string) => told.push(why),
    onLost: (why: string) => told.push(`lost: ${why}`),
  }
  const listener = await nodeNetwork.listen({ host: '127.0.0.1', port: 0 }, handlers, new AbortController().signal)
  const callers: Socket[] = []
  const call = async (): Promise<void> => {
    const came = new Promise<void>((resolve) => {
      wake = resolve
    })
    callers.push(connect(listener.address.port, '127.0.0.1'))
    await came
  }
  await call()
  // What Node.js does when the process has too many files open.
  const { server } = taken[0] as unknown as { readonly server: NodeJS.EventEmitter }
  server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE', syscall: 'accept' }))
  await call()
  expect([told, taken.length]).toEqual([['accept EMFILE'], 2])
  server.emit('error', new Error('the port is gone'))
  expect(told).toEqual(['accept EMFILE', 'lost: the port is gone'])
  for (const socket of [...callers, ...taken]) socket.destroy()
})
