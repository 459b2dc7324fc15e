import type { LogLevel } from '@dsys/runtime'
import { z } from 'zod'
import { type Credentials, whyNoSecret, whyNoToken } from '../credentials.ts'
import {
  anyList,
  hidden,
  hostNames,
  isAddress,
  labels,
  list,
  name,
  optional,
  table,
  wholeNumber,
  yesOrNo,
} from './texts.ts'

/** How one node runs. */
export interface NodeConfig extends NodeSettings, Credentials {}

/** What the command line and the environment say. */
export interface NodeSettings {
  readonly id: string
  readonly cluster: string
  readonly voters: readonly string[]
  /** The node waits until the group takes it: it is told of no voters, and asks nobody for a vote before. */
  readonly join: boolean
  readonly transport: 'nats' | 'tcp'
  readonly nats: readonly string[]
  readonly natsConnectTimeoutMs: number
  /** Over NATS: the file with the credentials of a user, or with the seed of its nkey. */
  readonly natsCreds: string | undefined
  readonly natsNkey: string | undefined
  /** Over TCP: where each node listens, as `host:port`, by id. */
  readonly peers: ReadonlyMap<string, string>
  /** Over TCP: where this node listens, when that is not its address in `peers`. */
  readonly tcpListen: string | undefined
  /** Over TCP: what all nodes of the cluster know, and nobody else. */
  readonly secret: string | undefined
  readonly secretFile: string | undefined
  /** The files of the certificate of this node, of its key, and of the authority that has signed those of all nodes, or of the NATS servers. */
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly tlsCa: string | undefined
  /** Over TCP: others may reach this node although nobody has to prove who they are. */
  readonly allowUnauthenticated: boolean
  /** The folder of this node. */
  readonly data: string
  readonly keyspaces: readonly string[]
  readonly maxValueBytes: number
  readonly httpHost: string
  readonly httpPort: number
  /** Names by which HTTP clients may know this node. */
  readonly httpNames: readonly string[]
  /** Whoever changes the cluster over HTTP must know it. */
  readonly adminToken: string | undefined
  readonly adminTokenFile: string | undefined
  /** What decides whether this node goes on when the cluster is split, with what it needs. */
  readonly splitBrain: 'off' | 'keep-majority' | 'static-quorum' | 'lease'
  readonly splitBrainQuorum: number | undefined
  readonly splitBrainStableMs: number
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly drainTimeoutMs: number
  readonly logLevel: LogLevel | 'silent'
  /** What the node does in the cluster, and labels with values: others can choose it by them. */
  readonly roles: readonly string[]
  readonly tags: Readonly<Record<string, string>>
  /** HTTP may listen where others can reach it. */
  readonly allowRemote: boolean
}

/** A setting is a flag and a variable of the environment; both are text, which `schema` reads. */
export interface Setting<T> {
  /** A secret has none: others can read command lines. */
  readonly flag?: string
  readonly env: string
  readonly what: string
  readonly preset?: string
  /** Its text may hold a password, so no message repeats it. */
  readonly secret?: true
  readonly schema: z.ZodType<T, string>
}

/** All of them, by their names in the configuration. */
export const SETTINGS: { readonly [Name in keyof NodeSettings]: Setting<NodeSettings[Name]> } = {
  id: { flag: 'id', env: 'DSYS_ID', what: 'id of this node', schema: name },
  cluster: { flag: 'cluster', env: 'DSYS_CLUSTER', what: 'name of the cluster', preset: 'reference', schema: name },
  voters: { flag: 'voters', env: 'DSYS_VOTERS', what: 'ids of all voters, with commas between them', schema: list },
  join: {
    flag: 'join',
    env: 'DSYS_JOIN',
    what: 'the cluster is there already: wait until it takes this node, for a new one or one with a new disk',
    preset: 'false',
    schema: yesOrNo,
  },
  transport: {
    flag: 'transport',
    env: 'DSYS_TRANSPORT',
    what: 'how the nodes reach each other: nats or tcp',
    preset: 'nats',
    schema: z.enum(['nats', 'tcp']) as z.ZodType<'nats' | 'tcp', string>,
  },
  nats: {
    flag: 'nats',
    env: 'NATS_URL',
    what: 'URLs of NATS servers, with commas between them',
    preset: 'nats://127.0.0.1:4222',
    secret: true,
    schema: list,
  },
  natsConnectTimeoutMs: {
    flag: 'nats-connect-timeout-ms',
    env: 'DSYS_NATS_CONNECT_TIMEOUT_MS',
    what: 'how long the start waits for a NATS server',
    preset: '30000',
    schema: wholeNumber(1, 3_600_000),
  },
  natsCreds: {
    flag: 'nats-creds',
    env: 'DSYS_NATS_CREDS',
    what: 'over NATS: .creds file of the user that this node is',
    preset: '',
    schema: optional,
  },
  natsNkey: {
    flag: 'nats-nkey',
    env: 'DSYS_NATS_NKEY',
    what: 'over NATS: file with the seed of the nkey of that user',
    preset: '',
    schema: optional,
  },
  peers: {
    flag: 'peers',
    env: 'DSYS_PEERS',
    what: 'over TCP: where all nodes listen, as n1=host:port,n2=host:port',
    preset: '',
    schema: table,
  },
  tcpListen: {
    flag: 'tcp-listen',
    env: 'DSYS_TCP_LISTEN',
    what: 'over TCP: host:port to listen on, where that is not what --peers says of this node',
    preset: '',
    schema: optional.refine(
      (text) => text === undefined || isAddress(text, 0),
      'must be host:port, with a port from 0 to 65535',
    ),
  },
  secret: {
    env: 'DSYS_SECRET',
    what: 'over TCP: at least 16 bytes that all nodes of the cluster know',
    preset: '',
    secret: true,
    schema: hidden(whyNoSecret),
  },
  secretFile: {
    flag: 'secret-file',
    env: 'DSYS_SECRET_FILE',
    what: 'over TCP: a file with that secret',
    preset: '',
    schema: optional,
  },
  tlsCert: {
    flag: 'tls-cert',
    env: 'DSYS_TLS_CERT',
    what: 'file with the certificate of this node in PEM; over TCP it names its id',
    preset: '',
    schema: optional,
  },
  tlsKey: {
    flag: 'tls-key',
    env: 'DSYS_TLS_KEY',
    what: 'file with the key of that certificate',
    preset: '',
    schema: optional,
  },
  tlsCa: {
    flag: 'tls-ca',
    env: 'DSYS_TLS_CA',
    what: 'file with the authority that has signed the certificates of all nodes, or over NATS those of the servers',
    preset: '',
    schema: optional,
  },
  allowUnauthenticated: {
    flag: 'allow-unauthenticated',
    env: 'DSYS_ALLOW_UNAUTHENTICATED',
    what: 'over TCP: allow an address that others can reach without certificate and secret; whoever reaches it can do anything',
    preset: 'false',
    schema: yesOrNo,
  },
  data: { flag: 'data', env: 'DSYS_DATA', what: 'folder of this node, for it alone', schema: z.string().min(1) },
  keyspaces: {
    flag: 'keyspaces',
    env: 'DSYS_KEYSPACES',
    what: 'names of the keyspaces, with commas between them',
    preset: 'default',
    schema: list,
  },
  maxValueBytes: {
    flag: 'max-value-bytes',
    env: 'DSYS_MAX_VALUE_BYTES',
    what: 'largest value, in bytes',
    preset: '262144',
    schema: wholeNumber(1, 384 * 1_024),
  },
  httpHost: {
    flag: 'http-host',
    env: 'DSYS_HTTP_HOST',
    what: 'address for HTTP',
    preset: '127.0.0.1',
    schema: z.string().min(1),
  },
  httpPort: {
    flag: 'http-port',
    env: 'DSYS_HTTP_PORT',
    what: 'port for HTTP, 0 for a free one',
    preset: '7001',
    schema: wholeNumber(0, 65_535),
  },
  roles: {
    flag: 'roles',
    env: 'DSYS_ROLES',
    what: 'what this node does in the cluster, with commas between them; others can choose members by it',
    preset: '',
    schema: anyList,
  },
  tags: {
    flag: 'tags',
    env: 'DSYS_TAGS',
    what: 'labels of this node, as zone=a,rack=r1; others can choose members by them',
    preset: '',
    schema: labels,
  },
  httpNames: {
    flag: 'http-names',
    env: 'DSYS_HTTP_NAMES',
    what: 'names by which HTTP clients may know this node, with commas between them, beside addresses and localhost; * for any',
    preset: '',
    schema: hostNames,
  },
  adminToken: {
    env: 'DSYS_ADMIN_TOKEN',
    what: 'at least 16 characters that whoever changes the cluster over HTTP must send',
    preset: '',
    secret: true,
    schema: hidden(whyNoToken),
  },
  adminTokenFile: {
    flag: 'admin-token-file',
    env: 'DSYS_ADMIN_TOKEN_FILE',
    what: 'a file with that token',
    preset: '',
    schema: optional,
  },
  splitBrain: {
    flag: 'split-brain',
    env: 'DSYS_SPLIT_BRAIN',
    what: 'which side goes on when the cluster is split: off (each), keep-majority, static-quorum or lease',
    preset: 'off',
    schema: z.enum(['off', 'keep-majority', 'static-quorum', 'lease']) as z.ZodType<NodeSettings['splitBrain'], string>,
  },
  splitBrainQuorum: {
    flag: 'split-brain-quorum',
    env: 'DSYS_SPLIT_BRAIN_QUORUM',
    what: 'with static-quorum: how many nodes a side needs to go on, more than half of all that there may be',
    preset: '',
    schema: z.union([z.literal('').transform(() => undefined), wholeNumber(1, 100_000)]),
  },
  splitBrainStableMs: {
    flag: 'split-brain-stable-ms',
    env: 'DSYS_SPLIT_BRAIN_STABLE_MS',
    what: 'how long nothing may change before it is decided which side goes on',
    preset: '20000',
    schema: wholeNumber(100, 3_600_000),
  },
  electionTimeoutMs: {
    flag: 'election-timeout-ms',
    env: 'DSYS_ELECTION_TIMEOUT_MS',
    what: 'how long a follower waits for its leader',
    preset: '1000',
    schema: wholeNumber(50, 60_000),
  },
  heartbeatIntervalMs: {
    flag: 'heartbeat-interval-ms',
    env: 'DSYS_HEARTBEAT_INTERVAL_MS',
    what: 'how often an idle leader shows itself',
    preset: '100',
    schema: wholeNumber(5, 10_000),
  },
  drainTimeoutMs: {
    flag: 'drain-timeout-ms',
    env: 'DSYS_DRAIN_TIMEOUT_MS',
    what: 'how long requests may take once the node was told to stop',
    preset: '10000',
    schema: wholeNumber(0, 600_000),
  },
  logLevel: {
    flag: 'log-level',
    env: 'DSYS_LOG_LEVEL',
    what: 'debug, info, warn, error or silent',
    preset: 'info',
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']) as z.ZodType<LogLevel | 'silent', string>,
  },
  allowRemote: {
    flag: 'allow-remote',
    env: 'DSYS_ALLOW_REMOTE',
    what: 'allow an HTTP address that others can reach, although who reads and writes keys is not asked who they are',
    preset: 'false',
    schema: yesOrNo,
  },
}
