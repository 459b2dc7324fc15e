import { MembershipConflictError, NoLeaderError, ReconfigurationPendingError, WitnessRoleError } from '@dsys/raft'
import { describe, expect, test } from 'vitest'
import { FakeBackend, startEdge } from './fake-backend.ts'

const PATH = '/v1/raft/members'

const put = (url: string, body: unknown, query = ''): Promise<Response> =>
  fetch(`${url}${PATH}${query}`, { method: 'PUT', body: typeof body === 'string' ? body : JSON.stringify(body) })

async function codeOf(response: Response): Promise<[number, unknown]> {
  return [response.status, ((await response.json()) as { code: unknown }).code]
}

describe('the members of the group', () => {
  test('are read with all that was decided before, or as far as this node knows', async () => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend)
    const read = await fetch(`${at.url}${PATH}`)
    expect([read.status, await read.json()]).toEqual([
      200,
      { voters: ['n1'], learners: [], witnesses: [], change: null },
    ])
    await fetch(`${at.url}${PATH}?consistency=stale&timeoutMs=70`)
    expect(backend.calls).toEqual([
      { consistency: 'linearizable', timeoutMs: 5_000 },
      { consistency: 'stale', timeoutMs: 70 },
    ])
    backend.failWith = new NoLeaderError('main', 70)
    const failed = await fetch(`${at.url}${PATH}`)
    expect(failed.headers.get('retry-after')).toBe('1')
    expect(await codeOf(failed)).toEqual([503, 'DSYS_RAFT_NO_LEADER'])
  })

  test('are changed to whole lists, with what is expected, within a time', async () => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend)
    const changed = await put(at.url, { voters: ['n1', 'n2'] })
    expect([changed.status, await changed.json()]).toEqual([200, { voters: ['n1', 'n2'], learners: [], witnesses: [] }])
    const lists = { voters: ['n1', 'w'], learners: ['n2'], witnesses: ['w'] }
    await put(at.url, { ...lists, expected: lists }, '?timeoutMs=90')
    await put(at.url, { voters: ['n1'], expected: { voters: ['n1', 'n2'] } })
    expect(backend.changes).toEqual([
      [{ voters: ['n1', 'n2'], learners: [], witnesses: [] }, { timeoutMs: 30_000 }],
      [lists, { timeoutMs: 90, expected: lists }],
      [
        { voters: ['n1'], learners: [], witnesses: [] },
        { timeoutMs: 30_000, expected: { voters: ['n1', 'n2'], learners: [] } },
      ],
    ])
  })

  test.each([
    ['is no JSON', '{', /not JSON/],
    ['has no voters', {}, /voters/],
    ['has a list of something else', { voters: ['n1', 2] }, /voters\.1/],
    ['has a field that means nothing', { voters: ['n1'], voter: ['n2'] }, /voter/],
    [
      'expects a field that means nothing',
      { voters: ['n1'], expected: { voters: ['n1'], term: 3 } },
      /expected .*term/,
    ],
  ])('a request that %s is refused, and nothing is asked', async (_what, body, message) => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend)
    const refused = await put(at.url, body)
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({
      code: 'DSYS_HTTP_BAD_REQUEST',
      message: expect.stringMatching(message),
      outcome: 'not-applied',
    })
    expect(backend.changes).toEqual([])
  })

  test.each([
    [new MembershipConflictError('main'), 409, 'DSYS_RAFT_MEMBERSHIP_CONFLICT'],
    [new WitnessRoleError('main'), 409, 'DSYS_RAFT_WITNESS_ROLE'],
    [new ReconfigurationPendingError('main', 9), 504, 'DSYS_RAFT_RECONFIGURATION_PENDING'],
    [new RangeError('voters must not be empty'), 400, 'DSYS_HTTP_BAD_REQUEST'],
  ])('%s is told by its status', async (error, status, code) => {
    const backend = new FakeBackend()
    backend.failWith = error
    await using at = await startEdge(backend)
    expect(await codeOf(await put(at.url, { voters: ['n1'] }))).toEqual([status, code])
  })

  test('are not to be read or changed while the node starts, nor by other methods', async () => {
    await using at = await startEdge(undefined)
    for (const method of ['GET', 'PUT'])
      expect(await codeOf(await fetch(`${at.url}${PATH}`, { method }))).toEqual([503, 'DSYS_HTTP_STARTING'])
    const refused = await fetch(`${at.url}${PATH}`, { method: 'DELETE' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT'])
  })

  test('a body that is too long, a query that means nothing, and too many at once are refused', async () => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend)
    const long = JSON.stringify({ voters: ['n'.repeat(70_000)] })
    expect(await codeOf(await put(at.url, long))).toEqual([413, 'DSYS_HTTP_BODY_TOO_LARGE'])
    expect(await codeOf(await put(at.url, { voters: ['n1'] }, '?force=1'))).toEqual([400, 'DSYS_HTTP_BAD_REQUEST'])
    expect((await put(at.url, { voters: ['n1'] }, '?consistency=stale')).status).toBe(400)
    expect(backend.changes).toEqual([])
    let open = (): void => undefined
    backend.gate = new Promise((resolve) => {
      open = resolve
    })
    const first = Array.from({ length: 16 }, () => put(at.url, { voters: ['n1'] }))
    await expect.poll(() => backend.changes.length).toBe(16)
    expect(await codeOf(await put(at.url, { voters: ['n1'] }))).toEqual([503, 'DSYS_HTTP_OVERLOADED'])
    open()
    for (const response of await Promise.all(first)) expect(response.status).toBe(200)
    expect((await put(at.url, { voters: ['n1'] })).status).toBe(200)
  })
})
