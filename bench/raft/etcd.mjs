import { join } from 'node:path'
import { HOW_TO_GET_ETCD, etcd as target } from '../etcd-cluster.mjs'
import { askJson } from '../http-client.mjs'
import { buildPeer } from '../peers/go.mjs'
import { Worker } from '../worker.mjs'

const IMPORTS = ['go.etcd.io/etcd/etcdserver/etcdserverpb', 'google.golang.org/grpc']
const HOW_TO_GET_THE_CLIENT =
  'etcd is left out: its client takes Go and the sources of Debian, "apt-get install golang-go golang-etcd-server-dev".'

/**
 * Three processes of etcd, and a client in Go that puts at the leader over gRPC.
 *
 * @param {(line: string) => void} say
 * @returns {import('./group.mjs').System[]} empty where there is no etcd, or no client for it
 */
export function etcd(say) {
  const peer = target()
  const client = buildPeer('etcd-client', IMPORTS)
  if (peer === undefined || client === undefined) {
    say(peer === undefined ? HOW_TO_GET_ETCD : HOW_TO_GET_THE_CLIENT)
    return []
  }
  return [
    {
      name: 'etcd',
      version: peer.version,
      form: 'three processes over HTTP',
      durability: 'a write-ahead log, synced with fdatasync for each batch',
      proposers: 'in a process of their own, by gRPC over 8 connections',
      start: (directory) => startEtcd(peer, client, directory),
    },
  ]
}

/**
 * @param {import('../target.mjs').Target} peer
 * @param {string} program
 * @param {string} directory
 * @returns {Promise<import('./group.mjs').Group>}
 */
async function startEtcd(peer, program, directory) {
  const cluster = await peer.start(directory)
  const leader = await cluster.leader()
  const { url, pid: leaderPid } = cluster.nodes[leader ?? 0] ?? { url: '', pid: 0 }
  const client = new Worker('etcd-client', [program, new URL(url).host], { logFile: join(directory, 'client.log') })
  return {
    run: (clients, milliseconds) => client.ask(`run ${clients} ${milliseconds}`),
    applied: () =>
      Promise.all(
        cluster.nodes.map(async (node) => {
          const status = await askJson(`${node.url}/v3/maintenance/status`, { method: 'POST', body: '{}' })
          // An empty store has the revision 1, and each put adds one.
          return Number(status.header.revision) - 1
        }),
      ),
    pids: async () => ({
      leader: [leaderPid],
      followers: cluster.nodes.map(({ pid }) => pid).filter((pid) => pid !== leaderPid),
      others: [],
      clients: [client.pid],
    }),
    stop: async () => {
      await client.stop()
      await cluster.stop()
    },
  }
}
