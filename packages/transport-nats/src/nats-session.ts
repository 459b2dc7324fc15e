import { type Clock, type LogFields, type Logger, type LogLevel, Pending } from '@dsys/runtime'
import {
  AuthorizationError,
  connect,
  type Msg,
  type NatsConnection,
  type NodeConnectionOptions,
  PermissionViolationError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node'
import { NatsAuthenticationError, NatsPermissionError, NatsUnreachableError } from './errors.ts'
import type { Subjects } from './subjects.ts'

/** What a session reports. */
export interface SessionHandlers {
  /** A frame for this node. */
  readonly onFrame: (reply: string, data: Uint8Array) => void
  /** The server says that a frame of this node, named by its reply subject, met nobody. */
  readonly onNobody: (reply: string) => void
  /** The session is over. Called once, and not after {@link NatsSession.close}. */
  readonly onEnd: (why: string) => void
}

/** What a session is opened with. */
export interface SessionOptions {
  /** Addresses without secrets. */
  readonly servers: readonly string[]
  readonly connection: NodeConnectionOptions
  readonly inbound: readonly string[]
  readonly returned: string
  readonly maxQueuedBytes: number
  readonly timeoutMs: number
}

/** The most that a protocol line of NATS adds to a frame, roughly: the queue is a bound on memory, not an account. */
const FRAME_OVERHEAD_BYTES = 256
const MAX_BYTES_PER_MARK = 2 ** 20
const NO_RESPONDERS = 503

/**
 * One connection to a NATS server with its subscriptions in force. When it ends, for whatever reason, it is over; the
 * transport opens another. So nothing is buffered for a server that is away, and nothing stale leaves after it is back.
 *
 * Deviation: the client could reconnect by itself, but then frames given to it meanwhile may wait, its subscriptions are
 * not known to be in force again when it says so, and it cannot leave a half-open connection with a full send buffer.
 */
export class NatsSession {
  readonly #connection: NatsConnection
  readonly #logger: Logger
  readonly #handlers: SessionHandlers
  readonly #maxQueuedBytes: number
  readonly #bytesPerMark: number
  #queuedBytes = 0
  #unmarkedBytes = 0
  #ended = false
  /** Whether the subscriptions are in force. */
  #active = false
  #refused: NatsPermissionError | undefined
  readonly #refusedPublishes = new Set<string>()

  constructor(connection: NatsConnection, logger: Logger, handlers: SessionHandlers, maxQueuedBytes: number) {
    this.#connection = connection
    this.#logger = logger
    this.#handlers = handlers
    // Two frames must fit, or a frame of the largest size could be refused for ever.
    this.#maxQueuedBytes = Math.max(maxQueuedBytes, 2 * (this.maxFrameBytes + FRAME_OVERHEAD_BYTES))
    this.#bytesPerMark = Math.min(MAX_BYTES_PER_MARK, Math.ceil(this.#maxQueuedBytes / 8))
    void connection
      .closed()
      .then((error) => this.#end(error instanceof Error ? error.message : 'the server closed the connection'))
    void this.#watchStatus()
  }

  /** The largest message the server takes. */
  get maxFrameBytes(): number {
    return this.#connection.info?.max_payload ?? 2 ** 20
  }

  /** The address of the server. */
  get server(): string {
    return this.#connection.getServer()
  }

  /** The other servers of its cluster, as the server tells. */
  get discoveredServers(): readonly string[] {
    return this.#connection.info?.connect_urls ?? []
  }

  /** Whether the connection is over. */
  get ended(): boolean {
    return this.#ended
  }

  /** Subscribes, and resolves once the server has taken the subscriptions. Throws {@link NatsPermissionError}. */
  async activate(inbound: readonly string[], returned: string): Promise<void> {
    for (const subject of inbound) {
      this.#subscribe(subject, (message) => this.#handlers.onFrame(message.reply ?? '', message.data))
    }
    this.#subscribe(returned, (message) => {
      if (message.headers?.code === NO_RESPONDERS) this.#handlers.onNobody(message.subject)
    })
    await this.#connection.flush()
    if (this.#refused !== undefined) throw this.#refused
    this.#active = true
  }

  #subscribe(subject: string, onMessage: (message: Msg) => void): void {
    this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) onMessage(message)
        else this.#subscriptionRefused(new NatsPermissionError(subject, error))
      },
    })
  }

  /** At first {@link NatsSession.activate} throws it. Later a right was taken away, and nobody shall be connected and deaf. */
  #subscriptionRefused(error: NatsPermissionError): void {
    this.#refused = error
    if (this.#active) this.#end(error.message)
  }

  /** Hands one frame to the client, which writes it at the end of this turn. False when it was dropped. */
  publish(subjects: Subjects, frame: Uint8Array): boolean {
    const bytes = frame.byteLength + FRAME_OVERHEAD_BYTES
    if (this.#ended || this.#connection.isClosed() || this.#queuedBytes + bytes > this.#maxQueuedBytes) return false
    this.#connection.publish(subjects.publish, frame, { reply: subjects.reply })
    this.#queuedBytes += bytes
    this.#unmarkedBytes += bytes
    if (this.#unmarkedBytes >= this.#bytesPerMark) this.#mark()
    return true
  }

  /** The answer of the server to a ping says that it has read all before it: that much is not queued any more. */
  #mark(): void {
    const bytes = this.#unmarkedBytes
    this.#unmarkedBytes = 0
    this.#connection.flush().then(
      () => {
        this.#queuedBytes -= bytes
      },
      // The connection ended, and the queue with it; onEnd tells.
      () => undefined,
    )
  }

  async #watchStatus(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'staleConnection') this.#end('the server did not answer pings')
      else if (status.type === 'error') this.#reportError(status.error)
      else if (status.type === 'ldm') this.#log('info', 'the NATS server is about to shut down')
    }
  }

  /** The server repeats a refusal for each frame; it is worth one line for each subject, and memory for so many. */
  #reportError(error: Error): void {
    if (error instanceof PermissionViolationError && error.operation === 'publish') {
      if (this.#refusedPublishes.has(error.subject) || this.#refusedPublishes.size >= 100) return
      this.#refusedPublishes.add(error.subject)
      this.#log('error', 'the NATS server refuses frames of this node', { subject: error.subject })
    } else {
      this.#log('warn', 'the NATS server reported an error', { error: error.message })
    }
  }

  #log(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.#logger.log(level, message, { server: this.server, ...fields })
  }

  #end(why: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#close()
    this.#handlers.onEnd(why)
  }

  /** Resolves once the server has read all that was published. */
  async flush(): Promise<void> {
    if (!this.#ended) await this.#connection.flush()
  }

  /** Ends the connection at once. */
  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#close()
  }

  #close(): void {
    this.#connection.close().catch((error: Error) => {
      this.#log('debug', 'closing the connection to the NATS server failed', { error: error.message })
    })
  }
}

/**
 * Connects to the first of the servers that answers, and subscribes. Throws NatsUnreachableError,
 * NatsAuthenticationError, NatsPermissionError, or the reason of `signal`.
 */
export async function openSession(
  ports: { readonly clock: Clock; readonly logger: Logger },
  options: SessionOptions,
  handlers: SessionHandlers,
  signal: AbortSignal,
): Promise<NatsSession> {
  const { servers, timeoutMs } = options
  let givenUp = false
  let session: NatsSession | undefined
  const open = async (): Promise<NatsSession> => {
    const connection = await connect(options.connection)
    session = new NatsSession(connection, ports.logger, handlers, options.maxQueuedBytes)
    if (givenUp) session.close()
    else await session.activate(options.inbound, options.returned)
    return session
  }
  const pending = new Pending<NatsSession>({
    clock: ports.clock,
    timeoutMs,
    signal,
    onTimeout: () => new NatsUnreachableError(servers, timeoutMs, new Error('the connection was not ready in time')),
  })
  open().then(
    (opened) => pending.resolve(opened),
    (error) => pending.reject(toKnownError(error, servers, timeoutMs)),
  )
  try {
    return await pending.promise
  } catch (error) {
    givenUp = true
    session?.close()
    throw error
  }
}

function toKnownError(error: unknown, servers: readonly string[], timeoutMs: number): Error {
  if (error instanceof NatsPermissionError) return error
  if (error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError) {
    return new NatsAuthenticationError(servers, error)
  }
  return new NatsUnreachableError(servers, timeoutMs, error)
}
