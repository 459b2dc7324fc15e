import { NodeScope } from '@dsys/di'
import { runtime } from '@dsys/runtime/di'
import { TRANSPORT } from '@dsys/transport/di'
import { expect, test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'
import { tcpTransport } from '../src/di.ts'

test('tcpTransport registers a transport, which listens once the scope starts', async () => {
  const options = { cluster: 'test', nodeId: 'a', generation: 1 }
  await using scope = new NodeScope(plainContainer()).use(runtime(), tcpTransport(options))
  expect(scope.get(TRANSPORT).connection).toBe('idle')
  await scope.start()
  expect(scope.get(TRANSPORT).connection).toBe('connected')
})
