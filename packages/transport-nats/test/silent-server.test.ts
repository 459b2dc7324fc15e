import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { systemClock, systemRuntime } from '@dsys/runtime'
import { afterEach, expect, test } from 'vitest'
import { firstWords } from '../src/first-words.ts'
import { openUplink } from '../src/nats-uplink.ts'

const open = new Set<Socket>()
let says = ''
const server = createServer((socket) => {
  open.add(socket)
  socket.on('close', () => open.delete(socket))
  socket.on('error', () => undefined)
  if (says !== '') socket.write(says)
})

async function start(): Promise<string> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

afterEach(() => {
  says = ''
  for (const socket of open) socket.destroy()
  server.close()
})

test('M-36: a server that hangs costs a socket or two, however often it is tried', async () => {
  const address = await start()
  const silent = new Set<string>()
  const attempt = () =>
    openUplink(
      systemRuntime(),
      {
        servers: [address],
        silent,
        connectionTo: () => ({ servers: address, reconnect: false, timeout: 20 }),
        inbound: [],
        returned: 'x.>',
        hasControl: false,
        discovery: undefined,
        neededFrameBytes: 1,
        maxQueuedBytes: 1_024,
        timeoutMs: 5_000,
      },
      { onMessage: () => undefined, onNobody: () => undefined, onEnd: () => undefined },
      new AbortController().signal,
    )
  for (let i = 0; i < 6; i++) await expect(attempt()).rejects.toThrow('no NATS server answered')
  expect(silent).toEqual(new Set([address]))
  // Those of the client stay, and those of the question are gone as soon as this process has heard of it.
  while (open.size > 1) await new Promise(setImmediate)
})

test('the first words are waited for, until the deadline, the end of the connection, or a signal', async () => {
  const address = await start()
  const { signal } = new AbortController()
  await expect(firstWords(systemClock, address, 20, signal)).rejects.toThrow('said nothing within 20 ms')
  const given = new AbortController()
  const waiting = firstWords(systemClock, address, 60_000, given.signal)
  given.abort(new Error('given up'))
  await expect(waiting).rejects.toThrow('given up')
  says = 'INFO {}\r\n'
  await firstWords(systemClock, address, 8_000, signal)
  while (open.size > 0) await new Promise(setImmediate)
  server.close()
  await expect(firstWords(systemClock, address, 8_000, signal)).rejects.toThrow('ECONNREFUSED')
})
