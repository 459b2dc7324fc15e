import { type Clock, type LogFields, type Logger, type LogLevel, Pending } from '@dsys/runtime'
import {
  type Msg,
  type NatsConnection,
  type NodeConnectionOptions,
  PermissionViolationError,
  type Subscription,
} from '@nats-io/transport-node'
import { connectOrLeaveNothing } from './client-sockets.ts'
import { NatsPermissionError } from './errors.ts'
import type { Inbound } from './inbound.ts'
import type { ServiceDiscovery } from './service-discovery.ts'
import type { Subjects } from './subjects.ts'

/** What a session reports. */
export interface SessionHandlers {
  /** A message on a subject from which frames are taken. */
  readonly onMessage: (inbound: Inbound, reply: string, data: Uint8Array) => void
  /** The server says that a frame of this node, named by its reply subject, met nobody. */
  readonly onNobody: (reply: string) => void
  /** The session is over. Called once, and not after {@link NatsSession.close}. */
  readonly onEnd: (why: string) => void
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
  readonly #subscriptions: Subscription[] = []
  #queuedBytes = 0
  #unmarkedBytes = 0
  #ended = false
  /** Whether the subscriptions are in force. */
  #active = false
  #refused: NatsPermissionError | undefined
  readonly #refusedPublishes = new Set<string>()

  /** Connects to one server. Rejects as the client does, or when `signal` aborts; no socket is left then. */
  static async open(
    options: NodeConnectionOptions,
    logger: Logger,
    handlers: SessionHandlers,
    maxQueuedBytes: number,
    signal: AbortSignal,
  ): Promise<NatsSession> {
    return new NatsSession(await connectOrLeaveNothing(options, signal), logger, handlers, maxQueuedBytes)
  }

  private constructor(connection: NatsConnection, logger: Logger, handlers: SessionHandlers, maxQueuedBytes: number) {
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

  /** All servers of its cluster, as the server tells. */
  get discoveredServers(): readonly string[] {
    return this.#connection.info?.connect_urls ?? []
  }

  /** Whether the server offers TLS, and so it is used. */
  get encrypted(): boolean {
    const { info } = this.#connection
    return info?.tls_required === true || info?.tls_available === true
  }

  /** Whether the connection is over. */
  get ended(): boolean {
    return this.#ended
  }

  /** Subscribes, and resolves once the server has taken the subscriptions. Throws {@link NatsPermissionError}, or an error after `timeoutMs`. */
  async activate(inbound: readonly Inbound[], returned: string, clock: Clock, timeoutMs: number): Promise<void> {
    for (const from of inbound) {
      const take = (message: Msg): void => {
        // The client may still read what had arrived when the connection was given up.
        if (!this.#ended) this.#handlers.onMessage(from, message.reply ?? '', message.data)
      }
      this.#subscriptions.push(this.#subscribe(from.subject, take))
    }
    this.#subscribe(returned, (message) => {
      if (message.headers?.code === NO_RESPONDERS) this.#handlers.onNobody(message.subject)
    })
    const onTimeout = (): Error => new Error(`the server did not confirm the subscriptions within ${timeoutMs} ms`)
    const taken = new Pending<void>({ clock, timeoutMs, onTimeout })
    this.#connection.flush().then(
      () => taken.resolve(),
      (error) => taken.reject(error),
    )
    void this.#connection.closed().then(() => taken.resolve())
    await taken.promise
    if (this.#refused !== undefined) throw this.#refused
    if (this.#ended) throw new Error('the connection ended before it was ready')
    this.#active = true
  }

  #subscribe(subject: string, onMessage: (message: Msg) => void): Subscription {
    return this.#connection.subscribe(subject, {
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

  /** Answers the discovery of services. A server that does not allow it is logged once, and changes nothing else. */
  answer(discovery: ServiceDiscovery): void {
    let isRefused = false
    for (const subject of discovery.subjects) {
      this.#connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null) this.#answerTo(message.reply, () => discovery.answer(subject))
          else if (!isRefused) {
            isRefused = true
            this.#log('info', 'the NATS server does not let this node answer the discovery of services', { subject })
          }
        },
      })
    }
  }

  /** Anybody can ask without saying where the answer should go, and an error in here would make the client deaf to all else. */
  #answerTo(reply: string | undefined, answer: () => Uint8Array): void {
    if (reply !== undefined && reply !== '') this.#write(reply, answer())
  }

  /** Hands one frame to the client, which writes it at the end of this turn. False when it was dropped. */
  publish(subjects: Subjects, frame: Uint8Array): boolean {
    return this.#write(subjects.publish, frame, subjects.reply)
  }

  #write(subject: string, payload: Uint8Array, reply?: string): boolean {
    const bytes = payload.byteLength + FRAME_OVERHEAD_BYTES
    if (this.#ended || this.#connection.isClosed()) return false
    if (this.#queuedBytes + bytes > this.#maxQueuedBytes || payload.byteLength > this.maxFrameBytes) return false
    this.#connection.publish(subject, payload, reply === undefined ? {} : { reply })
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
    if (!(error instanceof PermissionViolationError)) {
      this.#log('warn', 'the NATS server reported an error', { error: error.message })
    } else if (error.operation === 'publish') {
      // Whoever asks for services wants the answer on a subject of its own.
      const subject = error.subject.startsWith('dsys.') ? error.subject : 'answers to the discovery of services'
      if (this.#refusedPublishes.has(subject) || this.#refusedPublishes.size >= 100) return
      this.#refusedPublishes.add(subject)
      this.#log('error', 'the NATS server refuses frames of this node', { subject })
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

  /**
   * Takes no more frames. Resolves when those that the server had taken for this node are handed over, and it has read all
   * that was published; or when the connection is over, however that came.
   */
  async drain(): Promise<void> {
    if (this.#ended || this.#connection.isClosed()) return
    const drained = Promise.all(this.#subscriptions.map((subscription) => subscription.drain()))
    await Promise.race([drained.then(() => this.#connection.flush()), this.#connection.closed()])
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
