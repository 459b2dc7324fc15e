import type { ClusterView } from './cluster-client.ts'
import type { LaunchedNode } from './cluster-launcher.ts'
import type { TransportChoice } from './transport-choice.ts'

/** The leader that a node claims to be, in the highest term. */
export function leaderOf(views: readonly (ClusterView | undefined)[]): { id: string; term: number } | undefined {
  let found: { id: string; term: number } | undefined
  for (const view of views) {
    if (view?.raft.role !== 'leader') continue
    if (found === undefined || view.raft.term > found.term) found = { id: view.id, term: view.raft.term }
  }
  return found
}

/** What {@link clusterScreen} shows. */
export interface ScreenFacts {
  readonly transport: TransportChoice | undefined
  readonly nodes: readonly LaunchedNode[]
  readonly views: readonly ClusterView[]
  readonly directory: string
  /** From the start of the launcher until every node was ready. */
  readonly seconds: number
}

/** How the nodes reach each other, and where there is a choice to make, what to do about it. */
export function transportLines(choice: TransportChoice | undefined): string[] {
  switch (choice?.type) {
    case 'given':
      return [`NATS at ${withoutSecrets(choice.url)}, as you said`]
    case 'own':
      return [
        `NATS at ${choice.server.url}, a nats-server from the PATH that this command started (pid ${choice.server.pid})`,
      ]
    case 'tcp':
      if (choice.howToGetNats === undefined) return ['TCP from process to process, as you said']
      return ['TCP from process to process, because there is no nats-server', choice.howToGetNats]
    default:
      return ['none yet']
  }
}

/** A URL may hold a password. */
function withoutSecrets(urls: string): string {
  return urls.replaceAll(/\/\/[^/@,]*@/g, '//')
}

/** A table with columns as wide as they need. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** The first screen of a cluster that has formed. */
export function clusterScreen({ transport, nodes, views, directory, seconds }: ScreenFacts): string {
  const leader = leaderOf(views)
  const rows = [['node', 'member', 'role', 'term', 'commit', 'http', 'pid']]
  for (const node of nodes) {
    const view = views.find(({ id }) => id === node.id)
    const state = view?.members.find(({ id }) => id === node.id)?.state ?? 'unknown'
    const { role = 'unknown', term = 0, commitIndex = 0 } = view?.raft ?? {}
    rows.push([node.id, state, role, String(term), String(commitIndex), node.url, String(node.pid)])
  }
  const [first, second = first, third = second] = nodes
  return [
    '',
    `${nodes.length} dsys nodes, all ready after ${seconds.toFixed(1)} s. The leader is ${leader?.id}, in term ${leader?.term}.`,
    '',
    ...transportLines(transport).map((line, i) => (i === 0 ? `  transport  ${line}` : `             ${line}`)),
    `  data       ${directory}`,
    '',
    ...table(rows).map((line) => `  ${line}`),
    '',
    'Write through one node, read through another, look at the cluster:',
    '',
    `  curl -X PUT --data-binary 'hello' ${first?.url}/v1/kv/default/greeting`,
    `  curl ${second?.url}/v1/kv/default/greeting`,
    `  curl ${third?.url}/v1/cluster`,
    '',
    'Ctrl-C stops all of it.',
  ].join('\n')
}
