import { type Container, NodeScope } from '@dsys/di'
import { Kv } from '@dsys/kv'
import { KV, kv } from '@dsys/kv/di'
import { raft } from '@dsys/raft/di'
import { utf8 } from '@dsys/runtime'
import { runtime } from '@dsys/runtime/di'
import { memoryStorage } from '@dsys/storage-memory/di'
import { MemoryNetwork } from '@dsys/transport-memory'
import { memoryTransport } from '@dsys/transport-memory/di'
import { expect, test } from 'vitest'

/** The least container that a scope takes. */
function container(): Container {
  const factories = new Map<symbol, () => unknown>()
  return {
    register: (token, { useFactory }) => factories.set(token, useFactory),
    resolve: (token) => factories.get(token)?.(),
    isRegistered: (token) => factories.has(token),
  }
}

test('kv() gives the Raft group its machine, and keyspaces over it; three scopes make a cluster', async () => {
  const network = new MemoryNetwork()
  const voters = ['n1', 'n2', 'n3']
  const keyspaces = { stock: { consistency: 'linearizable' as const } }
  const scopes = voters.map((nodeId) =>
    new NodeScope(container()).use(
      runtime(),
      memoryTransport({ network, nodeId }),
      memoryStorage(),
      kv({ keyspaces }),
      raft({ group: 'main', voters, electionTimeoutMs: 100, heartbeatIntervalMs: 20 }),
    ),
  )
  try {
    await Promise.all(scopes.map((scope) => scope.start()))
    const [one, two, three] = scopes.map((scope) => scope.get(KV).linearizable('stock', { codec: utf8 }))
    expect(await one?.put('a', 'x')).toEqual({ revision: 1 })
    expect((await two?.get('a'))?.value).toBe('x')
    expect(await three?.create('a', 'y')).toMatchObject({ created: false, actual: { value: 'x', revision: 1 } })
    expect(scopes[0]?.get(KV)).toBeInstanceOf(Kv)
  } finally {
    await Promise.all(scopes.map((scope) => scope[Symbol.asyncDispose]()))
  }
})
