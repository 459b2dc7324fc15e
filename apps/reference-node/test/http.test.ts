import { NoLeaderError, OutcomeUnknownError, OverloadedError, RaftFailedError, ReadTimeoutError } from '@dsys/raft'
import { systemClock, VirtualClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { FakeBackend, startEdge } from './fake-backend.ts'
import { RawConnection } from './raw-http.ts'

interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly retryable: boolean
  readonly outcome: string
}

async function errorOf(response: Response): Promise<ErrorBody & Record<string, unknown>> {
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
  const body = (await response.json()) as ErrorBody & Record<string, unknown>
  expect(body).toMatchObject({
    code: expect.stringMatching(/^DSYS_[A-Z_]+$/),
    message: expect.stringMatching(/.{5}/),
    hint: expect.stringMatching(/.{5}/),
    retryable: expect.any(Boolean),
    outcome: expect.stringMatching(/^(applied|not-applied|unknown)$/),
  })
  return body
}

const put = (url: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: 'PUT', body: body as string, headers })

describe('values', () => {
  test('go in and out as raw bytes of any type, with the revision as ETag', async () => {
    await using at = await startEdge(new FakeBackend())
    const key = `${at.url}/v1/kv/default/a`
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const written = await put(key, bytes, { 'content-type': 'application/json; charset=broken;;' })
    expect(written.status).toBe(200)
    expect(written.headers.get('etag')).toBe('"1"')
    expect(await written.json()).toEqual({ revision: 1 })
    const read = await fetch(key)
    expect(read.status).toBe(200)
    expect(read.headers.get('etag')).toBe('"1"')
    expect(read.headers.get('x-content-type-options')).toBe('nosniff')
    expect(new Uint8Array(await read.arrayBuffer())).toEqual(bytes)
    const head = await fetch(key, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([200, '256', '"1"'])
  })

  test('may be empty, without a type, or chunked', async () => {
    await using at = await startEdge(new FakeBackend())
    const raw = new RawConnection(at.url)
    raw.write('PUT /v1/kv/default/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n')
    await raw.until('"revision":1')
    raw.write(
      'PUT /v1/kv/default/b HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
    )
    await raw.until('"revision":2')
    raw.socket.destroy()
    expect(await (await fetch(`${at.url}/v1/kv/default/a`)).text()).toBe('')
    expect(await (await fetch(`${at.url}/v1/kv/default/b`)).text()).toBe('hello')
  })

  test('are deleted, again without harm; a missing key is 404 with a body, and none for HEAD', async () => {
    await using at = await startEdge(new FakeBackend())
    const key = `${at.url}/v1/kv/default/a`
    await put(key, 'x')
    expect(await (await fetch(key, { method: 'DELETE' })).json()).toEqual({ deleted: true, revision: 2 })
    expect(await (await fetch(key, { method: 'DELETE' })).json()).toEqual({ deleted: false })
    const missing = await fetch(key)
    expect(missing.status).toBe(404)
    expect((await errorOf(missing)).code).toBe('DSYS_HTTP_KEY_NOT_FOUND')
    const head = await fetch(key, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([404, ''])
  })

  test('a reader who has the revision gets 304', async () => {
    await using at = await startEdge(new FakeBackend())
    const key = `${at.url}/v1/kv/default/a`
    await put(key, 'x')
    for (const tag of ['"1"', 'W/"1"', '"7", "1"', '*']) {
      expect((await fetch(key, { headers: { 'if-none-match': tag } })).status).toBe(304)
    }
    expect((await fetch(key, { headers: { 'if-none-match': '"2"' } })).status).toBe(200)
  })
})

describe('keys', () => {
  const paths: [string, number[] | string, string][] = [
    ['plain segments', 'a/b/c', '/v1/kv/default/a/b/c'],
    ['the same, encoded', 'a/b/c', '/v1/kv/default/a%2Fb%2fc'],
    ['UTF-8', 'käse', '/v1/kv/default/k%C3%A4se'],
    ['no UTF-8', [0xff, 0x00, 0x25], '/v1/kv/default/%FF%00%25'],
    ['a plus and a semicolon', 'a+b;c', '/v1/kv/default/a+b;c'],
    ['an empty segment', 'a//', '/v1/kv/default/a//'],
    ['the keyspace encoded', 'a', '/v1/kv/%64efault/a'],
  ]
  test.each(paths)('%s', async (_name, key, path) => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend)
    const raw = new RawConnection(at.url)
    raw.write(
      Buffer.from(
        `PUT ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx`,
        'latin1',
      ),
    )
    expect(await raw.end()).toContain(' 200 OK')
    const stored = typeof key === 'string' ? key : Uint8Array.from(key)
    expect(await backend.kv.linearizable('default').get(stored)).toBeDefined()
  })

  const bad: [string, number, string, string][] = [
    ['an empty key', 400, 'DSYS_KV_KEY_INVALID', '/v1/kv/default/'],
    ['a key that is too long', 400, 'DSYS_KV_KEY_INVALID', `/v1/kv/default/${'x'.repeat(1025)}`],
    ['a URL that is too long', 414, 'DSYS_HTTP_URL_TOO_LONG', `/v1/kv/default/${'x'.repeat(5000)}`],
    ['half an escape', 400, 'DSYS_HTTP_BAD_REQUEST', '/v1/kv/default/a%2'],
    ['no escape', 400, 'DSYS_HTTP_BAD_REQUEST', '/v1/kv/default/a%zz'],
    ['an unknown keyspace', 404, 'DSYS_KV_KEYSPACE_UNKNOWN', '/v1/kv/other/a'],
    ['a keyspace named like a property', 404, 'DSYS_KV_KEYSPACE_UNKNOWN', '/v1/kv/__proto__/a'],
    ['no key at all', 404, 'DSYS_HTTP_NOT_FOUND', '/v1/kv/default'],
    ['no keyspace', 404, 'DSYS_HTTP_NOT_FOUND', '/v1/kv'],
    ['another path', 404, 'DSYS_HTTP_NOT_FOUND', '/v2/nothing'],
    ['a broken path', 400, 'DSYS_HTTP_BAD_REQUEST', '/%zz'],
    ['an unknown parameter', 400, 'DSYS_HTTP_BAD_REQUEST', '/v1/kv/default/a?timeout=3'],
    ['an unknown consistency', 400, 'DSYS_HTTP_BAD_REQUEST', '/v1/kv/default/a?consistency=maybe'],
    ['a timeout out of range', 400, 'DSYS_HTTP_BAD_REQUEST', '/v1/kv/default/a?timeoutMs=0'],
    ['a timeout that is no number', 400, 'DSYS_HTTP_BAD_REQUEST', '/v1/kv/default/a?timeoutMs=1e3'],
  ]
  test.each(bad)('%s is refused', async (_name, status, code, path) => {
    await using at = await startEdge(new FakeBackend())
    const response = await fetch(at.url + path)
    expect(response.status).toBe(status)
    expect(await errorOf(response)).toMatchObject({ code, outcome: 'not-applied', retryable: false })
  })
})

describe('conditions', () => {
  test('create once, update and delete by revision, and say what is there instead', async () => {
    await using at = await startEdge(new FakeBackend())
    const key = `${at.url}/v1/kv/default/a`
    const del = (tag: string): Promise<Response> => fetch(key, { method: 'DELETE', headers: { 'if-match': tag } })
    expect((await put(key, 'x', { 'if-match': '"1"' })).status).toBe(412)
    expect((await put(key, 'x', { 'if-match': '*' })).status).toBe(412)
    expect((await del('*')).status).toBe(412)
    expect((await put(key, 'one', { 'if-none-match': '*' })).status).toBe(201)
    const again = await put(key, 'two', { 'if-none-match': '*' })
    expect(again.status).toBe(412)
    expect(await errorOf(again)).toMatchObject({ code: 'DSYS_HTTP_PRECONDITION_FAILED', revision: 1 })
    expect(await (await put(key, 'two', { 'if-match': '"1"' })).json()).toEqual({ revision: 2 })
    expect(await errorOf(await put(key, 'three', { 'if-match': '"1"' }))).toMatchObject({ revision: 2 })
    expect(await (await put(key, 'three', { 'if-match': '*' })).json()).toEqual({ revision: 3 })
    for (const tag of ['W/"3"', '"abc"', '"03"', '"99999999999999999999"']) {
      expect((await put(key, 'no', { 'if-match': tag })).status).toBe(412)
      expect((await del(tag)).status).toBe(412)
    }
    expect((await del('"1"')).status).toBe(412)
    expect(await (await fetch(key)).text()).toBe('three')
    expect(await (await del('"3"')).json()).toEqual({ deleted: true, revision: 4 })
    expect(await errorOf(await del('"3"'))).toMatchObject({ revision: null })
    await put(key, 'x')
    expect(await (await del('*')).json()).toEqual({ deleted: true, revision: 6 })
  })

  test('count also behind thousands of other headers', async () => {
    await using at = await startEdge(new FakeBackend())
    const raw = new RawConnection(at.url)
    raw.write(`PUT /v1/kv/default/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n${'a:\r\n'.repeat(2_500)}`)
    raw.write('if-match: "7"\r\nconnection: close\r\n\r\n')
    expect(await raw.end()).toMatch(/^HTTP\/1.1 412 /)
  })

  test('all attempts of If-Match: * share the deadline of the request', async () => {
    const clock = new VirtualClock()
    const backend = new FakeBackend()
    await using at = await startEdge(backend, { clock: { ...systemClock, monotonicMs: () => clock.monotonicMs() } })
    const key = `${at.url}/v1/kv/default/a?timeoutMs=1000`
    await put(key, 'x')
    const others = backend.kv.linearizable('default')
    backend.onCall = () => {
      clock.advance(400)
      backend.onCall = () => {
        clock.advance(600)
        backend.onCall = () => undefined
        // Somebody else is faster.
        void others.put('a', Uint8Array.of(1))
      }
    }
    backend.calls.length = 0
    const response = await put(key, 'y', { 'if-match': '*' })
    expect(response.status).toBe(503)
    expect(await errorOf(response)).toMatchObject({ code: 'DSYS_HTTP_CONTENDED', outcome: 'not-applied' })
    const own = backend.calls.map((options) => options?.timeoutMs).filter((timeoutMs) => timeoutMs !== undefined)
    expect(own).toEqual([1_000, 600])
  })

  test.each([
    [{ 'if-match': '1' }],
    [{ 'if-match': '"1", "2"' }],
    [{ 'if-none-match': '"1"' }],
    [{ 'if-match': '"1"', 'if-none-match': '*' }],
  ])('%j is a bad request', async (headers: Record<string, string>) => {
    await using at = await startEdge(new FakeBackend())
    expect((await put(`${at.url}/v1/kv/default/a`, 'x', headers)).status).toBe(400)
  })
})

describe('failures', () => {
  const cases: [Error, number, string, boolean][] = [
    [new NoLeaderError('main', 5), 503, 'not-applied', true],
    [new ReadTimeoutError('main', 5), 503, 'not-applied', true],
    [new OverloadedError('main', 'proposals'), 503, 'not-applied', true],
    [new RaftFailedError('main', new Error('disk')), 503, 'unknown', false],
    [new OutcomeUnknownError('main', 'the deadline passed'), 504, 'unknown', false],
    [new Error('secret of the inside'), 500, 'unknown', false],
  ]
  test.each(cases)('%s', async (error, status, outcome, retryable) => {
    const backend = new FakeBackend()
    backend.failWith = error
    await using at = await startEdge(backend)
    for (const response of [await put(`${at.url}/v1/kv/default/a`, 'x'), await fetch(`${at.url}/v1/kv/default/a`)]) {
      expect(response.status).toBe(status)
      expect(response.headers.get('retry-after')).toBe(status === 503 ? '1' : null)
      const body = await errorOf(response)
      expect(body).toMatchObject({ outcome, retryable })
      expect(JSON.stringify(body)).not.toContain('secret')
    }
  })

  test('a wrong method is 405 and names the right ones', async () => {
    await using at = await startEdge(new FakeBackend())
    for (const method of ['POST', 'PATCH', 'OPTIONS']) {
      const response = await fetch(`${at.url}/v1/kv/default/a`, {
        method,
        ...(method === 'OPTIONS' ? {} : { body: 'x' }),
      })
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT, DELETE'])
      expect((await errorOf(response)).code).toBe('DSYS_HTTP_METHOD_NOT_ALLOWED')
    }
    expect((await fetch(`${at.url}/livez`, { method: 'DELETE' })).status).toBe(405)
  })

  test('headers that are too long, and what is no HTTP, are answered as JSON', async () => {
    await using at = await startEdge(new FakeBackend())
    const long = new RawConnection(at.url)
    long.write(`GET /livez HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)
    expect(await long.end()).toMatch(/^HTTP\/1.1 431 [\s\S]*DSYS_HTTP_HEADERS_TOO_LARGE/)
    const noise = new RawConnection(at.url)
    noise.write('hello there\r\n\r\n')
    expect(await noise.end()).toMatch(/^HTTP\/1.1 400 [\s\S]*DSYS_HTTP_BAD_REQUEST/)
  })

  test('what cannot be read behind a change that is under way is no answer to that change', async () => {
    const backend = new FakeBackend()
    let open = (): void => undefined
    backend.gate = new Promise((resolve) => {
      open = resolve
    })
    await using at = await startEdge(backend)
    const raw = new RawConnection(at.url)
    raw.write('PUT /v1/kv/default/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nxhello there\r\n\r\n')
    expect(await raw.end()).not.toContain('not-applied')
    open()
    await backend.gate
    expect(await (await fetch(`${at.url}/v1/kv/default/a`)).text()).toBe('x')
  })

  test('a body that cannot be read is refused with an answer', async () => {
    await using at = await startEdge(new FakeBackend())
    const raw = new RawConnection(at.url)
    raw.write('PUT /v1/kv/default/a HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nno length\r\n')
    expect(await raw.end()).toMatch(/^HTTP\/1.1 400 [\s\S]*DSYS_HTTP_BAD_REQUEST[\s\S]*not-applied/)
  })

  test('deadline and consistency reach Raft', async () => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend, { defaultTimeoutMs: 77 })
    await fetch(`${at.url}/v1/kv/default/a?consistency=stale&timeoutMs=9`)
    await put(`${at.url}/v1/kv/default/a`, 'x')
    expect(backend.calls).toEqual([{ timeoutMs: 9, consistency: 'stale' }, { timeoutMs: 77 }])
    expect((await put(`${at.url}/v1/kv/default/a?consistency=stale`, 'x')).status).toBe(400)
  })
})

describe('bodies over the limit', () => {
  const limit = 1_000
  const head = (more: string): string => `PUT /v1/kv/default/a HTTP/1.1\r\nhost: localhost\r\n${more}\r\n\r\n`

  test('the limit itself is fine, one more byte is 413, and the connection lives on', async () => {
    await using at = await startEdge(new FakeBackend({ maxValueBytes: limit }))
    const raw = new RawConnection(at.url)
    raw.write(`${head(`content-length: ${limit}`)}${'x'.repeat(limit)}`)
    await raw.until('"revision":1')
    raw.write(`${head(`content-length: ${limit + 1}`)}${'x'.repeat(limit + 1)}`)
    await raw.until('DSYS_HTTP_BODY_TOO_LARGE')
    raw.write(`${head('content-length: 1')}y`)
    expect(await raw.until('"revision":2')).toContain('"revision":2')
    raw.socket.destroy()
  })

  test('an announced body is refused before it is sent', async () => {
    await using at = await startEdge(new FakeBackend({ maxValueBytes: limit }))
    const raw = new RawConnection(at.url)
    raw.write(head('content-length: 10000000000'))
    expect(await raw.until('DSYS_HTTP_BODY_TOO_LARGE')).toMatch(/^HTTP\/1.1 413 /)
    raw.socket.destroy()
  })

  test('a chunked body is refused as soon as it is too long, and cut when it goes on without end', async () => {
    await using at = await startEdge(new FakeBackend({ maxValueBytes: limit }))
    const raw = new RawConnection(at.url)
    raw.write(`${head('transfer-encoding: chunked')}7d0\r\n${'x'.repeat(2_000)}\r\n`)
    expect(await raw.until('DSYS_HTTP_BODY_TOO_LARGE')).toMatch(/^HTTP\/1.1 413 /)
    const mebibyte = `100000\r\n${'x'.repeat(2 ** 20)}\r\n`
    const write = (): Promise<boolean> =>
      new Promise((resolve) => raw.socket.write(mebibyte, (error) => resolve(error === undefined || error === null)))
    let sent = 0
    while (sent < 64 && (await write())) sent += 1
    expect(sent).toBeLessThan(64)
    await raw.end()
  })

  test('a client that waits for 100 Continue never sends a body that is too large', async () => {
    await using at = await startEdge(new FakeBackend({ maxValueBytes: limit }))
    const refused = new RawConnection(at.url)
    refused.write(head(`content-length: ${limit + 1}\r\nexpect: 100-continue`))
    const answer = await refused.end()
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    expect(answer).not.toContain('100 Continue')
    const welcome = new RawConnection(at.url)
    welcome.write(head('content-length: 2\r\nexpect: 100-continue'))
    expect(await welcome.until('100 Continue')).toContain('HTTP/1.1 100 Continue')
    welcome.write('hi')
    expect(await welcome.until('"revision":1')).toContain('HTTP/1.1 200')
    welcome.socket.destroy()
  })

  test('an upload that breaks off changes nothing and frees its place', async () => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend, { maxInflightRequests: 1 })
    const raw = new RawConnection(at.url)
    raw.write(`${head('content-length: 10')}half`)
    // The place is taken once the server has read the head.
    await expect.poll(async () => (await fetch(`${at.url}/v1/kv/default/b`)).status).toBe(503)
    raw.socket.destroy()
    await expect.poll(async () => (await fetch(`${at.url}/v1/kv/default/a`)).status).toBe(404)
    expect(await (await put(`${at.url}/v1/kv/default/b`, 'x')).json()).toEqual({ revision: 1 })
  })

  test('an upload that cannot be read frees its place, also when its client keeps the connection', async () => {
    await using at = await startEdge(new FakeBackend(), { maxInflightRequests: 1 })
    const raw = new RawConnection(at.url, { allowHalfOpen: true })
    raw.write(head('transfer-encoding: chunked'))
    await expect.poll(async () => (await fetch(`${at.url}/v1/kv/default/b`)).status).toBe(503)
    raw.write('no chunk\r\n')
    expect(await raw.until('DSYS_HTTP_BAD_REQUEST')).toContain('"outcome":"not-applied"')
    await expect.poll(async () => (await fetch(`${at.url}/v1/kv/default/b`)).status).toBe(404)
    raw.socket.destroy()
  })
})

describe('bounds', () => {
  test('more requests or bytes than allowed are refused as retryable, and welcome again afterwards', async () => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend, { maxInflightRequests: 2, maxInflightBytes: 10 })
    let open = (): void => undefined
    backend.gate = new Promise((resolve) => {
      open = resolve
    })
    const key = `${at.url}/v1/kv/default/a`
    const first = put(key, '12345678')
    await expect.poll(() => backend.calls.length).toBe(1)
    const tooManyBytes = await put(key, '123')
    expect([tooManyBytes.status, tooManyBytes.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await errorOf(tooManyBytes)).toMatchObject({
      code: 'DSYS_HTTP_OVERLOADED',
      retryable: true,
      outcome: 'not-applied',
    })
    const second = put(key, '12')
    await expect.poll(() => backend.calls.length).toBe(2)
    expect((await errorOf(await fetch(key))).code).toBe('DSYS_HTTP_OVERLOADED')
    open()
    expect([(await first).status, (await second).status, (await fetch(key)).status]).toEqual([200, 200, 200])
    for (let i = 0; i < 3; i++) expect((await put(key, '12345678')).status).toBe(200)
  })

  test('answers that a client does not read are held up to a limit, and forgotten with its connection', async () => {
    const big = 256 * 1_024
    await using at = await startEdge(new FakeBackend(), { maxInflightBytes: 64 * big })
    const key = `${at.url}/v1/kv/default/a`
    await put(key, new Uint8Array(big))
    const count = (raw: RawConnection, text: string): number => raw.received.split(text).length - 1
    const read = 'GET /v1/kv/default/a HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(200)
    for (let round = 0; round < 2; round++) {
      const slow = new RawConnection(at.url)
      slow.write(read)
      await expect.poll(() => count(slow, 'HTTP/1.1 ')).toBe(200)
      expect(count(slow, 'HTTP/1.1 200')).toBeGreaterThanOrEqual(64)
      expect(count(slow, 'HTTP/1.1 503')).toBeGreaterThan(0)
      slow.socket.destroy()
      const gone = new RawConnection(at.url)
      gone.write(read)
      await gone.until('HTTP/1.1 ')
      gone.socket.destroy()
      await expect.poll(async () => (await fetch(key)).status).toBe(200)
    }
  })
})

describe('health', () => {
  test('live from the first moment, ready with a backend that says so', async () => {
    await using at = await startEdge(undefined)
    expect((await fetch(`${at.url}/livez`)).status).toBe(200)
    const starting = await fetch(`${at.url}/readyz`)
    expect([starting.status, await starting.json()]).toEqual([503, { ready: false, reason: 'the node is starting' }])
    const early = await put(`${at.url}/v1/kv/default/a`, 'x')
    expect(early.status).toBe(503)
    expect(await errorOf(early)).toMatchObject({ code: 'DSYS_HTTP_STARTING', retryable: true, outcome: 'not-applied' })
    const backend = new FakeBackend()
    at.edge.serve(backend)
    expect((await fetch(`${at.url}/readyz`)).status).toBe(200)
    backend.readinessNow = { ready: false, reason: 'no leader is known' }
    const leaderless = await fetch(`${at.url}/readyz`)
    expect([leaderless.status, await leaderless.json()]).toEqual([503, { ready: false, reason: 'no leader is known' }])
  })

  test('the cluster, as this node sees it', async () => {
    const backend = new FakeBackend()
    await using at = await startEdge(backend)
    expect(await (await fetch(`${at.url}/v1/explain`)).json()).toEqual(backend.node.explain())
    expect(await (await fetch(`${at.url}/v1/cluster`)).json()).toMatchObject({
      id: 'n1',
      ready: true,
      leader: 'n1',
      raft: { role: 'leader', term: 4, commitIndex: 9, lastApplied: 9 },
      members: [{ id: 'n1', generation: 3, state: 'alive' }],
      keyspaces: [{ name: 'default', entries: 0 }],
      uptimeMs: 12,
    })
  })
})

describe('draining', () => {
  test('answers what is under way, asks clients to leave, and takes no new connection', async () => {
    const backend = new FakeBackend()
    const at = await startEdge(backend)
    let open = (): void => undefined
    backend.gate = new Promise((resolve) => {
      open = resolve
    })
    const idle = new RawConnection(at.url)
    idle.write('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await idle.until('live')
    const busy = new RawConnection(at.url)
    busy.write('PUT /v1/kv/default/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n\r\nx')
    await expect.poll(() => backend.calls.length).toBe(1)
    const drained = at.edge.drain()
    expect(at.edge.drain()).toBe(drained)
    await idle.end()
    await expect(fetch(`${at.url}/livez`)).rejects.toThrow()
    expect(busy.received).toBe('')
    open()
    expect((await busy.end()).toLowerCase()).toMatch(/^http\/1.1 200 [\s\S]*connection: close[\s\S]*"revision":1/)
    await drained
  })

  test('cuts what takes longer than the drain timeout', async () => {
    const backend = new FakeBackend()
    const at = await startEdge(backend, { drainTimeoutMs: 20 })
    backend.gate = new Promise(() => undefined)
    const stuck = new RawConnection(at.url)
    stuck.write('GET /v1/kv/default/a HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await expect.poll(() => backend.calls.length).toBe(1)
    await at.edge.drain()
    expect(await stuck.end()).toBe('')
  })

  test('is not ready while it drains, also for a connection that asks just then', async () => {
    const backend = new FakeBackend()
    const at = await startEdge(backend)
    let open = (): void => undefined
    backend.gate = new Promise((resolve) => {
      open = resolve
    })
    const raw = new RawConnection(at.url)
    raw.write('GET /v1/kv/default/a HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await expect.poll(() => backend.calls.length).toBe(1)
    const late = new RawConnection(at.url)
    late.write('GET /readyz HTTP/1.1\r\nhost: localhost\r\n')
    // Once a later request is answered, the server has seen the first half of the earlier one.
    expect((await fetch(`${at.url}/readyz`)).status).toBe(200)
    const drained = at.edge.drain()
    late.write('\r\n')
    expect(await late.end()).toContain('the node is draining')
    open()
    await raw.end()
    await drained
  })
})
