import { isIPv4 } from 'node:net'
import type { LogLevel } from '@dsys/runtime'
import { Command, CommanderError } from 'commander'
import { z } from 'zod'
import { type Credentials, readCredentials, whyNoSecret, whyNoToken } from './credentials.ts'
import { otherTransportProblems } from './other-transport.ts'

/** The command line or the environment does not describe a node. The message says every problem, for the one who started it. */
export class ConfigError extends Error {
  /** True when help was asked for, and `message` is the help. */
  readonly help: boolean

  constructor(message: string, help = false) {
    super(message)
    this.name = 'ConfigError'
    this.help = help
  }
}

/** How one node runs. */
export interface NodeConfig extends NodeSettings, Credentials {}

/** What the command line and the environment say. */
interface NodeSettings {
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
interface Setting<T> {
  /** A secret has none: others can read command lines. */
  readonly flag?: string
  readonly env: string
  readonly what: string
  readonly preset?: string
  /** Its text may hold a password, so no message repeats it. */
  readonly secret?: true
  readonly schema: z.ZodType<T, string>
}

const name: z.ZodType<string, string> = z
  .string()
  .min(1, 'must not be empty')
  .max(64, 'must have at most 64 characters')
const list: z.ZodType<readonly string[], string> = z
  .string()
  .transform((text) => text.split(',').map((item) => item.trim()))
  .pipe(z.array(z.string().min(1, 'has an empty item')))

const yesOrNo: z.ZodType<boolean, string> = z
  .string()
  .regex(/^(true|false)$/, 'must be true or false')
  .transform((text) => text === 'true')
const ADDRESS = /^(?:\[[0-9A-Fa-f:.]+\]|[^\s:[\]=]+):(\d{1,5})$/
/** Whether `text` is host:port. Port 0, a free one, is for nobody to dial. */
function isAddress(text: string, minPort: number): boolean {
  const port = Number(ADDRESS.exec(text)?.[1])
  return port >= minPort && port <= 65_535
}
/** A list that may be empty. */
const anyList: z.ZodType<readonly string[], string> = z
  .string()
  .transform((text) => text.split(',').map((item) => item.trim()))
  .transform((items) => items.filter((item) => item !== ''))
/** As they stand in the `Host` of a request, without a port. */
const hostNames = anyList.refine(
  (names) => names.every((name) => /^(\*|[\w-]+(\.[\w-]+)*)$/.test(name)),
  'must be names of ASCII letters, digits, dots, "_" and "-", without a port (others as xn--…), or *',
)
/** A text that may be left out. */
const optional: z.ZodType<string | undefined, string> = z.string().transform((text) => text || undefined)

const table: z.ZodType<ReadonlyMap<string, string>, string> = z.string().transform((text, context) => {
  const found = new Map<string, string>()
  for (const item of text === '' ? [] : text.split(',')) {
    const [id = '', where = '', ...rest] = item.trim().split('=')
    if (id === '' || !isAddress(where, 1) || rest.length > 0 || found.has(id)) {
      context.addIssue('must be id=host:port, with a port from 1 to 65535, commas between them and each id once')
      return z.NEVER
    }
    found.set(id, where)
  }
  return found
})

const labels: z.ZodType<Readonly<Record<string, string>>, string> = z.string().transform((text, context) => {
  const found = new Map<string, string>()
  for (const item of text === '' ? [] : text.split(',')) {
    const equals = item.indexOf('=')
    const label = item.slice(0, Math.max(0, equals)).trim()
    if (label === '' || found.has(label)) {
      context.addIssue('must be name=value, with commas between them and each name once')
      return z.NEVER
    }
    found.set(label, item.slice(equals + 1).trim())
  }
  return Object.fromEntries(found)
})

function wholeNumber(min: number, max: number): z.ZodType<number, string> {
  const range = `must be a whole number from ${min} to ${max}`
  return z
    .string()
    .regex(/^\d{1,12}$/, range)
    .transform(Number)
    .pipe(z.number().min(min, range).max(max, range))
}

const hidden = (whyNot: (text: string) => string | undefined): z.ZodType<string | undefined, string> =>
  optional.superRefine((text, context) => {
    const why = text === undefined ? undefined : whyNot(text)
    if (why !== undefined) context.addIssue(why)
  })

const SETTINGS: { readonly [Name in keyof NodeSettings]: Setting<NodeSettings[Name]> } = {
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

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

/** @throws ConfigError with every problem in its message. */
export function readConfig(args: readonly string[], env: NodeJS.ProcessEnv): NodeConfig {
  const flags = parseFlags(args)
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    const text = flags[name] ?? (env[setting.env] || undefined) ?? setting.preset
    if (text === undefined) {
      problems.push(`${shownName(setting)} is missing: ${setting.what}`)
      continue
    }
    const result = setting.schema.safeParse(text)
    if (result.success) values[name] = result.data
    else {
      const shown = setting.secret ? 'not right' : JSON.stringify(text)
      problems.push(`${shownName(setting)} is ${shown}: ${whyNot(result.error)}`)
    }
  }
  const settings = values as unknown as NodeSettings
  if (problems.length === 0) problems.push(...otherTransportProblems(settings))
  const config =
    problems.length > 0 ? (settings as NodeConfig) : { ...settings, ...readCredentials(settings, problems) }
  if (problems.length === 0) problems.push(...relationProblems(config))
  if (problems.length > 0)
    throw new ConfigError(`This node cannot start:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  return config
}

const shownName = ({ flag, env }: Setting<unknown>): string => (flag === undefined ? env : `--${flag} (or ${env})`)

const whyNot = (error: z.ZodError): string => error.issues.map((issue) => issue.message).join(', ')

function relationProblems(config: NodeConfig): string[] {
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

/** Such a flag would be refused anyway, but with its value in the message. */
function forbidFlag(env: string, args: readonly string[]): void {
  const flag = `--${env.replace('DSYS_', '').toLowerCase().replaceAll('_', '-')}`
  if (args.some((arg) => arg === flag || arg.startsWith(`${flag}=`))) {
    throw new ConfigError(`${flag} is no flag, since others can read command lines: set ${env}, or give ${flag}-file.`)
  }
}

function parseFlags(args: readonly string[]): Record<string, string | undefined> {
  const command = new Command('dsys-node')
    .description('One node of the dsys reference cluster. Each flag can also be given as an environment variable.')
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
  for (const setting of Object.values<Setting<unknown>>(SETTINGS)) {
    if (setting.flag === undefined) {
      forbidFlag(setting.env, args)
      continue
    }
    const preset = setting.preset === undefined ? '' : `; default ${setting.preset}`
    const value = setting.schema === yesOrNo ? '' : ' <value>'
    command.option(`--${setting.flag}${value}`, `${setting.what} (${setting.env}${preset})`)
  }
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const help = error.code === 'commander.helpDisplayed'
    throw new ConfigError(help ? command.helpInformation() : `${error.message}\nTry --help.`, help)
  }
  const options = command.opts<Record<string, string | boolean>>()
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)]))
}
