import { NodeScope } from '@dsys/di'
import { TRANSPORT } from '@dsys/transport/di'
import { expect, test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'
import { memoryTransport } from '../src/di.ts'
import { MemoryNetwork } from '../src/index.ts'

test('memoryTransport registers an endpoint, which the scope starts and stops', async () => {
  const network = new MemoryNetwork()
  const scope = new NodeScope(plainContainer()).use(memoryTransport({ network, nodeId: 'a', generation: 4 }))
  await scope.start()
  const transport = scope.get(TRANSPORT)
  expect([transport.self, transport.connection]).toEqual([{ id: 'a', generation: 4 }, 'connected'])
  await scope[Symbol.asyncDispose]()
  expect(transport.connection).toBe('closed')
})
