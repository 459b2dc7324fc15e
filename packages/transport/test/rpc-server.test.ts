import { once } from 'node:events'
import { silentLogger, VirtualClock } from '@dsys/runtime'
import { expect, test } from 'vitest'
import { RpcServer } from '../src/rpc/server.ts'

const REQUEST = {
  call: { session: 1, id: 2 },
  timeoutMs: 1_000,
  extensions: new Uint8Array(0),
  payload: new Uint8Array(0),
}

test('an answer that the transport breaks on is no failure of the handler, and the error surfaces', async () => {
  const broken = new Error('a defect of the transport')
  const reply = (): void => {
    throw broken
  }
  const logged: unknown[] = []
  const logger = { ...silentLogger, log: (...line: unknown[]) => void logged.push(line) }
  const server = new RpcServer({ clock: new VirtualClock(), logger, reply }, 1)
  server.handle('ask', async () => new Uint8Array(1))
  // The runner of the tests would take it for a failure of its own.
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  try {
    const surfaced = once(process, 'unhandledRejection')
    server.request({ id: 'b', generation: 1 }, { ...REQUEST, method: 'ask' })
    expect((await surfaced)[0]).toBe(broken)
  } finally {
    for (const other of others) process.on('unhandledRejection', other)
  }
  expect(logged).toEqual([])
})
