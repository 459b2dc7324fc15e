import {
  type Clock,
  type Counter,
  delay,
  EventHub,
  Lifecycle,
  type Logger,
  type Meter,
  Pending,
  type Random,
  type StartOptions,
} from '@dsys/runtime'
import {
  assertChannel,
  assertFrameFits,
  assertGeneration,
  assertNodeId,
  ChannelHandlers,
  type ConnectionState,
  type Destination,
  type FrameHandler,
  type PeerAddress,
  type Transport,
  type TransportCapabilities,
  type TransportEvent,
} from '@dsys/transport'
import type { NodeConnectionOptions } from '@nats-io/transport-node'
import { authenticatorOf } from './authentication.ts'
import { NatsAuthenticationError, NatsFrameLimitError, NatsPermissionError, NatsUnreachableError } from './errors.ts'
import { LocalQueue } from './local-queue.ts'
import { type NatsSession, openSession } from './nats-session.ts'
import { type CheckedOptions, checkOptions, type NatsTransportOptions } from './options.ts'
import { SubjectSpace, type Subjects } from './subjects.ts'

/** The ports of a {@link NatsTransport}: `systemRuntime()` has them all. */
export interface NatsTransportPorts {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly meter: Meter
}

const MAX_ATTEMPT_MS = 5_000
const MAX_PINGS_OUT = 2

/**
 * The transport of one life of a node over NATS (core NATS, no JetStream).
 *
 * `start` resolves once the node can be reached. After that the connection heals by itself, for as long as the node
 * runs; meanwhile `send` drops and returns false, so no stale frame leaves when the server is back.
 */
export class NatsTransport implements Transport {
  readonly self: PeerAddress
  readonly #ports: NatsTransportPorts
  readonly #options: CheckedOptions
  readonly #connectionOptions: NodeConnectionOptions
  readonly #subjects: SubjectSpace
  readonly #lifecycle: Lifecycle
  readonly #handlers: ChannelHandlers
  readonly #local: LocalQueue
  readonly #events = new EventHub<TransportEvent>()
  readonly #stopped = new AbortController()
  readonly #sent: Counter
  readonly #received: Counter
  readonly #dropped: Counter
  readonly #connects: Counter
  #capabilities: TransportCapabilities
  #connection: ConnectionState = 'idle'
  #session: NatsSession | undefined
  #discovered: readonly string[] = []
  #reconnecting: Promise<void> | undefined

  /** Throws RangeError for options out of their range. */
  constructor(ports: NatsTransportPorts, options: NatsTransportOptions) {
    this.#options = checkOptions(options)
    this.#ports = ports
    this.self = Object.freeze({ id: options.nodeId, generation: options.generation })
    this.#subjects = new SubjectSpace(options.cluster, this.self)
    this.#handlers = new ChannelHandlers(ports)
    this.#local = new LocalQueue(ports, this.#options.maxQueuedBytes, (channel, frame) => {
      this.#handlers.deliver(channel, frame, this.self)
    })
    this.#capabilities = Object.freeze({
      broadcast: true,
      fastNegative: true,
      maxFrameBytes: this.#options.minFrameBytes,
    })
    this.#connectionOptions = this.#makeConnectionOptions()
    const counter = (what: string, description: string): Counter =>
      ports.meter.counter(`dsys_transport_nats_${what}`, { description })
    this.#sent = counter('frames_sent_total', 'Frames handed to the NATS client')
    this.#received = counter('frames_received_total', 'Frames received from the NATS server')
    this.#dropped = counter('frames_dropped_total', 'Frames dropped on this side: not connected, or the queue full')
    this.#connects = counter('connects_total', 'Connections made to a NATS server')
    this.#lifecycle = new Lifecycle(`NATS transport of ${options.nodeId}`, {
      start: ({ signal }) => this.#start(signal),
      stop: () => this.#stop(),
    })
  }

  /** Before `start`, `maxFrameBytes` is `minFrameBytes` of the options; from then on it is the limit of the server. */
  get capabilities(): TransportCapabilities {
    return this.#capabilities
  }

  get connection(): ConnectionState {
    // While it stops it waits for what was sent, but takes nothing more: whoever asks before sending must hear that.
    const { state } = this.#lifecycle
    return state === 'stopping' || state === 'stopped' ? 'closed' : this.#connection
  }

  /**
   * Connects and subscribes; tries again until `connectTimeoutMs` is over. Throws NatsUnreachableError
   * (`DSYS_TRANSPORT_NATS_UNREACHABLE`), NatsAuthenticationError (`DSYS_TRANSPORT_NATS_AUTHENTICATION`),
   * NatsPermissionError (`DSYS_TRANSPORT_NATS_PERMISSION`), NatsFrameLimitError (`DSYS_TRANSPORT_NATS_FRAME_LIMIT`).
   */
  start(options?: StartOptions): Promise<void> {
    return this.#lifecycle.start(options)
  }

  /** Waits until what was sent has reached the server, at most `stopTimeoutMs`, and disconnects. */
  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  send(to: Destination, channel: string, frame: Uint8Array): boolean {
    this.#lifecycle.assertRunning()
    assertNodeId(to.id)
    if (to.generation !== undefined) assertGeneration(to.generation)
    assertChannel(channel)
    assertFrameFits(frame, this.#capabilities.maxFrameBytes)
    if (to.id === this.self.id && (to.generation ?? this.self.generation) === this.self.generation) {
      return this.#count(this.#session !== undefined && this.#local.push(channel, frame))
    }
    return this.#publish(this.#subjects.to(to, channel), frame)
  }

  broadcast(channel: string, frame: Uint8Array): boolean {
    this.#lifecycle.assertRunning()
    assertChannel(channel)
    assertFrameFits(frame, this.#capabilities.maxFrameBytes)
    return this.#publish(this.#subjects.toAll(channel), frame)
  }

  listen(channel: string, handler: FrameHandler): () => void {
    return this.#handlers.listen(channel, handler)
  }

  observe(handler: (event: TransportEvent) => void): () => void {
    return this.#events.handle(handler)
  }

  #publish(subjects: Subjects, frame: Uint8Array): boolean {
    const session = this.#session
    // After a reconnect to a server with a lower limit, a frame may be over it although `capabilities` allows it.
    if (session === undefined || frame.byteLength > session.maxFrameBytes) return this.#count(false)
    return this.#count(session.publish(subjects, frame))
  }

  #count(sent: boolean): boolean {
    if (sent) this.#sent.add(1)
    else this.#dropped.add(1)
    return sent
  }

  #makeConnectionOptions(): NodeConnectionOptions {
    const authenticator = authenticatorOf(this.#options.authentication)
    return {
      name: `dsys ${this.self.id} (generation ${this.self.generation})`,
      noEcho: true,
      reconnect: false,
      timeout: Math.min(MAX_ATTEMPT_MS, this.#options.connectTimeoutMs),
      pingInterval: this.#options.pingIntervalMs,
      maxPingOut: MAX_PINGS_OUT,
      ...(authenticator === undefined ? {} : { authenticator }),
      ...(this.#options.tls === undefined ? {} : { tls: this.#options.tls }),
    }
  }

  async #start(signal: AbortSignal): Promise<void> {
    const session = await this.#firstSession(signal)
    const { minFrameBytes } = this.#options
    if (session.maxFrameBytes < minFrameBytes) {
      session.close()
      throw new NatsFrameLimitError(session.maxFrameBytes, minFrameBytes)
    }
    this.#capabilities = Object.freeze({ ...this.#capabilities, maxFrameBytes: session.maxFrameBytes })
    this.#adopt(session)
  }

  async #firstSession(signal: AbortSignal): Promise<NatsSession> {
    const { clock, logger } = this.#ports
    const deadlineMs = clock.monotonicMs() + this.#options.connectTimeoutMs
    let warned = false
    for (;;) {
      const remainingMs = deadlineMs - clock.monotonicMs()
      try {
        return await this.#open(Math.max(remainingMs, 1), signal)
      } catch (error) {
        if (!(error instanceof NatsUnreachableError)) throw error
        if (remainingMs <= this.#options.reconnectWaitMs) {
          throw new NatsUnreachableError(error.servers, this.#options.connectTimeoutMs, error.cause)
        }
        if (!warned)
          logger.log('warn', 'no NATS server answers yet, trying on', { servers: error.servers, remainingMs })
        warned = true
      }
      await delay(clock, this.#options.reconnectWaitMs, signal)
    }
  }

  #open(timeoutMs: number, signal: AbortSignal): Promise<NatsSession> {
    const servers = [...new Set([...this.#options.servers, ...this.#discovered])]
    let opened: NatsSession | undefined
    const opening = openSession(
      this.#ports,
      {
        servers,
        connection: { ...this.#connectionOptions, servers },
        inbound: this.#subjects.inbound,
        returned: this.#subjects.returned,
        maxQueuedBytes: this.#options.maxQueuedBytes,
        timeoutMs,
      },
      {
        onFrame: (reply, data) => this.#receive(reply, data),
        onNobody: (reply) => this.#reportAbsent(reply),
        onEnd: (why) => this.#lost(opened, why),
      },
      signal,
    )
    return opening.then((session) => {
      opened = session
      return session
    })
  }

  #adopt(session: NatsSession): void {
    this.#session = session
    this.#discovered = session.discoveredServers
    this.#connection = 'connected'
    this.#connects.add(1)
    this.#ports.logger.log('info', 'connected to the NATS server', { server: session.server })
    this.#events.publish({ type: 'connected' })
    // It may have ended between its opening and here, when nobody was there to be told.
    if (session.ended) this.#lost(session, 'the server closed the connection')
  }

  /** Sessions that end before they are adopted, or after another took over, do not concern anyone. */
  #lost(session: NatsSession | undefined, why: string): void {
    if (session === undefined || session !== this.#session) return
    this.#session = undefined
    if (this.#stopped.signal.aborted) return
    this.#connection = 'disconnected'
    this.#ports.logger.log('warn', 'lost the connection to the NATS server', { server: session.server, why })
    this.#reconnecting = this.#reconnect()
    this.#events.publish({ type: 'disconnected', why })
  }

  async #reconnect(): Promise<void> {
    const { clock, random, logger } = this.#ports
    const { reconnectWaitMs } = this.#options
    const { signal } = this.#stopped
    let lastFailure = ''
    while (!signal.aborted) {
      try {
        await delay(clock, reconnectWaitMs * (1 + random.float()), signal)
        const session = await this.#open(MAX_ATTEMPT_MS, signal)
        this.#adopt(session)
        return
      } catch (error) {
        if (signal.aborted) return
        const failure = error instanceof Error ? error.message : String(error)
        const refused = error instanceof NatsAuthenticationError || error instanceof NatsPermissionError
        // The same failure again and again is one line; a refusal needs a person.
        if (failure !== lastFailure)
          logger.log(refused ? 'error' : 'warn', 'reconnecting to NATS failed, trying on', { failure })
        lastFailure = failure
      }
    }
  }

  #receive(reply: string, data: Uint8Array): void {
    const envelope = this.#subjects.envelope(reply)
    if (envelope === undefined) return
    this.#received.add(1)
    this.#handlers.deliver(envelope.channel, toOwnFrame(data), envelope.from)
  }

  #reportAbsent(reply: string): void {
    const absent = this.#subjects.destination(reply)
    if (absent !== undefined) this.#events.publish({ type: 'peer-absent', ...absent })
  }

  async #stop(): Promise<void> {
    this.#stopped.abort()
    await this.#reconnecting
    const session = this.#session
    this.#session = undefined
    if (session !== undefined) {
      await this.#flush(session)
      session.close()
    }
    this.#local.clear()
    this.#handlers.clear()
    this.#connection = 'closed'
    this.#events.publish({ type: 'closed' })
    this.#events.close()
  }

  async #flush(session: NatsSession): Promise<void> {
    const timeoutMs = this.#options.stopTimeoutMs
    const onTimeout = (): Error => new Error(`the server did not confirm within ${timeoutMs} ms`)
    const pending = new Pending<void>({ clock: this.#ports.clock, timeoutMs, onTimeout })
    session.flush().then(
      () => pending.resolve(),
      (error) => pending.reject(error),
    )
    try {
      await pending.promise
    } catch (error) {
      // Frames may be lost at any time; stopping goes on, and says so.
      this.#ports.logger.log('warn', 'stopped before all frames had left', { why: (error as Error).message })
    }
  }
}

/**
 * The client gives views into what it read from the socket. A small frame is copied out, so that whoever keeps it keeps
 * no more than twice its bytes in memory; a large one is most of what was read.
 */
function toOwnFrame(data: Uint8Array): Uint8Array {
  if (data.byteLength * 2 < data.buffer.byteLength) return new Uint8Array(data)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
