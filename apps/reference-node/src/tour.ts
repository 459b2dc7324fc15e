#!/usr/bin/env node
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { whenFormed } from './launcher/cluster-client.ts'
import { ClusterLauncher, type LaunchedNode } from './launcher/cluster-launcher.ts'
import { table, transportLines } from './launcher/screen.ts'

const FORM_TIMEOUT_MS = 60_000
const NODES = 3
const USERS = [
  { key: 'user:1001', value: { name: 'Ada', plan: 'pro' } },
  { key: 'user:1002', value: { name: 'Edsger', plan: 'free' } },
  { key: 'user:1003', value: { name: 'Grace', plan: 'pro' } },
] as const

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** What was promised did not happen. */
class TourError extends Error {}

function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new TourError(what)
}

const urlOf = (node: LaunchedNode, key: string): string => `${node.url}/v1/kv/default/${encodeURIComponent(key)}`
const at = (nodes: readonly LaunchedNode[], i: number): LaunchedNode => nodes[i % nodes.length] as LaunchedNode

async function writeEach(nodes: readonly LaunchedNode[]): Promise<readonly (string | null)[]> {
  const tags: (string | null)[] = []
  for (const [i, { key, value }] of USERS.entries()) {
    const node = at(nodes, i)
    const response = await fetch(urlOf(node, key), { method: 'PUT', body: JSON.stringify(value) })
    expect(
      response.ok,
      `writing ${key} through ${node.id} was answered with ${response.status}: ${await response.text()}`,
    )
    const tag = response.headers.get('etag')
    tags.push(tag)
    say(`  wrote ${key} through ${node.id}: revision ${tag}`)
  }
  return tags
}

async function readEach(nodes: readonly LaunchedNode[], tags: readonly (string | null)[]): Promise<void> {
  for (const [i, { key, value }] of USERS.entries()) {
    const node = at(nodes, i + 1)
    const response = await fetch(urlOf(node, key))
    const text = await response.text()
    expect(response.ok, `reading ${key} through ${node.id} was answered with ${response.status}: ${text}`)
    expect(text === JSON.stringify(value), `${node.id} has another value of ${key}: ${text}`)
    expect(response.headers.get('etag') === tags[i], `${node.id} has another revision of ${key}`)
    say(`  read  ${key} through ${node.id}: ${text}`)
  }
}

async function showStatus(nodes: readonly LaunchedNode[]): Promise<void> {
  const views = await whenFormed(
    nodes.map(({ url }) => url),
    FORM_TIMEOUT_MS,
  )
  const rows = views.map(({ id, leader, members, raft }) => {
    const alive = members.filter(({ state }) => state === 'alive').length
    return [
      id,
      raft.role,
      String(raft.term),
      leader ?? '-',
      String(raft.commitIndex),
      String(raft.lastApplied),
      String(alive),
    ]
  })
  const header = ['node', 'role', 'term', 'leader', 'commit', 'applied', 'members alive']
  for (const line of table([header, ...rows])) say(`  ${line}`)
  expect(views.filter(({ raft }) => raft.role === 'leader').length === 1, 'there is not exactly one leader')
}

async function tour(launcher: ClusterLauncher): Promise<void> {
  say(`Starting ${NODES} nodes.`)
  await launcher.start()
  const { nodes } = launcher
  const [line = ''] = transportLines(launcher.transport)
  say(`  over ${line}`)
  await whenFormed(
    nodes.map(({ url }) => url),
    FORM_TIMEOUT_MS,
  )
  for (const { id, url, pid } of nodes) say(`  ${id} at ${url} (pid ${pid})`)
  say('Writing three users as JSON, each through a different node.')
  const tags = await writeEach(nodes)
  say('Reading each through another node.')
  await readEach(nodes, tags)
  say('The status of every node:')
  await showStatus(nodes)
}

const directory = mkdtempSync(join(tmpdir(), 'dsys-tour-'))
const nats = process.env.NATS_URL || undefined
const launcher = new ClusterLauncher({
  nodes: NODES,
  nats,
  directory,
  httpPort: 0,
  logLevel: 'info',
  restart: false,
  say,
})

async function end(exitCode: number): Promise<never> {
  const clean = await launcher.stop()
  if (exitCode === 0 && clean) {
    say('All nodes have stopped.')
    rmSync(directory, { recursive: true, force: true })
    process.exit(0)
  }
  say(`The data and the logs of the nodes are in ${directory}.`)
  process.exit(exitCode === 0 ? 1 : exitCode)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(1))

try {
  await tour(launcher)
  say('Stopping them.')
  await end(0)
} catch (error) {
  process.stderr.write(`The tour failed: ${error instanceof Error ? error.message : String(error)}\n`)
  await end(1)
}
