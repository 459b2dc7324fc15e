import { NodeScope } from '@dsys/di'
import { runtime } from '@dsys/runtime/di'
import { TRANSPORT } from '@dsys/transport/di'
import { expect, test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'
import { natsTransport } from '../src/di.ts'

test('natsTransport registers a transport, which connects only when the scope starts', async () => {
  const options = { servers: 'nats://127.0.0.1:1', cluster: 'test', nodeId: 'a', generation: 1, connectTimeoutMs: 50 }
  const scope = new NodeScope(plainContainer()).use(runtime(), natsTransport(options))
  expect(scope.get(TRANSPORT).connection).toBe('idle')
  await expect(scope.start()).rejects.toMatchObject({ code: 'DSYS_TRANSPORT_NATS_UNREACHABLE' })
})
