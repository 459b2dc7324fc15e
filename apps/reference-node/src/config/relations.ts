import { isIPv4 } from 'node:net'
import { SURVIVORS_KEYSPACE } from '../split-brain.ts'
import type { NodeConfig } from './settings.ts'

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

/** What in it does not fit together, each in a sentence. */
export function relationProblems(config: NodeConfig): string[] {
  const problems: string[] = []
  if (!config.join && !config.voters.includes(config.id)) {
    problems.push(
      `--id ${config.id} is not one of --voters ${config.voters.join(',')}: add --join for a node that the cluster has yet to take`,
    )
  }
  if (new Set(config.voters).size !== config.voters.length) problems.push('--voters names a node twice')
  if (config.electionTimeoutMs < 3 * config.heartbeatIntervalMs) {
    problems.push('--election-timeout-ms must be at least three times --heartbeat-interval-ms')
  }
  if (config.transport === 'tcp') problems.push(...tcpProblems(config))
  problems.push(...splitBrainProblems(config))
  if (!isLoopback(config.httpHost) && !config.allowRemote) {
    problems.push(
      `--http-host ${config.httpHost} can be reached from outside, and nobody is asked who they are: add --allow-remote if that is meant`,
    )
  } else if (!isLoopback(config.httpHost) && config.adminToken === undefined) {
    problems.push(
      `--http-host ${config.httpHost} can be reached from outside, where nobody may change the cluster unasked: set DSYS_ADMIN_TOKEN or --admin-token-file`,
    )
  }
  return problems
}

function splitBrainProblems({ splitBrain, splitBrainQuorum: quorum, keyspaces, voters }: NodeConfig): string[] {
  const problems: string[] = []
  if (splitBrain === 'static-quorum' && quorum === undefined)
    problems.push(
      '--split-brain static-quorum needs --split-brain-quorum: more than half of all nodes that there may be',
    )
  if (splitBrain !== 'static-quorum' && quorum !== undefined)
    problems.push(`--split-brain-quorum is for --split-brain static-quorum alone, and this node has ${splitBrain}`)
  if (splitBrain === 'static-quorum' && quorum !== undefined && 2 * quorum <= voters.length)
    problems.push(
      `--split-brain-quorum ${quorum} is not more than half of the ${voters.length} voters, so two sides could go on`,
    )
  if (keyspaces.includes(SURVIVORS_KEYSPACE))
    problems.push(`--keyspaces names ${SURVIVORS_KEYSPACE}, which is for --split-brain lease alone`)
  return problems
}

function tcpProblems(config: NodeConfig): string[] {
  const { id, voters, peers, tcpListen, secret, tls, allowUnauthenticated } = config
  const needed = new Set([...voters, id])
  if (tcpListen !== undefined) needed.delete(id)
  const missing = [...needed].filter((node) => !peers.has(node))
  if (missing.length > 0) return [`--peers does not say where ${missing.join(', ')} listens`]
  const listens = tcpListen ?? peers.get(id) ?? ''
  const host = listens.replace(/:\d+$/, '').replaceAll(/[[\]]/g, '')
  if (isLoopback(host) || secret !== undefined || tls !== undefined || allowUnauthenticated) return []
  return [
    `${listens} can be reached from outside, where nobody is who they say: give all nodes certificates (--tls-cert, --tls-key, --tls-ca) or the same secret (DSYS_SECRET or --secret-file), or add --allow-unauthenticated if that is meant`,
  ]
}
