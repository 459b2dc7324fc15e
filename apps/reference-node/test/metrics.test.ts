import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@dsys/runtime'
import { MemoryNetwork } from '@dsys/transport-memory'
import { describe, expect, test } from 'vitest'
import { readConfig } from '../src/config/read-config.ts'
import { whenFormed } from '../src/launcher/cluster-client.ts'
import { PrometheusMeter } from '../src/prometheus-meter.ts'
import { RunningNode } from '../src/running-node.ts'
import { startEdge } from './fake-backend.ts'

/** The values of a page by name and labels. A line that is no sample and no comment fails. */
function samplesOf(page: string): ReadonlyMap<string, number> {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('# '))
  return new Map(
    lines.map((line) => {
      const [, series = '', value = ''] = /^([a-z_]+(?:\{.*\})?) (\S+)$/.exec(line) ?? []
      expect(Number.isFinite(Number(value)) && series !== '', line).toBe(true)
      return [series, Number(value)]
    }),
  )
}

describe('the meter', () => {
  test('shows counters, gauges and histograms with their labels, from before the first value', async () => {
    const meter = new PrometheusMeter()
    const reads = meter.counter('dsys_calls', { labels: { kind: 'read' } })
    meter.counter('dsys_calls', { labels: { kind: 'write' } })
    const depth = meter.gauge('dsys_depth', { description: 'How deep', labels: { at: 'a "b"\n' } })
    const times = meter.histogram('dsys_sync_ms', { unit: 'ms' })
    expect(samplesOf(await meter.page()).get('dsys_calls{kind="read"}')).toBe(0)
    expect(samplesOf(await meter.page()).get('dsys_sync_ms_count')).toBe(0)
    reads.add(2)
    reads.add(3)
    depth.set(-4)
    for (const ms of [0.2, 0.2, 7, 90_000]) times.record(ms)
    const page = await meter.page()
    expect(page).toContain('# HELP dsys_depth How deep\n# TYPE dsys_depth gauge\n')
    const samples = samplesOf(page)
    expect(samples.get('dsys_calls{kind="read"}')).toBe(5)
    expect(samples.get('dsys_calls{kind="write"}')).toBe(0)
    expect(samples.get(String.raw`dsys_depth{at="a \"b\"\n"}`)).toBe(-4)
    const under = (le: string): number | undefined => samples.get(`dsys_sync_ms_bucket{le="${le}"}`)
    expect(['0.1', '0.25', '5', '10', '60000', '+Inf'].map(under)).toEqual([0, 2, 2, 3, 3, 4])
    expect(samples.get('dsys_sync_ms_sum')).toBeCloseTo(90_007.4)
    depth.remove?.()
    expect(await meter.page()).not.toContain('dsys_depth{')
  })

  test('is shared by who asks for the same, and takes no name for two kinds', async () => {
    const meter = new PrometheusMeter()
    for (let i = 0; i < 2; i++) meter.counter('dsys_calls').add(1)
    expect(samplesOf(await meter.page()).get('dsys_calls')).toBe(2)
    expect(() => meter.gauge('dsys_calls')).toThrow('the metric dsys_calls is asked for as two kinds')
  })

  test('leaves out what is no number, instead of failing who measures', async () => {
    const meter = new PrometheusMeter()
    meter.histogram('dsys_a').record(Number.NaN)
    meter.gauge('dsys_b').set(Number.NaN)
    meter.counter('dsys_c').add(-1)
    const samples = samplesOf(await meter.page())
    expect(['dsys_a_count', 'dsys_b', 'dsys_c'].map((name) => samples.get(name))).toEqual([0, 0, 0])
  })
})

test('a page is there while the node starts, by GET and HEAD alone', async () => {
  await using at = await startEdge(undefined)
  const page = await fetch(`${at.url}/metrics`)
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  expect((await fetch(`${at.url}/metrics`, { method: 'HEAD' })).status).toBe(200)
  const refused = await fetch(`${at.url}/metrics`, { method: 'POST' })
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
})

test('a running node shows what its parts measure, Raft all that its README lists', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'dsys-metrics-'))
  const args = ['--id', 'n1', '--voters', 'n1', '--data', directory, '--http-port', '0']
  const fast = ['--election-timeout-ms', '100', '--heartbeat-interval-ms', '20']
  const node = new RunningNode(readConfig([...args, ...fast], {}), {
    logger: silentLogger,
    network: new MemoryNetwork(),
  })
  try {
    await node.start()
    await whenFormed([node.url], 10_000)
    for (let i = 0; i < 3; i++) {
      expect((await fetch(`${node.url}/v1/kv/default/a`, { method: 'PUT', body: 'x' })).status).toBe(200)
    }
    const page = await (await fetch(`${node.url}/metrics`)).text()
    const samples = samplesOf(page)
    expect(samples.get('dsys_raft_is_leader{group="main"}')).toBe(1)
    expect(samples.get('dsys_kv_writes_total{keyspace="default"}')).toBe(3)
    for (const stage of ['durable', 'committed', 'applied']) {
      const labels = `group="main",stage="${stage}"`
      expect(samples.get(`dsys_raft_proposal_stage_ms_count{${labels}}`)).toBeGreaterThanOrEqual(3)
      expect(samples.get(`dsys_raft_proposal_stage_ms_bucket{le="+Inf",${labels}}`)).toBeGreaterThanOrEqual(3)
    }
    expect(samples.get('dsys_storage_sync_ms_count')).toBeGreaterThanOrEqual(3)
    const readme = readFileSync(new URL('../../../packages/raft/README.md', import.meta.url), 'utf8')
    const table = /### Metrics\n[\s\S]*?\n## /.exec(readme)?.[0] ?? ''
    const names = [...table.matchAll(/`(dsys_raft_[a-z_]+)`/g)].map(([, name]) => name as string)
    expect(names.length).toBeGreaterThan(20)
    for (const name of names) {
      // This node is not one of many groups.
      if (!name.startsWith('dsys_raft_groups_') && !name.startsWith('dsys_raft_follower_'))
        expect(page).toContain(`# TYPE ${name} `)
    }
  } finally {
    await node.stop()
    rmSync(directory, { recursive: true, force: true })
  }
})
