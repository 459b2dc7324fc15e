import { type Container, NodeScope } from '@dsys/di'
import { TRANSPORT } from '@dsys/transport/di'
import { expect, test } from 'vitest'
import { memoryTransport } from '../src/di.ts'
import { MemoryNetwork } from '../src/index.ts'

/** The least container that a scope takes. */
function container(): Container {
  const factories = new Map<symbol, () => unknown>()
  return {
    register: (token, { useFactory }) => factories.set(token, useFactory),
    resolve: (token) => factories.get(token)?.(),
    isRegistered: (token) => factories.has(token),
  }
}

test('memoryTransport registers an endpoint, which the scope starts and stops', async () => {
  const network = new MemoryNetwork()
  const scope = new NodeScope(container()).use(memoryTransport({ network, nodeId: 'a', generation: 4 }))
  await scope.start()
  const transport = scope.get(TRANSPORT)
  expect([transport.self, transport.connection]).toEqual([{ id: 'a', generation: 4 }, 'connected'])
  await scope[Symbol.asyncDispose]()
  expect(transport.connection).toBe('closed')
})
