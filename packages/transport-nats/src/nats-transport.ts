import {
  type Clock,
  type Counter,
  delay,
  type Logger,
  type Meter,
  type MetricLabels,
  Pending,
  type Random,
} from '@dsys/runtime'
import { type Destination, LocalQueue, type TransportCapabilities, TransportEndpoint } from '@dsys/transport'
import type { NodeConnectionOptions } from '@nats-io/transport-node'
import { authenticatorOf } from './authentication.ts'
import { NatsUnreachableError } from './errors.ts'
import { Inbound } from './inbound.ts'
import { isRefusal, type NatsUplink, openUplink } from './nats-uplink.ts'
import { type CheckedOptions, checkOptions, type NatsTransportOptions } from './options.ts'
import { ServerList } from './server-list.ts'
import { ServiceDiscovery } from './service-discovery.ts'
import { isCurrent, type Lane, SubjectSpace, type Subjects, withTag } from './subjects.ts'

/** The ports of a {@link NatsTransport}: `systemRuntime()` has them all. */
export interface NatsTransportPorts {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly meter: Meter
}

const MAX_ATTEMPT_MS = 5_000
const MIN_ATTEMPT_MS = 1_000
const MAX_PINGS_OUT = 2

/**
 * The transport of one life of a node over NATS (core NATS, no JetStream).
 *
 * `start` tries until `connectTimeoutMs` is over, and resolves once the node can be reached. Throws NatsUnreachableError
 * (`DSYS_TRANSPORT_NATS_UNREACHABLE`), NatsAuthenticationError (`DSYS_TRANSPORT_NATS_AUTHENTICATION`),
 * NatsTlsError (`DSYS_TRANSPORT_NATS_TLS`), NatsPermissionError (`DSYS_TRANSPORT_NATS_PERMISSION`), NatsFrameLimitError (`DSYS_TRANSPORT_NATS_FRAME_LIMIT`).
 *
 * After that the connection heals by itself, for as long as the node runs; meanwhile `send` drops and returns false, so
 * no stale frame leaves when the server is back. `stop` takes no more frames, and waits until those that the server had
 * taken for this node are handed over and what was sent has reached the server, at most `stopTimeoutMs`.
 */
export class NatsTransport extends TransportEndpoint {
  readonly #ports: NatsTransportPorts
  readonly #options: CheckedOptions
  readonly #connectionOptions: NodeConnectionOptions
  readonly #servers: ServerList
  readonly #subjects: SubjectSpace
  readonly #inbound: readonly Inbound[]
  readonly #discovery: ServiceDiscovery | undefined
  readonly #local: LocalQueue
  readonly #stopped = new AbortController()
  readonly #sent: Readonly<Record<Lane, Counter>>
  readonly #received: Readonly<Record<Lane, Counter>>
  readonly #dropped: Counter
  readonly #stale: Counter
  readonly #connects: Counter
  #capabilities: TransportCapabilities
  #uplink: NatsUplink | undefined
  #reconnecting: Promise<void> | undefined

  /** Throws RangeError for options out of their range. */
  constructor(ports: NatsTransportPorts, options: NatsTransportOptions) {
    const { nodeId: id, generation } = options
    super(ports, { self: { id, generation }, name: `NATS transport of ${id}` })
    this.#options = checkOptions(options)
    this.#ports = ports
    const { cluster, controlChannels, serviceDiscovery } = this.#options
    this.#servers = new ServerList(this.#options, ports.random.stream('nats servers'))
    const nonce = ports.random
      .stream('nats nonce')
      .integer(0, 2 ** 32)
      .toString(36)
    this.#subjects = new SubjectSpace({ cluster, self: this.self, nonce, controlChannels })
    this.#inbound = this.#subjects.inbound.map((from) => new Inbound(from))
    const node = { cluster, self: this.self, inbound: this.#inbound, startedMs: ports.clock.wallMs() }
    if (serviceDiscovery !== undefined) this.#discovery = new ServiceDiscovery(node, serviceDiscovery)
    this.#local = new LocalQueue(ports, this.#options.maxQueuedBytes, (channel, frame) => {
      this.arrived(channel, frame, this.self)
    })
    this.#capabilities = Object.freeze({
      broadcast: true,
      fastNegative: true,
      maxFrameBytes: this.#options.minFrameBytes,
    })
    this.#connectionOptions = this.#makeConnectionOptions()
    const counter = (what: string, description: string, labels: MetricLabels = {}): Counter =>
      ports.meter.counter(`dsys_transport_nats_${what}`, { description, labels })
    const counters = (what: string, description: string): Record<Lane, Counter> => ({
      data: counter(what, description, { lane: 'data' }),
      control: counter(what, description, { lane: 'control' }),
    })
    this.#sent = counters('frames_sent_total', 'Frames handed to the NATS client')
    this.#received = counters('frames_received_total', 'Frames received from the NATS server')
    this.#dropped = counter('frames_dropped_total', 'Frames dropped on this side: not connected, or the queue full')
    this.#stale = counter('stale_frames_total', 'Frames refused: their sender had given up their connection')
    this.#connects = counter('connects_total', 'Connections made to a NATS server')
  }

  /**
   * Before `start`, `maxFrameBytes` is `minFrameBytes` of the options; from then on it is the limit of the first server. One that
   * takes less is not used later.
   */
  override get capabilities(): TransportCapabilities {
    return this.#capabilities
  }

  protected override transmit(to: Destination, channel: string, frame: Uint8Array, tag: number | undefined): boolean {
    if (this.isSelf(to)) return this.#count('data', this.#uplink !== undefined && this.#local.push(channel, frame))
    const subjects = this.#subjects.to(to, channel)
    return this.#publish(tag === undefined ? subjects : withTag(subjects, tag), frame)
  }

  protected override transmitToAll(channel: string, frame: Uint8Array): boolean {
    return this.#publish(this.#subjects.toAll(channel), frame)
  }

  #publish(subjects: Subjects, frame: Uint8Array): boolean {
    return this.#count(subjects.lane, this.#uplink?.publish(subjects, frame) ?? false)
  }

  #count(lane: Lane, sent: boolean): boolean {
    if (sent) this.#sent[lane].add(1)
    else this.#dropped.add(1)
    return sent
  }

  #makeConnectionOptions(): NodeConnectionOptions {
    const authenticator = authenticatorOf(this.#options.authentication)
    return {
      noEcho: true,
      reconnect: false,
      ignoreClusterUpdates: true,
      pingInterval: this.#options.pingIntervalMs,
      maxPingOut: MAX_PINGS_OUT,
      ...(authenticator === undefined ? {} : { authenticator }),
    }
  }

  #connectionTo(server: string, lane: Lane, timeoutMs: number): NodeConnectionOptions {
    const tls = this.#servers.tlsTo(server)
    const life = `generation ${this.self.generation}${lane === 'control' ? ', control' : ''}`
    return {
      ...this.#connectionOptions,
      servers: server,
      name: `dsys ${this.self.id} (${life})`,
      timeout: timeoutMs,
      ...(tls === undefined ? {} : { tls }),
    }
  }

  protected override async join(signal: AbortSignal): Promise<void> {
    const uplink = await this.#firstUplink(signal)
    this.#capabilities = Object.freeze({ ...this.#capabilities, maxFrameBytes: uplink.maxFrameBytes })
    this.#adopt(uplink)
  }

  async #firstUplink(signal: AbortSignal): Promise<NatsUplink> {
    const { clock, logger } = this.#ports
    const deadlineMs = clock.monotonicMs() + this.#options.connectTimeoutMs
    let warned = false
    let cause: unknown
    for (;;) {
      const remainingMs = deadlineMs - clock.monotonicMs()
      try {
        return await this.#open(Math.max(remainingMs, 1), signal)
      } catch (error) {
        if (!(error instanceof NatsUnreachableError)) throw error
        const isLast = remainingMs <= this.#options.reconnectWaitMs
        // The last attempt may have been cut short, and then says less than the one before.
        if (!isLast || cause === undefined) cause = error.cause
        if (isLast) throw new NatsUnreachableError(error.servers, this.#options.connectTimeoutMs, cause)
        if (!warned)
          logger.log('warn', 'no NATS server answers yet, trying on', { servers: error.servers, remainingMs })
        warned = true
      }
      await delay(clock, this.#options.reconnectWaitMs, signal)
    }
  }

  async #open(timeoutMs: number, signal: AbortSignal): Promise<NatsUplink> {
    const servers = this.#servers.inRandomOrder()
    // A server that says nothing must leave time for the others.
    const fairShareMs = Math.max(MIN_ATTEMPT_MS, Math.floor(timeoutMs / servers.length))
    const attemptMs = Math.min(MAX_ATTEMPT_MS, this.#options.connectTimeoutMs, fairShareMs)
    let opened: NatsUplink | undefined
    opened = await openUplink(
      this.#ports,
      {
        servers,
        connectionTo: (server, lane) => this.#connectionTo(server, lane, attemptMs),
        inbound: this.#inbound,
        returned: this.#subjects.returned,
        hasControl: this.#options.controlChannels.length > 0,
        discovery: this.#discovery,
        // Before the start this is what the node needs, later what its protocols were promised.
        neededFrameBytes: this.#capabilities.maxFrameBytes,
        maxQueuedBytes: this.#options.maxQueuedBytes,
        attemptMs,
        timeoutMs,
      },
      {
        onMessage: (from, reply, data) => this.#receive(from, reply, data),
        onNobody: (reply) => this.#reportAbsent(reply),
        onEnd: (why) => this.#lost(opened, why),
      },
      signal,
    )
    return opened
  }

  #adopt(uplink: NatsUplink): void {
    this.#uplink = uplink
    this.#subjects.beginConnection()
    this.#servers.connected(uplink)
    this.#connects.add(1)
    this.#ports.logger.log('info', 'connected to the NATS server', { server: uplink.server })
    this.connected()
    // It may have ended between its opening and here, when nobody was there to be told.
    if (uplink.ended) this.#lost(uplink, 'the server closed the connection')
  }

  /** Uplinks that end before they are adopted, or after another took over, do not concern anyone. */
  #lost(uplink: NatsUplink | undefined, why: string): void {
    if (uplink === undefined || uplink !== this.#uplink) return
    this.#uplink = undefined
    if (this.#stopped.signal.aborted) return
    this.#servers.lost(uplink)
    this.#ports.logger.log('warn', 'lost the connection to the NATS server', { server: uplink.server, why })
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
        const uplink = await this.#open(MAX_ATTEMPT_MS, signal)
        this.#adopt(uplink)
        return
      } catch (error) {
        if (signal.aborted) return
        const failure = error instanceof Error ? error.message : String(error)
        // The same failure again and again is one line; a refusal needs a person.
        if (failure !== lastFailure)
          logger.log(isRefusal(error) ? 'error' : 'warn', 'reconnecting to NATS failed, trying on', { failure })
        lastFailure = failure
      }
    }
  }

  #receive(from: Inbound, reply: string, data: Uint8Array): void {
    const envelope = this.#subjects.envelope(reply)
    if (envelope === undefined) {
      from.refuse('a message that is no frame of this cluster')
      return
    }
    if (!isCurrent(envelope)) {
      this.#stale.add(1)
      from.refuse('a frame of a connection that its sender has given up')
      return
    }
    this.#received[from.lane].add(1)
    from.frames++
    from.bytes += data.byteLength
    const beganMs = this.#ports.clock.monotonicMs()
    this.arrived(envelope.channel, toOwnFrame(data), envelope.from)
    from.busyMs += this.#ports.clock.monotonicMs() - beganMs
  }

  #reportAbsent(reply: string): void {
    const absent = this.#subjects.destination(reply)
    if (absent !== undefined) this.metNobody(absent.peer, absent.channel, absent.tag)
  }

  protected override async leave(): Promise<void> {
    this.#stopped.abort()
    await this.#reconnecting
    const uplink = this.#uplink
    if (uplink !== undefined) {
      await this.#drain(uplink)
      uplink.close()
    }
    this.#uplink = undefined
    this.#local.clear()
  }

  async #drain(uplink: NatsUplink): Promise<void> {
    const timeoutMs = this.#options.stopTimeoutMs
    const onTimeout = (): Error => new Error(`the server did not confirm within ${timeoutMs} ms`)
    const pending = new Pending<void>({ clock: this.#ports.clock, timeoutMs, onTimeout })
    uplink.drain().then(
      () => pending.resolve(),
      (error) => pending.reject(error),
    )
    try {
      await pending.promise
    } catch (error) {
      // Frames may be lost at any time; stopping goes on, and says so.
      this.#ports.logger.log('warn', 'stopped before all frames had left or come in', { why: (error as Error).message })
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
