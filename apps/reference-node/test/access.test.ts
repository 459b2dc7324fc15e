import { describe, expect, test } from 'vitest'
import { FakeBackend, startEdge } from './fake-backend.ts'
import { RawConnection } from './raw-http.ts'

const MEMBERS = '/v1/raft/members'

/** What an edge answers to a request for `path` with these header lines. */
async function answered(url: string, request: string, ...headers: readonly string[]): Promise<string> {
  const connection = new RawConnection(url)
  connection.write(`${request}\r\n${headers.map((header) => `${header}\r\n`).join('')}connection: close\r\n\r\n`)
  return await connection.end()
}

describe('the name by which a node is asked', () => {
  test.each([
    ['an address', '127.0.0.1:7001'],
    ['any other address, which no page can point here', '10.1.2.3'],
    ['an address of version 6', '[::1]:7001'],
    ['localhost', 'localhost:7001'],
    ['localhost, written otherwise', 'LocalHost.'],
    ['localhost, with a port that is left empty', 'localhost:'],
    ['an address of version 6, likewise', '[::1]:'],
    ['a name that was configured', 'n1.example:80'],
  ])('may be %s', async (_what, host) => {
    await using at = await startEdge(new FakeBackend(), { names: ['N1.example'] })
    expect(await answered(at.url, 'GET /livez HTTP/1.1', `host: ${host}`)).toContain('HTTP/1.1 200')
  })

  test.each([
    ['of somebody else', 'evil.example:7001'],
    ['that only begins like one of this node', 'localhost.evil.example'],
    ['that only ends like one of this node', 'evil-localhost'],
    ['that only looks like an address', '127.0.0.1.evil.example'],
    ['that is none', 'a b'],
    ['of somebody else, with a port that is left empty', 'evil.example:'],
    ['that is missing before a port', ':7001'],
    ['that is empty', ''],
  ])('must not be a name %s: nothing is read or changed then', async (_what, host) => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend)
    for (const request of [`GET ${MEMBERS}`, 'GET /v1/kv/default/a', 'GET /metrics', 'GET /nowhere']) {
      const answer = await answered(at.url, `${request} HTTP/1.1`, `host: ${host}`)
      expect([answer.split('\r\n', 1)[0], answer]).toEqual([
        'HTTP/1.1 421 Misdirected Request',
        expect.stringContaining('DSYS_HTTP_HOST_UNKNOWN'),
      ])
      if (host !== '') expect(answer).not.toContain(host)
    }
    const put = await answered(at.url, 'PUT /v1/kv/default/a HTTP/1.1', `host: ${host}`, 'content-length: 0')
    expect(put).toContain('DSYS_HTTP_HOST_UNKNOWN')
    expect(backend.calls).toEqual([])
  })

  test('may be missing in HTTP/1.0, and anything where that is said', async () => {
    await using at = await startEdge(new FakeBackend())
    expect(await answered(at.url, 'GET /livez HTTP/1.0')).toContain(' 200 ')
    await using open = await startEdge(new FakeBackend(), { names: ['*'] })
    expect(await answered(open.url, 'GET /livez HTTP/1.1', 'host: evil.example')).toContain(' 200 ')
  })
})

describe('a change of the cluster', () => {
  const adminToken = 'the-token-of-this-test'
  const put = (url: string, authorization?: string): Promise<Response> =>
    fetch(`${url}${MEMBERS}`, {
      method: 'PUT',
      body: JSON.stringify({ voters: ['n1', 'n2'] }),
      ...(authorization === undefined ? {} : { headers: { authorization } }),
    })

  test.each([
    ['nothing', undefined],
    ['another token', 'Bearer the-token-of-another-test'],
    ['the beginning of the token', 'Bearer the-token-of-this-tes'],
    ['the token and more', 'Bearer the-token-of-this-test1'],
    ['the token in other letters', 'Bearer The-Token-of-this-test'],
    ['the token under another scheme', 'Basic the-token-of-this-test'],
    ['no token', 'Bearer '],
  ])('is refused to whoever sends %s, and nothing is asked', async (_what, authorization) => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend, { adminToken })
    const refused = await put(at.url, authorization)
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    const text = await refused.text()
    expect(JSON.parse(text)).toMatchObject({ code: 'DSYS_HTTP_UNAUTHORIZED', outcome: 'not-applied' })
    expect(text).not.toContain(adminToken)
    expect(backend.changes).toEqual([])
  })

  test('is done for whoever sends the token; the rest asks nobody for it', async () => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend, { adminToken })
    expect((await put(at.url, `Bearer ${adminToken}`)).status).toBe(200)
    expect((await put(at.url, `bearer  ${adminToken}`)).status).toBe(200)
    expect((await fetch(`${at.url}${MEMBERS}`)).status).toBe(200)
    expect(backend.changes).toHaveLength(2)
  })

  test('asks nobody for a token where none was given', async () => {
    await using at = await startEdge(new FakeBackend())
    expect((await put(at.url)).status).toBe(200)
  })
})
