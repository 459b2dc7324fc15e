import { type Clock, type Logger, Pending } from '@dsys/runtime'
import { AuthorizationError, type NodeConnectionOptions, UserAuthenticationExpiredError } from '@nats-io/transport-node'
import {
  NatsAuthenticationError,
  NatsFrameLimitError,
  NatsPermissionError,
  NatsTlsError,
  NatsUnreachableError,
} from './errors.ts'
import type { Inbound } from './inbound.ts'
import { NatsSession, type SessionHandlers } from './nats-session.ts'
import type { ServiceDiscovery } from './service-discovery.ts'
import type { Lane, Subjects } from './subjects.ts'

/** What an uplink is opened with. */
export interface UplinkOptions {
  /** Addresses without secrets, in the order in which they are tried. */
  readonly servers: readonly string[]
  /** What the client is told of a connection to one of them. */
  readonly connectionTo: (server: string, lane: Lane) => NodeConnectionOptions
  readonly inbound: readonly Inbound[]
  readonly returned: string
  /** Whether frames of control have a connection of their own. */
  readonly hasControl: boolean
  readonly discovery: ServiceDiscovery | undefined
  /** A server that takes less in one message is not used. */
  readonly neededFrameBytes: number
  readonly maxQueuedBytes: number
  /** How long one server may take to connect, and to confirm the subscriptions, so that one that hangs leaves time for the others. */
  readonly attemptMs: number
  readonly timeoutMs: number
}

/** What an uplink works with. */
export interface UplinkPorts {
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * What connects a node to a NATS server: one connection for data and one for control, or one for both. It is there when both
 * are, and over when either is. They go to the same server, so that they fail together and not one after the other.
 */
export class NatsUplink {
  readonly #handlers: SessionHandlers
  readonly #sessions: NatsSession[] = []
  /** As it was asked for. */
  readonly server: string
  #data: NatsSession | undefined
  #control: NatsSession | undefined
  #ended = false

  constructor(server: string, handlers: SessionHandlers) {
    this.server = server
    this.#handlers = handlers
  }

  /** Connects. Rejects as the client does, with NatsPermissionError or NatsFrameLimitError, or when `signal` aborts. */
  async open(options: UplinkOptions, { clock, logger }: UplinkPorts, signal: AbortSignal): Promise<void> {
    const { inbound, hasControl, neededFrameBytes } = options
    const isOfData = (from: Inbound): boolean => !hasControl || from.lane === 'data'
    const data = await this.#connect('data', options, logger, signal)
    if (data.maxFrameBytes < neededFrameBytes) throw new NatsFrameLimitError(data.maxFrameBytes, neededFrameBytes)
    await data.activate(inbound.filter(isOfData), options.returned, clock, options.attemptMs)
    let control = data
    if (hasControl) {
      control = await this.#connect('control', options, logger, signal)
      await control.activate(
        inbound.filter((from) => !isOfData(from)),
        options.returned,
        clock,
        options.attemptMs,
      )
    }
    if (this.#ended) throw new Error('the connection ended before it was ready')
    if (options.discovery !== undefined) control.answer(options.discovery)
    this.#data = data
    this.#control = control
  }

  async #connect(lane: Lane, options: UplinkOptions, logger: Logger, signal: AbortSignal): Promise<NatsSession> {
    const handlers: SessionHandlers = {
      ...this.#handlers,
      onEnd: (why) => {
        if (this.#ended) return
        this.close()
        this.#handlers.onEnd(why)
      },
    }
    const connection = options.connectionTo(this.server, lane)
    const session = await NatsSession.open(connection, logger, handlers, options.maxQueuedBytes, signal)
    this.#sessions.push(session)
    if (this.#ended) session.close()
    return session
  }

  get #opened(): NatsSession {
    if (this.#data === undefined) throw new Error('the uplink is not open')
    return this.#data
  }

  get maxFrameBytes(): number {
    return this.#opened.maxFrameBytes
  }

  get discoveredServers(): readonly string[] {
    return this.#opened.discoveredServers
  }

  get encrypted(): boolean {
    return this.#opened.encrypted
  }

  /** Whether it is over. */
  get ended(): boolean {
    return this.#ended
  }

  /** Hands one frame to its connection. False when it was dropped. */
  publish(subjects: Subjects, frame: Uint8Array): boolean {
    const session = subjects.lane === 'control' ? this.#control : this.#data
    return session?.publish(subjects, frame) ?? false
  }

  /** See {@link NatsSession.drain}. */
  async drain(): Promise<void> {
    await Promise.all(this.#sessions.map((session) => session.drain()))
  }

  /** Ends it at once. */
  close(): void {
    this.#ended = true
    for (const session of this.#sessions) session.close()
  }
}

type Refusal = NatsAuthenticationError | NatsTlsError | NatsPermissionError | NatsFrameLimitError

/** A server that is there and does not want this node: trying again does not help, a person does. */
export const isRefusal = (error: unknown): error is Refusal =>
  error instanceof NatsAuthenticationError ||
  error instanceof NatsTlsError ||
  error instanceof NatsPermissionError ||
  error instanceof NatsFrameLimitError

/**
 * Connects to the first of the servers that takes this node. Throws NatsUnreachableError, the refusal of a server where one
 * has refused and none has taken it, or the reason of `signal`.
 */
export async function openUplink(
  ports: UplinkPorts,
  options: UplinkOptions,
  handlers: SessionHandlers,
  signal: AbortSignal,
): Promise<NatsUplink> {
  const { servers, timeoutMs } = options
  const attempt: Attempt = { current: undefined, over: new AbortController() }
  const pending = new Pending<NatsUplink>({
    clock: ports.clock,
    timeoutMs,
    signal,
    onTimeout: () => new NatsUnreachableError(servers, timeoutMs, new Error('the connection was not ready in time')),
  })
  tryEach(ports, options, handlers, attempt).then(
    (uplink) => pending.resolve(uplink),
    (error) => pending.reject(error),
  )
  try {
    return await pending.promise
  } catch (error) {
    attempt.over.abort()
    attempt.current?.close()
    throw error
  }
}

interface Attempt {
  current: NatsUplink | undefined
  /** Aborts when nobody waits for it any more. */
  readonly over: AbortController
}

async function tryEach(
  ports: UplinkPorts,
  options: UplinkOptions,
  handlers: SessionHandlers,
  attempt: Attempt,
): Promise<NatsUplink> {
  let failure: Error | undefined
  for (const server of options.servers) {
    const uplink = new NatsUplink(server, handlers)
    attempt.current = uplink
    try {
      await uplink.open(options, ports, attempt.over.signal)
      if (isRefusal(failure)) {
        ports.logger.log('error', 'a NATS server refuses this node, which uses another one', {
          server,
          failure: failure.message,
        })
      }
      return uplink
    } catch (error) {
      uplink.close()
      // A refusal says more than a server that is away.
      if (!isRefusal(failure)) failure = toKnownError(error, server, options)
    }
    if (attempt.over.signal.aborted) break
  }
  throw failure ?? new NatsUnreachableError(options.servers, options.timeoutMs, undefined)
}

function toKnownError(error: unknown, server: string, { servers, timeoutMs }: UplinkOptions): Error {
  if (isRefusal(error)) return error
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError) {
    return new NatsAuthenticationError([server], error)
  }
  if (isAboutTls(error)) return new NatsTlsError([server], error)
  return new NatsUnreachableError(servers, timeoutMs, error)
}

/** What Node.js says about certificates, keys and handshakes has one of these codes; the client wraps some of it, or says it by itself. */
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|UNABLE_TO_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_)/
const TLS_MESSAGE = /does not support 'tls'|^tls is not available|doesn't exist$/

function isAboutTls(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as { readonly code?: unknown }
  return (typeof code === 'string' && TLS_CODE.test(code)) || TLS_MESSAGE.test(error.message) || isAboutTls(error.cause)
}
