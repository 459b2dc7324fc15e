import { type Clock, type Counter, delay, type Logger, type Meter, Pending, type Random } from '@dsys/runtime'
import { type Destination, LocalQueue, type TransportCapabilities, TransportEndpoint } from '@dsys/transport'
import type { NodeConnectionOptions } from '@nats-io/transport-node'
import { authenticatorOf } from './authentication.ts'
import { NatsAuthenticationError, NatsFrameLimitError, NatsPermissionError, NatsUnreachableError } from './errors.ts'
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
 * `start` tries until `connectTimeoutMs` is over, and resolves once the node can be reached. Throws NatsUnreachableError
 * (`DSYS_TRANSPORT_NATS_UNREACHABLE`), NatsAuthenticationError (`DSYS_TRANSPORT_NATS_AUTHENTICATION`),
 * NatsPermissionError (`DSYS_TRANSPORT_NATS_PERMISSION`), NatsFrameLimitError (`DSYS_TRANSPORT_NATS_FRAME_LIMIT`).
 *
 * After that the connection heals by itself, for as long as the node runs; meanwhile `send` drops and returns false, so
 * no stale frame leaves when the server is back. `stop` waits until what was sent has reached the server, at most
 * `stopTimeoutMs`.
 */
export class NatsTransport extends TransportEndpoint {
  readonly #ports: NatsTransportPorts
  readonly #options: CheckedOptions
  readonly #connectionOptions: NodeConnectionOptions
  readonly #subjects: SubjectSpace
  readonly #local: LocalQueue
  readonly #stopped = new AbortController()
  readonly #sent: Counter
  readonly #received: Counter
  readonly #dropped: Counter
  readonly #connects: Counter
  #capabilities: TransportCapabilities
  #session: NatsSession | undefined
  #discovered: readonly string[] = []
  #reconnecting: Promise<void> | undefined

  /** Throws RangeError for options out of their range. */
  constructor(ports: NatsTransportPorts, options: NatsTransportOptions) {
    const { nodeId: id, generation } = options
    super(ports, { self: { id, generation }, name: `NATS transport of ${id}` })
    this.#options = checkOptions(options)
    this.#ports = ports
    this.#subjects = new SubjectSpace(options.cluster, this.self)
    this.#local = new LocalQueue(ports, this.#options.maxQueuedBytes, (channel, frame) => {
      this.arrived(channel, frame, this.self)
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
  }

  /** Before `start`, `maxFrameBytes` is `minFrameBytes` of the options; from then on it is the limit of the server. */
  override get capabilities(): TransportCapabilities {
    return this.#capabilities
  }

  protected override transmit(to: Destination, channel: string, frame: Uint8Array): boolean {
    if (this.isSelf(to)) return this.#count(this.#session !== undefined && this.#local.push(channel, frame))
    return this.#publish(this.#subjects.to(to, channel), frame)
  }

  protected override transmitToAll(channel: string, frame: Uint8Array): boolean {
    return this.#publish(this.#subjects.toAll(channel), frame)
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

  protected override async join(signal: AbortSignal): Promise<void> {
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
    this.#connects.add(1)
    this.#ports.logger.log('info', 'connected to the NATS server', { server: session.server })
    this.connected()
    // It may have ended between its opening and here, when nobody was there to be told.
    if (session.ended) this.#lost(session, 'the server closed the connection')
  }

  /** Sessions that end before they are adopted, or after another took over, do not concern anyone. */
  #lost(session: NatsSession | undefined, why: string): void {
    if (session === undefined || session !== this.#session) return
    this.#session = undefined
    if (this.#stopped.signal.aborted) return
    this.#ports.logger.log('warn', 'lost the connection to the NATS server', { server: session.server, why })
    this.#reconnecting = this.#reconnect()
    this.disconnected(why)
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
    this.arrived(envelope.channel, toOwnFrame(data), envelope.from)
  }

  #reportAbsent(reply: string): void {
    const absent = this.#subjects.destination(reply)
    if (absent !== undefined) this.metNobody(absent.peer, absent.channel)
  }

  protected override async leave(): Promise<void> {
    this.#stopped.abort()
    await this.#reconnecting
    const session = this.#session
    this.#session = undefined
    if (session !== undefined) {
      await this.#flush(session)
      session.close()
    }
    this.#local.clear()
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
