import { assertChannel, assertNodeId, assertPeerAddress } from '@dsys/transport'
import type { NodeConnectionOptions } from '@nats-io/transport-node'

/** How a node proves who it is to the NATS server. A URL with a user and a password, or with a token, does it too. */
export type NatsAuthentication =
  | { readonly user: string; readonly pass: string }
  | { readonly token: string }
  /** The seed of an nkey: `SU…`. */
  | { readonly nkeySeed: string }
  /** The text of a `.creds` file. */
  | { readonly creds: string }

/** Options of TLS to the NATS server: certificate, key and certification authority, as files or as text. */
export type NatsTls = NonNullable<NodeConnectionOptions['tls']>

/**
 * What this node says of itself to the discovery of NATS micro-services, beside its cluster, id and generation. Description and metadata have at most
 * 16,384 bytes as JSON: an answer over the limit of the server could not be sent, and nobody would see the node.
 */
export interface ServiceDiscoveryOptions {
  /** The version of the application, by semantic versioning. Default `0.0.0`. */
  readonly version?: string
  readonly description?: string
  /** Up to 32 entries, for instance the versions of what the node is made of. Everybody with access to the server can read them. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** Options of a {@link NatsTransport}. */
export interface NatsTransportOptions {
  /** One or more URLs, for instance `nats://127.0.0.1:4222`; `tls://` asks for TLS. More are learned from the server. */
  readonly servers: string | readonly string[]
  /** Only nodes that name the same cluster reach each other. 1 to 64 characters of any kind. */
  readonly cluster: string
  /** The id of this node, unique in the cluster. */
  readonly nodeId: string
  /** The life of this node: a whole number that is higher at each start. */
  readonly generation: number
  readonly authentication?: NatsAuthentication
  readonly tls?: NatsTls
  /**
   * The channels whose frames this node sends on a second connection, and every other node takes from one, so that none of them waits
   * behind bulk. At most 64. Nodes need not agree on them. With none, this node has one connection for all. Default `['membership']`.
   */
  readonly controlChannels?: readonly string[]
  /** Whether, and as what, `nats micro list`, `info` and `stats` show this node; `false` for not at all. Default `{}`. */
  readonly serviceDiscovery?: ServiceDiscoveryOptions | false
  /** How long `start` tries to reach a server, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number
  /** The wait between two attempts to connect, in milliseconds; a random part of up to as much is added. Default 200. */
  readonly reconnectWaitMs?: number
  /** How often the server is asked for a sign of life, in milliseconds. Two without an answer end the connection. Default 2,000. */
  readonly pingIntervalMs?: number
  /** The largest frame this node needs; `start` fails when the server takes less. Default 65,536. */
  readonly minFrameBytes?: number
  /** How many bytes may wait for the server on each connection; `send` returns false beyond. At least twice the server's limit for one message, or it is raised to that. Default 64 MiB. */
  readonly maxQueuedBytes?: number
  /** How long `stop` waits for frames on their way out and in, in milliseconds. Default 2,000. */
  readonly stopTimeoutMs?: number
}

/** What is left of the options once they are checked. */
export interface CheckedOptions {
  /** Without user names, passwords and tokens: fit for messages. */
  readonly servers: readonly string[]
  readonly cluster: string
  readonly authentication: NatsAuthentication | undefined
  readonly tls: NatsTls | undefined
  readonly controlChannels: readonly string[]
  readonly serviceDiscovery: ServiceDiscoveryOptions | undefined
  readonly connectTimeoutMs: number
  readonly reconnectWaitMs: number
  readonly pingIntervalMs: number
  readonly minFrameBytes: number
  readonly maxQueuedBytes: number
  readonly stopTimeoutMs: number
}

const DEFAULTS = Object.freeze({
  connectTimeoutMs: 10_000,
  reconnectWaitMs: 200,
  pingIntervalMs: 2_000,
  minFrameBytes: 65_536,
  maxQueuedBytes: 64 * 2 ** 20,
  stopTimeoutMs: 2_000,
})

const DEFAULT_CONTROL_CHANNELS: readonly string[] = Object.freeze(['membership'])
const MAX_CLUSTER_CHARACTERS = 64
const MAX_CONTROL_CHANNELS = 64
const MAX_METADATA_ENTRIES = 32
/** With all else that an answer says it fits into the smallest message that a node is content with by default. */
const MAX_DISCOVERY_BYTES = 16_384
/** The client of NATS hands its times to the timers of Node.js, which take what is longer for 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** As semver.org suggests it, save that it does not look into the parts behind the numbers. */
const SEMANTIC_VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/

/** Throws RangeError for an option out of its range; the message never repeats a URL, which may hold a password. */
export function checkOptions(options: NatsTransportOptions): CheckedOptions {
  assertPeerAddress({ id: options.nodeId, generation: options.generation })
  assertNodeId(options.cluster)
  if (options.cluster.length > MAX_CLUSTER_CHARACTERS) {
    throw new RangeError(`a cluster name is 1 to ${MAX_CLUSTER_CHARACTERS} characters, got ${options.cluster.length}`)
  }
  const numbers = { ...DEFAULTS }
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = options[name] ?? DEFAULTS[name]
    const most = name.endsWith('Ms') ? MAX_TIMER_MS : Number.MAX_SAFE_INTEGER
    if (!Number.isSafeInteger(value) || value < 1 || value > most)
      throw new RangeError(`${name} must be a whole number from 1 to ${most}, got ${value}`)
    numbers[name] = value as never
  }
  const urls = (typeof options.servers === 'string' ? options.servers.split(',') : options.servers).map(parseServer)
  if (urls.length === 0) throw new RangeError('servers must name one NATS server or more')
  const usesTls = urls.some((url) => url.protocol === 'tls:')
  return {
    ...numbers,
    cluster: options.cluster,
    servers: urls.map((url) => url.host),
    authentication: options.authentication ?? urls.map(authenticationOf).find((found) => found !== undefined),
    tls: options.tls ?? (usesTls ? {} : undefined),
    controlChannels: checkControlChannels(options.controlChannels ?? DEFAULT_CONTROL_CHANNELS),
    serviceDiscovery: options.serviceDiscovery === false ? undefined : checkDiscovery(options.serviceDiscovery ?? {}),
  }
}

function checkControlChannels(channels: readonly string[]): readonly string[] {
  if (channels.length > MAX_CONTROL_CHANNELS) {
    throw new RangeError(`controlChannels are at most ${MAX_CONTROL_CHANNELS}, got ${channels.length}`)
  }
  channels.forEach(assertChannel)
  return [...channels]
}

function checkDiscovery(options: ServiceDiscoveryOptions): ServiceDiscoveryOptions {
  const { version, description, metadata = {} } = options
  if (version !== undefined && !SEMANTIC_VERSION.test(version)) {
    throw new RangeError(`serviceDiscovery.version must be a semantic version such as 1.2.3, got ${version}`)
  }
  if (Object.keys(metadata).length > MAX_METADATA_ENTRIES) {
    throw new RangeError(`serviceDiscovery.metadata has at most ${MAX_METADATA_ENTRIES} entries`)
  }
  const bytes = Buffer.byteLength(JSON.stringify({ description, metadata }))
  if (bytes > MAX_DISCOVERY_BYTES) {
    throw new RangeError(
      `description and metadata of serviceDiscovery have at most ${MAX_DISCOVERY_BYTES} bytes as JSON, got ${bytes}`,
    )
  }
  return { ...options, metadata: { ...metadata } }
}

/** `URL` puts what it cannot read into its error, so the error is made here. */
function parseServer(server: string): URL {
  const text = server.trim()
  const withScheme = text.includes('://') ? text : `nats://${text}`
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined
  if (url === undefined || url.hostname === '' || (url.protocol !== 'nats:' && url.protocol !== 'tls:')) {
    throw new RangeError('a NATS server is given as nats://host:port or tls://host:port')
  }
  return url
}

function authenticationOf(url: URL): NatsAuthentication | undefined {
  const user = percentDecoded(url.username)
  if (user === '') return undefined
  return url.password === '' ? { token: user } : { user, pass: percentDecoded(url.password) }
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // The error of the decoder names no cure.
    throw new RangeError('user, password or token in the URL of a NATS server: write a % that stands for itself as %25')
  }
}
