import { describe, expect, test } from 'vitest'
import { FakeBackend, startEdge } from './fake-backend.ts'
import { fakeMembership } from './fake-membership.ts'

const described = { roles: ['worker'], capabilities: ['kv/1'], tags: { zone: 'a' }, metadata: {} }

describe('who is in the cluster', () => {
  test('is told with roles, tags and what is amiss with each', async () => {
    await using at = await startEdge(new FakeBackend())
    const read = await fetch(`${at.url}/v1/members`)
    expect([read.status, await read.json()]).toEqual([
      200,
      {
        view: {
          ...{ state: 'stale', sinceMs: 5, forMs: 2, because: 'nobody-answers' },
          why: 'none of the 2 asked last has answered',
        },
        members: [
          { id: 'n1', generation: 3, incarnation: 0, state: 'alive', ...described, findings: [] },
          {
            ...{ id: 'n2', generation: 3, incarnation: 0, state: 'dead' },
            ...described,
            findings: [{ code: 'declared-dead', message: 'It was declared dead.', hint: 'Start it.' }],
          },
        ],
      },
    ])
  })

  test('is chosen by state, role, capability and tags, and by nothing else', async () => {
    const membership = fakeMembership()
    const backend = Object.assign(new FakeBackend(), { membership })
    await using at = await startEdge(backend)
    const query = 'state=alive&state=suspect&role=a%20b&capability=kv/1&tag=zone:a&tag=rack:r:1'
    await fetch(`${at.url}/v1/members?${query}`)
    await fetch(`${at.url}/v1/members`)
    expect(membership.asked).toEqual([
      { state: ['alive', 'suspect'], role: 'a b', capability: 'kv/1', tags: { zone: 'a', rack: 'r:1' } },
      { tags: {} },
    ])
    for (const wrong of ['state=gone', 'tag=zone', 'tag=:a', 'roles=a']) {
      const refused = await fetch(`${at.url}/v1/members?${wrong}`)
      expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'DSYS_HTTP_BAD_REQUEST' }])
    }
  })

  test('each is explained, whatever its id, and the topology is told', async () => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend)
    for (const id of ['n2', 'a/b c', 'x'.repeat(128)]) {
      const read = await fetch(`${at.url}/v1/members/${encodeURIComponent(id)}`)
      expect([read.status, await read.json()]).toEqual([
        200,
        JSON.parse(JSON.stringify(backend.membership.explain(id))) as unknown,
      ])
    }
    expect((await fetch(`${at.url}/v1/members/${'x'.repeat(129)}`)).status).toBe(400)
    expect(await (await fetch(`${at.url}/v1/topology`)).json()).toEqual(backend.membership.topology())
    expect((await fetch(`${at.url}/v1/topology`, { method: 'DELETE' })).status).toBe(405)
  })

  test('is not told before the node runs', async () => {
    await using at = await startEdge(undefined)
    for (const path of ['members', 'members/n1', 'topology'])
      expect((await fetch(`${at.url}/v1/${path}`)).status).toBe(503)
  })
})
