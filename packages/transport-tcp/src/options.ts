import { assertNodeId, assertPeerAddress } from '@dsys/transport'
import { directoryOf, type PeerDirectory, type TcpPeers } from './address.ts'

/** Mutual TLS: what proves this node to others, and whom it believes. Texts in PEM, or their bytes. */
export interface TcpTls {
  /** The certificate of this node; its subject alternative name, or its common name, must be the id of the node. */
  readonly cert: string | Uint8Array
  readonly key: string | Uint8Array
  /** The authority that signed the certificates of all nodes. No other is believed. */
  readonly ca: string | Uint8Array
}

/** Options of a {@link TcpTransport}. */
export interface TcpTransportOptions {
  /** Only nodes that name the same cluster talk to each other. 1 to 64 characters of any kind. */
  readonly cluster: string
  /** The id of this node, unique in the cluster. */
  readonly nodeId: string
  /** The life of this node: a whole number that is higher at each start. */
  readonly generation: number
  /** Where this node listens. Default: `127.0.0.1` and a free port, which `address` tells once it runs. */
  readonly listen?: { readonly host?: string; readonly port?: number }
  /**
   * Where the others listen: a table, a function, or a `TcpDirectory` that may learn more. `setPeers` replaces it at run time. Default:
   * nobody is known; others can still connect.
   */
  readonly peers?: TcpPeers
  /** Proves in both directions that a node belongs to the cluster: the same for all, 16 bytes or more, not a word that can be guessed. */
  readonly secret?: string | Uint8Array
  /** Encrypts, and proves which node is which. */
  readonly tls?: TcpTls
  /** Listens where others can reach it although neither `secret` nor `tls` is given. Default false. */
  readonly allowUnauthenticated?: boolean
  /** The largest frame, in bytes, 1,024 to 64 MiB. Default 1 MiB. */
  readonly maxFrameBytes?: number
  /** How many bytes may wait for one peer; `send` returns false beyond. At least twice `maxFrameBytes`. Default 16 MiB. */
  readonly maxQueuedBytes?: number
  /** How many frames may wait for one peer; `send` returns false beyond. Default 65,536. */
  readonly maxQueuedFrames?: number
  /** How many bytes may wait for all peers together. At least `maxQueuedBytes`. Default 64 MiB. */
  readonly maxTotalQueuedBytes?: number
  /** How long connecting and proving may take, in milliseconds, in both directions. Default 3,000. */
  readonly connectTimeoutMs?: number
  /** The wait after a first attempt that failed, in milliseconds; it doubles with each further one, and half of it is random. Default 25. */
  readonly minReconnectWaitMs?: number
  /** The longest such wait. At least `minReconnectWaitMs`. Default 1,000. */
  readonly maxReconnectWaitMs?: number
  /**
   * How often a silent peer is asked for a sign of life, in milliseconds, and how often a peer from which something came in is told so. After
   * three intervals without a sign a connection ends. The same on all nodes: who tells less often may be given up by the others. Default 1,000.
   */
  readonly pingIntervalMs?: number
  /** How many connections may be about to prove who they are; for one more the oldest of the address with the most is closed. Default 128. */
  readonly maxHandshakes?: number
  /** How many peers may be connected; further ones are refused. Default 1,024. */
  readonly maxPeers?: number
  /** How long `stop` waits for frames on their way out, in milliseconds. Default 2,000. */
  readonly stopTimeoutMs?: number
}

/** The options that are numbers, each with its default. */
interface Numbers {
  readonly maxFrameBytes: number
  readonly maxQueuedBytes: number
  readonly maxQueuedFrames: number
  readonly maxTotalQueuedBytes: number
  readonly connectTimeoutMs: number
  readonly minReconnectWaitMs: number
  readonly maxReconnectWaitMs: number
  readonly pingIntervalMs: number
  readonly maxHandshakes: number
  readonly maxPeers: number
  readonly stopTimeoutMs: number
}

const DEFAULTS: Numbers = Object.freeze({
  maxFrameBytes: 2 ** 20,
  maxQueuedBytes: 16 * 2 ** 20,
  maxQueuedFrames: 65_536,
  maxTotalQueuedBytes: 64 * 2 ** 20,
  connectTimeoutMs: 3_000,
  minReconnectWaitMs: 25,
  maxReconnectWaitMs: 1_000,
  pingIntervalMs: 1_000,
  maxHandshakes: 128,
  maxPeers: 1_024,
  stopTimeoutMs: 2_000,
})

/** What is left of the options once they are checked. */
export interface CheckedOptions extends Numbers {
  readonly cluster: string
  readonly host: string
  readonly port: number
  readonly directory: PeerDirectory
  readonly secret: Uint8Array | undefined
  readonly tls: TcpTls | undefined
  readonly allowUnauthenticated: boolean
}

const MAX_CLUSTER_CHARACTERS = 64
const MIN_SECRET_BYTES = 16
const MIN_FRAME_BYTES = 1_024
const MAX_FRAME_BYTES = 64 * 2 ** 20
const MAX_TIMER_MS = 2 ** 31 - 1

/** Throws RangeError for an option out of its range; the message never repeats a secret. */
export function checkOptions(options: TcpTransportOptions): CheckedOptions {
  const { cluster, listen = {}, tls } = options
  assertPeerAddress({ id: options.nodeId, generation: options.generation })
  assertNodeId(cluster)
  if (cluster.length > MAX_CLUSTER_CHARACTERS) {
    throw new RangeError(`a cluster name is 1 to ${MAX_CLUSTER_CHARACTERS} characters, got ${cluster.length}`)
  }
  const { host = '127.0.0.1', port = 0 } = listen
  if (host === '' || !Number.isSafeInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`listen needs a host, and a port from 0 to 65535; got ${JSON.stringify(listen)}`)
  }
  const secret = typeof options.secret === 'string' ? new TextEncoder().encode(options.secret) : options.secret
  if (secret !== undefined && secret.byteLength < MIN_SECRET_BYTES) {
    throw new RangeError(`secret must have ${MIN_SECRET_BYTES} bytes or more, got ${secret.byteLength}`)
  }
  if (tls !== undefined && [tls.cert, tls.key, tls.ca].some((part) => (part?.length ?? 0) === 0)) {
    throw new RangeError('tls needs cert, key and ca: each node proves itself to the other')
  }
  return {
    ...checkNumbers(options),
    cluster,
    host,
    port,
    directory: directoryOf(options.peers ?? {}),
    secret,
    tls,
    allowUnauthenticated: options.allowUnauthenticated ?? false,
  }
}

function checkNumbers(options: TcpTransportOptions): Numbers {
  const numbers: Record<keyof Numbers, number> = { ...DEFAULTS }
  for (const name of Object.keys(DEFAULTS) as (keyof Numbers)[]) {
    const value = options[name] ?? DEFAULTS[name]
    const most = name.endsWith('Ms') ? MAX_TIMER_MS : Number.MAX_SAFE_INTEGER
    if (!Number.isSafeInteger(value) || value < 1 || value > most)
      throw new RangeError(`${name} must be a whole number from 1 to ${most}, got ${value}`)
    numbers[name] = value
  }
  const { maxFrameBytes, maxQueuedBytes, maxTotalQueuedBytes, minReconnectWaitMs, maxReconnectWaitMs } = numbers
  if (maxFrameBytes < MIN_FRAME_BYTES || maxFrameBytes > MAX_FRAME_BYTES) {
    throw new RangeError(`maxFrameBytes must be from ${MIN_FRAME_BYTES} to ${MAX_FRAME_BYTES}, got ${maxFrameBytes}`)
  }
  if (maxQueuedBytes < 2 * maxFrameBytes) {
    throw new RangeError(`maxQueuedBytes (${maxQueuedBytes}) must be at least twice maxFrameBytes (${maxFrameBytes})`)
  }
  if (maxTotalQueuedBytes < maxQueuedBytes) {
    throw new RangeError(
      `maxTotalQueuedBytes (${maxTotalQueuedBytes}) must be at least maxQueuedBytes (${maxQueuedBytes})`,
    )
  }
  if (maxReconnectWaitMs < minReconnectWaitMs) {
    throw new RangeError(
      `maxReconnectWaitMs (${maxReconnectWaitMs}) must be at least minReconnectWaitMs (${minReconnectWaitMs})`,
    )
  }
  return numbers
}
