import 'reflect-metadata'
import { NodeScope } from '@dsys/di'
import { KV, kv } from '@dsys/kv/di'
import { membership } from '@dsys/membership/di'
import { NODE, node } from '@dsys/node/di'
import { raft } from '@dsys/raft/di'
import { utf8 } from '@dsys/runtime'
import { runtime } from '@dsys/runtime/di'
import { memoryStorage } from '@dsys/storage-memory/di'
import { MemoryNetwork } from '@dsys/transport-memory'
import { memoryTransport } from '@dsys/transport-memory/di'
import { container } from 'tsyringe'
import { expect, test } from 'vitest'

test('the modules make a node from a tsyringe container, and its disposal stops all of it', async () => {
  const network = new MemoryNetwork()
  const scope = new NodeScope(container.createChildContainer()).use(
    runtime(),
    memoryStorage(),
    memoryTransport({ network, nodeId: 'n1' }),
    raft({ group: 'main', voters: ['n1'] }),
    kv(),
    membership({ cluster: 'test', joinTimeoutMs: 10 }),
    node(),
  )
  await scope.start()
  const made = scope.get(NODE)
  await expect.poll(() => made.readiness()).toEqual({ ready: true })
  expect(await scope.get(KV).linearizable('default', { codec: utf8 }).put('a', 'x')).toEqual({ revision: 1 })
  expect(await made.status()).toMatchObject({ id: 'n1', state: 'running', raft: { role: 'leader' } })
  await scope[Symbol.asyncDispose]()
  expect(await made.status()).toMatchObject({ state: 'stopped', connection: 'closed' })
})

test('a part that is missing is named, with the path that asked for it', () => {
  const scope = new NodeScope(container.createChildContainer()).use(runtime(), node())
  expect(() => scope.get(NODE)).toThrow(/dsys\.Transport.*dsys\.Node/)
})
