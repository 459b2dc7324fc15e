import { NodeScope } from '@dsys/di'
import { RAFT_GROUPS_DEFAULTS, RaftGroups, type RaftGroupsOptions } from '@dsys/raft'
import { RAFT_GROUPS, raftGroups } from '@dsys/raft/di'
import { systemRuntime } from '@dsys/runtime'
import { runtime } from '@dsys/runtime/di'
import { MemoryLogStorage } from '@dsys/storage-memory'
import { memoryStorage } from '@dsys/storage-memory/di'
import { MemoryNetwork } from '@dsys/transport-memory'
import { memoryTransport } from '@dsys/transport-memory/di'
import { describe, expect, test } from 'vitest'
import { plainContainer } from '../../../../tooling/fixtures/plain-container.ts'
import { resolveGroupsOptions } from '../../src/groups/groups-options.ts'

test('what is not said, or said to be undefined, is the default', () => {
  const given = { id: 'n1', sleepAfterMs: undefined } as unknown as RaftGroupsOptions
  expect(resolveGroupsOptions(given)).toEqual({ ...RAFT_GROUPS_DEFAULTS, id: 'n1' })
  expect(resolveGroupsOptions({ id: 'n1', sleepAfterMs: Number.POSITIVE_INFINITY }).sleepAfterMs).toBe(
    Number.POSITIVE_INFINITY,
  )
})

describe('a RangeError names the option that cannot be', () => {
  const wrong: readonly [says: string, options: Record<string, unknown>][] = [
    ['id', { id: '' }],
    ['heartbeatIntervalMs', { heartbeatIntervalMs: 0 }],
    ['electionTimeoutMs', { electionTimeoutMs: 200 }],
    ['electionTimeoutMs', { electionTimeoutMs: Number.NaN }],
    ['sleepAfterMs', { sleepAfterMs: 99 }],
    ['sleepAfterMs', { sleepAfterMs: Number.NaN }],
    ['maxGroups', { maxGroups: 0 }],
    ['maxGroups', { maxGroups: 1.5 }],
  ]
  test.each(wrong)('%s: %j', (says, options) => {
    const given = { id: 'n1', ...options } as RaftGroupsOptions
    expect(() => resolveGroupsOptions(given)).toThrow(RangeError)
    expect(() => resolveGroupsOptions(given)).toThrow(says)
  })

  test('or does not fit the transport', () => {
    const ports = { ...systemRuntime(), transport: new MemoryNetwork().endpoint('n1'), log: new MemoryLogStorage() }
    expect(() => new RaftGroups(ports, { id: 'n2' })).toThrow(/id \(n2\)/)
  })
})

test('raftGroups registers the groups of the node, which the scope starts and stops', async () => {
  const network = new MemoryNetwork()
  await using scope = new NodeScope(plainContainer()).use(
    runtime(),
    memoryTransport({ network, nodeId: 'n1' }),
    memoryStorage(),
    raftGroups({ maxGroups: 1 }),
  )
  await scope.start()
  const groups = scope.get(RAFT_GROUPS)
  const machine = { initial: () => 0, apply: (sum: number, add: number) => ({ state: sum + add, result: sum + add }) }
  const node = await groups.open({ group: 'g', voters: ['n1'] }, machine)
  expect(await node.propose(2)).toBe(2)
  expect(groups.status()).toMatchObject({ id: 'n1', groups: 1 })
})
