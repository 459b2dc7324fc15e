import { NodeScope } from '@dsys/di'
import { Kv } from '@dsys/kv'
import { KV, kv } from '@dsys/kv/di'
import { raft } from '@dsys/raft/di'
import { utf8 } from '@dsys/runtime'
import { runtime } from '@dsys/runtime/di'
import { memoryStorage } from '@dsys/storage-memory/di'
import { MemoryNetwork } from '@dsys/transport-memory'
import { memoryTransport } from '@dsys/transport-memory/di'
import { expect, test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'

test('kv() gives the Raft group its machine, and keyspaces over it; three scopes make a cluster', async () => {
  const network = new MemoryNetwork()
  const voters = ['n1', 'n2', 'n3']
  const keyspaces = { stock: { consistency: 'linearizable' as const } }
  const scopes = voters.map((nodeId) =>
    new NodeScope(plainContainer()).use(
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
