import type { SplitBrainStatus } from '@dsys/membership'
import { describe, expect, test } from 'vitest'
import { FakeBackend, startEdge } from './fake-backend.ts'

const decision = {
  outcome: 'down',
  why: '1 of 3 members are here',
  strategy: 'keep-majority',
  split: { counted: ['n1', 'n2', 'n3'], reachable: ['n1'], unreachable: ['n2', 'n3'], present: ['n1'] },
  stableForMs: 20_000,
} as const

const LINEARIZABLE = { consistency: 'linearizable' } as const

/** A backend with a resolver that stands so. */
function backendWith(status: SplitBrainStatus): FakeBackend {
  return Object.assign(new FakeBackend({ keyspaces: { default: LINEARIZABLE, 'dsys-survivors': LINEARIZABLE } }), {
    resolver: { status: () => status },
  })
}

describe('a node whose side of a split cluster does not go on', () => {
  test('refuses all that reads and changes, says why it is not ready, and answers how it stands', async () => {
    await using at = await startEdge(
      backendWith({ state: 'down', counted: ['n1', 'n2', 'n3'], lastDecision: decision }),
    )
    at.edge.goDown(decision.why)
    at.edge.goDown('another reason, that comes too late')
    const message = 'the cluster is split, and the side of this node does not go on: 1 of 3 members are here'
    for (const [path, method] of [
      ['/v1/kv/default/a', 'GET'],
      ['/v1/kv/default/a?consistency=stale', 'GET'],
      ['/v1/kv/default/a', 'PUT'],
      ['/v1/kv/default/a', 'DELETE'],
      ['/v1/raft/members', 'GET'],
      ['/v1/raft/members', 'PUT'],
    ] as const) {
      const response = await fetch(`${at.url}${path}`, { method })
      expect([path, method, response.status]).toEqual([path, method, 503])
      expect(await response.json()).toMatchObject({ code: 'DSYS_HTTP_SIDE_DOWN', message, outcome: 'not-applied' })
    }
    const ready = await fetch(`${at.url}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([503, { ready: false, reason: message }])
    expect((await fetch(`${at.url}/livez`)).status).toBe(200)
    expect((await fetch(`${at.url}/v1/members`)).status).toBe(200)
    const cluster = await (await fetch(`${at.url}/v1/cluster`)).json()
    expect(cluster).toMatchObject({
      splitBrain: { state: 'down', lastDecision: { outcome: 'down', why: decision.why } },
    })
  })
})

test('without a resolver, and before it has decided anything, the cluster view says so', async () => {
  await using off = await startEdge(new FakeBackend())
  expect(await (await fetch(`${off.url}/v1/cluster`)).json()).toMatchObject({ splitBrain: null })
  await using on = await startEdge(backendWith({ state: 'whole', counted: ['n1'], lastDecision: undefined }))
  const splitBrain = { state: 'whole', counted: ['n1'], lastDecision: null }
  expect(await (await fetch(`${on.url}/v1/cluster`)).json()).toMatchObject({ splitBrain })
})

test('what the lease keeps is read by anybody, and changed by an admin alone', async () => {
  const backend = backendWith({ state: 'whole', counted: ['n1'], lastDecision: undefined })
  const adminToken = 'a-token-of-more-than-16'
  await using at = await startEdge(backend, { adminToken })
  const url = `${at.url}/v1/kv/dsys-survivors/dsys%2Fsurvivors`
  const change = (method: string, headers = {}): Promise<Response> => fetch(url, { method, body: 'x', headers })
  const authorization = `Bearer ${adminToken}`
  expect((await change('PUT')).status).toBe(401)
  expect((await change('PUT', { authorization })).status).toBe(200)
  expect((await fetch(url)).status).toBe(200)
  expect((await change('DELETE')).status).toBe(401)
  expect((await change('DELETE', { authorization })).status).toBe(200)
  expect((await fetch(`${at.url}/v1/kv/default/a`, { method: 'PUT', body: 'x' })).status).toBe(200)
})
