import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { type NatsServer, natsForTests } from '../../../tooling/nats-server/index.mjs'
import { identityLostHint } from '../src/identity-lost-hint.ts'
import { NodeProcess } from '../src/launcher/node-process.ts'
import { TestCluster, type TestClusterOptions } from './harness/test-cluster.ts'
import { until } from './harness/until.ts'
import { auditWrites, WriteStream } from './harness/write-stream.ts'
import { RawConnection } from './raw-http.ts'

const nats = await natsForTests()

nats.describe(describe, 'three node processes over a real nats-server', () => {
  let server: NatsServer
  beforeAll(async () => {
    server = await nats.start()
  })
  afterAll(async () => {
    await server?.stop()
  })

  async function start(options: Partial<TestClusterOptions> = {}): Promise<TestCluster> {
    const cluster = await TestCluster.start({ nats: server.url, ...options })
    onTestFailed(() => console.error(cluster.logs()))
    return cluster
  }

  test('a write through each node is read through each other, at once', async () => {
    await using cluster = await start()
    for (const writer of cluster.ids) {
      const written = await fetch(cluster.keyUrl(writer, `via-${writer}`), { method: 'PUT', body: `by ${writer}` })
      expect(written.status).toBe(200)
      for (const reader of cluster.ids) {
        const read = await fetch(cluster.keyUrl(reader, `via-${writer}`))
        expect([read.status, await read.text(), read.headers.get('etag')]).toEqual([
          200,
          `by ${writer}`,
          written.headers.get('etag'),
        ])
      }
    }
    const conflict = await fetch(cluster.keyUrl('n2', 'via-n1'), {
      method: 'PUT',
      body: 'x',
      headers: { 'if-match': '"99"' },
    })
    expect([conflict.status, ((await conflict.json()) as { revision: number }).revision]).toEqual([412, 1])
    expect((await fetch(cluster.keyUrl('n3', 'via-n1'), { method: 'DELETE' })).status).toBe(200)
    expect((await fetch(cluster.keyUrl('n1', 'via-n1'))).status).toBe(404)
  })

  test('kill -9 of the leader under a stream of writes: a new leader, and every acknowledged write is there', async () => {
    await using cluster = await start()
    const stream = new WriteStream({ urls: () => cluster.running.map((id) => cluster.url(id)) })
    await until('the stream flows', () => stream.acknowledged > 100)
    const before = await cluster.leader()
    await cluster.kill(before)
    const after = await cluster.leader(before)
    const acknowledged = stream.acknowledged
    await until('the stream flows again', () => stream.acknowledged > acknowledged + 100)
    await stream.stop()
    expect(after).not.toBe(before)
    expect(
      await auditWrites(
        stream,
        cluster.running.map((id) => cluster.url(id)),
      ),
    ).toEqual([])
  })

  test('a killed node restarts from its disk and catches up', async () => {
    await using cluster = await start()
    const victim = (await cluster.leader()) === 'n1' ? 'n2' : 'n1'
    const urls = (): readonly string[] => cluster.running.map((id) => cluster.url(id))
    const early = new WriteStream({ urls, keyPrefix: 'early' })
    await until('there are early writes', () => early.acknowledged > 50)
    await early.stop()
    await cluster.kill(victim)
    const late = new WriteStream({ urls, keyPrefix: 'late' })
    await until('there are late writes', () => late.acknowledged > 50)
    await late.stop()
    await cluster.startNode(victim)
    await until('the node is ready', async () => (await fetch(`${cluster.url(victim)}/readyz`)).ok)
    // A stale read asks nobody: what it finds is on this node.
    for (const [key, outcome] of [...early.outcomes, ...late.outcomes]) {
      if (outcome !== 'acknowledged') continue
      const read = await fetch(`${cluster.keyUrl(victim, key)}?consistency=stale`)
      expect(`${key}: ${await read.text()}`).toBe(`${key}: the value of ${key}`)
    }
  })

  test('kill -9 of all nodes at once loses no acknowledged write', async () => {
    await using cluster = await start()
    const stream = new WriteStream({ urls: () => cluster.ids.map((id) => cluster.url(id)), writers: 8 })
    await until('the stream flows', () => stream.acknowledged > 300)
    const killed = cluster.kill(...cluster.ids)
    const stopped = stream.stop()
    await Promise.all([killed, stopped])
    await Promise.all(cluster.ids.map((id) => cluster.startNode(id)))
    await cluster.formed()
    expect(
      await auditWrites(
        stream,
        cluster.ids.map((id) => cluster.url(id)),
      ),
    ).toEqual([])
  })

  test('a restart of the nats-server heals without help', async () => {
    await using own = await nats.start()
    await using cluster = await start({ nats: own.url })
    await fetch(cluster.keyUrl('n1', 'before'), { method: 'PUT', body: 'x' })
    await own.kill()
    await until('no node is ready', async () => {
      const states = await Promise.all(cluster.ids.map((id) => fetch(`${cluster.url(id)}/readyz`)))
      return states.every(({ status }) => status === 503)
    })
    const refused = await fetch(`${cluster.keyUrl('n1', 'during')}?timeoutMs=300`, { method: 'PUT', body: 'x' })
    expect([503, 504]).toContain(refused.status)
    expect((await fetch(`${cluster.url('n1')}/livez`)).status).toBe(200)
    await own.restart()
    await cluster.formed()
    for (const id of cluster.ids) {
      expect((await fetch(cluster.keyUrl(id, 'before'))).status).toBe(200)
      expect((await fetch(cluster.keyUrl(id, `after-${id}`), { method: 'PUT', body: 'y' })).status).toBe(200)
    }
  })

  test('P-30: a node that lost its disk says so and ends, and is replaced as the README says', async () => {
    await using cluster = await start({ flags: FAST })
    const steps = runbook()
    expect(steps.length).toBe(2)
    const follow = async (): Promise<void> => {
      const { node, path, body, answer } = steps.shift() as (typeof steps)[number]
      const response = await fetch(`${cluster.url(`n${node}`)}${path}`, { method: 'PUT', body })
      expect([response.status, (await response.text()).trim()]).toEqual([200, answer])
    }
    expect((await fetch(cluster.keyUrl('n1', 'before'), { method: 'PUT', body: 'kept' })).status).toBe(200)
    const [one, lost] = ['n1', 'n2']

    await cluster.loseDisk(lost)
    await cluster.startNode(lost)
    expect(await cluster.process(lost).ended).toEqual({ code: 3, signal: null })
    const log = readFileSync(join(cluster.directory, lost, 'node.log'), 'utf8')
    expect(log).toContain('DSYS_RAFT_IDENTITY_LOST')
    expect(log).toContain(identityLostHint(lost))
    // The others go on meanwhile, and nobody counts on the node.
    expect((await fetch(cluster.keyUrl(one, 'meanwhile'), { method: 'PUT', body: 'kept' })).status).toBe(200)

    await follow()
    await cluster.startNode(lost, '--join')
    await follow()
    await cluster.formed()
    expect(await (await fetch(`${cluster.url(lost)}/v1/raft/members`)).json()).toMatchObject({ voters: cluster.ids })
    for (const key of ['before', 'meanwhile']) {
      const read = await fetch(`${cluster.keyUrl(lost, key)}?consistency=stale`)
      expect([read.status, await read.text()]).toEqual([200, 'kept'])
    }

    // It counts again: with it, and without one of the others, there is a majority.
    await cluster.kill(one)
    await until('two of them write', async () => {
      const written = await fetch(cluster.keyUrl(lost, 'after'), { method: 'PUT', body: 'kept' })
      return written.status === 200
    })
    // And it is known by its new disk: as long as that is there, --join means nothing.
    await cluster.kill(lost)
    await cluster.startNode(one)
    await cluster.startNode(lost, '--join')
    await cluster.formed()
    expect(await (await fetch(cluster.keyUrl(lost, 'after'))).text()).toBe('kept')
  })

  test('P-30: or it is replaced by a node under a new id, in one step', async () => {
    await using cluster = await start({ nodes: 4, voters: ['n1', 'n2', 'n3'], flags: FAST })
    expect((await fetch(cluster.keyUrl('n1', 'before'), { method: 'PUT', body: 'kept' })).status).toBe(200)
    await cluster.kill('n2')
    await cluster.startNode('n4')
    const voters = ['n1', 'n3', 'n4']
    const body = JSON.stringify({ voters, expected: { voters: ['n1', 'n2', 'n3'] } })
    const replaced = await fetch(`${cluster.url('n1')}/v1/raft/members`, { method: 'PUT', body })
    expect(await replaced.json()).toEqual({ voters, learners: [], witnesses: [] })
    expect(await (await fetch(cluster.keyUrl('n4', 'before'))).text()).toBe('kept')
    const again = await fetch(`${cluster.url('n4')}/v1/raft/members`, {
      method: 'PUT',
      body: JSON.stringify({ voters: ['n4'], expected: { voters: ['n1', 'n2', 'n3'] } }),
    })
    expect([again.status, ((await again.json()) as { code: string }).code]).toEqual([
      409,
      'DSYS_RAFT_MEMBERSHIP_CONFLICT',
    ])
  })

  test('SIGTERM of a leader hands over first, and no request fails', async () => {
    // An election without a hand-over begins only after twice the time that a write may take.
    await using cluster = await start({ flags: ['--election-timeout-ms', '3000'] })
    const stream = new WriteStream({
      urls: () => cluster.ids.map((id) => cluster.url(id)),
      retryConnections: true,
      writers: 8,
      timeoutMs: 1_500,
    })
    await until('the stream flows', () => stream.acknowledged > 200)
    const before = await cluster.leader()
    const { raft } = (await cluster.view(before)) ?? {}
    expect(await cluster.stopNode(before)).toEqual({ code: 0, signal: null })
    const after = await cluster.leader(before)
    const acknowledged = stream.acknowledged
    await until('the stream flows again', () => stream.acknowledged > acknowledged + 200)
    await stream.stop()
    expect(stream.failures).toEqual([])
    const alive = cluster.running.map((id) => cluster.url(id))
    expect(await auditWrites(stream, alive)).toEqual([])
    // One term further: nobody had to guess that the leader is gone.
    expect((await cluster.view(after))?.raft.term).toBe((raft?.term ?? 0) + 1)
    const members = (await cluster.view(after))?.members
    expect(members?.find(({ id }) => id === before)?.state).toBe('left')
    const log = readFileSync(join(cluster.directory, before, 'node.log'), 'utf8')
    expect(log).not.toMatch(/"level":(40|50)/)
  })

  test('without a majority: 503 or 504 with the outcome, not ready with the reason, and stale reads go on', async () => {
    await using cluster = await start()
    expect((await fetch(cluster.keyUrl('n1', 'a'), { method: 'PUT', body: 'x' })).status).toBe(200)
    // All nodes know the value before two of them are gone.
    await until('all have it', async () => {
      const reads = await Promise.all(cluster.ids.map((id) => fetch(`${cluster.keyUrl(id, 'a')}?consistency=stale`)))
      return reads.every(({ ok }) => ok)
    })
    const survivor = (await cluster.leader()) === 'n1' ? 'n2' : 'n1'
    await cluster.kill(...cluster.ids.filter((id) => id !== survivor))
    const notReady = await until('it is not ready', async () => {
      const response = await fetch(`${cluster.url(survivor)}/readyz`)
      return response.status === 503 ? response : undefined
    })
    expect(await notReady.json()).toMatchObject({ ready: false, reason: expect.stringContaining('leader') })
    const write = await fetch(`${cluster.keyUrl(survivor, 'a')}?timeoutMs=300`, { method: 'PUT', body: 'y' })
    const body = (await write.json()) as { code: string; outcome: string }
    if (write.status === 503) {
      expect(write.headers.get('retry-after')).toBe('1')
      expect(body).toMatchObject({ code: 'DSYS_RAFT_NO_LEADER', outcome: 'not-applied' })
    } else {
      expect(write.status).toBe(504)
      expect(body.outcome).toBe('unknown')
    }
    const read = await fetch(`${cluster.keyUrl(survivor, 'a')}?timeoutMs=300`)
    expect([read.status, read.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await read.json()).toMatchObject({ retryable: true, outcome: 'not-applied' })
    const stale = await fetch(`${cluster.keyUrl(survivor, 'a')}?consistency=stale`)
    expect([stale.status, await stale.text()]).toEqual([200, 'x'])
  })

  test('bodies over the limit are 413 at once, and never held', async () => {
    await using cluster = await start()
    const { pid } = cluster.process('n1')
    const before = residentBytes(pid)
    const uploads = 24
    const head = 'PUT /v1/kv/default/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000000\r\n\r\n'
    const connections = Array.from({ length: uploads }, () => {
      const connection = new RawConnection(cluster.url('n1'))
      connection.write(head)
      connection.write(Buffer.alloc(8 * 2 ** 20))
      return connection
    })
    const answers = await Promise.all(connections.map((connection) => connection.until('DSYS_HTTP_BODY_TOO_LARGE')))
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 413 /)
    const after = residentBytes(pid)
    for (const { socket } of connections) socket.destroy()
    // Together the uploads bring 192 MiB.
    if (before !== undefined && after !== undefined) expect(after - before).toBeLessThan(100 * 2 ** 20)
    expect((await fetch(cluster.keyUrl('n1', 'a'))).status).toBe(404)
  })

  test('a second process with the same folder ends before it meets the cluster, and harms nothing', async () => {
    await using cluster = await start({ nodes: 1 })
    const flags = ['--voters', 'n1', '--nats', server.url, '--http-port', '0']
    const second = new NodeProcess({ id: 'n1', directory: join(cluster.directory, 'n1'), flags })
    await expect(second.whenStarted()).rejects.toThrow('is in use by')
    const log = readFileSync(second.logFile, 'utf8')
    expect(log).toContain('DSYS_STORAGE_LOCKED')
    expect(log.match(/connected to the NATS server/g)).toHaveLength(1)
    expect((await fetch(cluster.keyUrl('n1', 'a'), { method: 'PUT', body: 'x' })).status).toBe(200)
  })
})

const FAST = ['--election-timeout-ms', '300', '--heartbeat-interval-ms', '60']

/** What the README has an operator send who replaces a node, in order, and the answers. */
function runbook(): { readonly body: string; readonly node: string; readonly path: string; readonly answer: string }[] {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, part = ''] = readme.split('## Replace a node that lost its disk')
  const steps = part.matchAll(/\$ curl -X PUT --data '(.*)' http:\/\/127\.0\.0\.1:700(\d)(\S+)\n +(.*)/g)
  return [...steps].map(([, body = '', node = '', path = '', answer = '']) => ({ body, node, path, answer }))
}

/** Memory of a process, where the system tells. */
function residentBytes(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return match === null ? undefined : Number(match[1]) * 1_024
}
