import { type Container, NodeScope } from '@dsys/di'
import { runtime } from '@dsys/runtime/di'
import { TRANSPORT } from '@dsys/transport/di'
import { expect, test } from 'vitest'
import { natsTransport } from '../src/di.ts'

/** The least container that a scope takes. */
function container(): Container {
  const factories = new Map<symbol, () => unknown>()
  return {
    register: (token, { useFactory }) => factories.set(token, useFactory),
    resolve: (token) => factories.get(token)?.(),
    isRegistered: (token) => factories.has(token),
  }
}

test('natsTransport registers a transport, which connects only when the scope starts', async () => {
  const options = { servers: 'nats://127.0.0.1:1', cluster: 'test', nodeId: 'a', generation: 1, connectTimeoutMs: 50 }
  const scope = new NodeScope(container()).use(runtime(), natsTransport(options))
  expect(scope.get(TRANSPORT).connection).toBe('idle')
  await expect(scope.start()).rejects.toMatchObject({ code: 'DSYS_TRANSPORT_NATS_UNREACHABLE' })
})
