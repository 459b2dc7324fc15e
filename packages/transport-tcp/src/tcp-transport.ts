import {
  type Clock,
  type Counter,
  delay,
  type Logger,
  type LogLevel,
  type Meter,
  Pending,
  type Random,
  type TimerHandle,
} from '@dsys/runtime'
import {
  type Destination,
  FrameBudget,
  LocalQueue,
  type TransportCapabilities,
  TransportEndpoint,
} from '@dsys/transport'
import {
  directoryOf,
  formatAddress,
  isLoopback,
  type PeerDirectory,
  parseAddress,
  type TcpAddress,
  type TcpPeers,
} from './address.ts'
import { TcpListenError, TcpUnprotectedError } from './errors.ts'
import type { QueuedFrame } from './frame-queue.ts'
import type { FramedSocket } from './framed-socket.ts'
import type { Admission, Caller, Failure, Identity } from './handshake.ts'
import { Link, type LinkContext } from './link.ts'
import { INSTANCE_BYTES, VERSIONS } from './messages.ts'
import type { TcpListener, TcpNetwork } from './network.ts'
import { nodeNetwork } from './node-network.ts'
import { type CheckedOptions, checkOptions, type TcpTransportOptions } from './options.ts'
import { Reception } from './reception.ts'
import { SparseLog } from './sparse-log.ts'
import { tlsNetwork } from './tls-network.ts'

/** The ports of a {@link TcpTransport}: `systemRuntime()` has all that must be there. */
export interface TcpTransportPorts {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly meter: Meter
  /** The sockets under it. Default: those of Node.js. For tests that take the network away. */
  readonly network?: TcpNetwork
}

/** A peer that is not there, or dials us itself, is nothing that somebody has to look at. */
const LEVELS: Readonly<Partial<Record<Failure, LogLevel>>> = { duplicate: 'debug', nobody: 'info', stopping: 'info' }
const REFUSALS = {
  full: 'a peer takes frames more slowly than they are sent; some were dropped',
  'too-large': 'a peer takes only smaller frames than were sent to it; some were dropped',
} as const
/** So many frames that met nobody are reported one by one in a turn; the port does not ask for each. */
const MOST_REPORTS = 4_096

/** A frame that met nobody. */
interface Absent {
  readonly peer: Destination
  readonly channel: string
  readonly tag: number | undefined
}

/**
 * The transport of one life of a node over TCP, from process to process, without a broker.
 *
 * `start` resolves once the node listens, and `address` tells where. Throws TcpListenError (`DSYS_TRANSPORT_TCP_LISTEN`),
 * TcpUnprotectedError (`DSYS_TRANSPORT_TCP_UNPROTECTED`). A peer is dialled when there is a frame for it, and the connection serves both
 * directions. `connected` says that this node can be reached, not that a peer can. `stop` waits until what was sent has been read by
 * its receiver, at most `stopTimeoutMs`.
 */
export class TcpTransport extends TransportEndpoint {
  readonly capabilities: TransportCapabilities
  readonly #ports: TcpTransportPorts
  readonly #options: CheckedOptions
  readonly #network: TcpNetwork
  readonly #local: LocalQueue
  readonly #links = new Map<string, Link>()
  readonly #context: LinkContext
  readonly #reception: Reception
  readonly #stopped = new AbortController()
  readonly #log: SparseLog
  readonly #sent: Counter
  readonly #received: Counter
  readonly #dropped: Counter
  readonly #connects: Counter
  readonly #refused: Counter
  #directory: PeerDirectory
  #listener: TcpListener | undefined
  #listening: Promise<void> | undefined
  #ticking: TimerHandle | undefined
  #reports: Absent[] = []

  /** Throws RangeError for options out of their range. */
  constructor(ports: TcpTransportPorts, options: TcpTransportOptions) {
    const { nodeId: id, generation } = options
    super(ports, { self: { id, generation }, name: `TCP transport of ${id}` })
    const checked = checkOptions(options)
    this.#options = checked
    this.#ports = ports
    this.#directory = checked.directory
    this.#log = new SparseLog(ports)
    const { tls, connectTimeoutMs, maxFrameBytes, secret, maxTotalQueuedBytes } = checked
    const plain = ports.network ?? nodeNetwork
    this.#network = tls === undefined ? plain : tlsNetwork(plain, tls, connectTimeoutMs)
    this.capabilities = Object.freeze({
      broadcast: checked.directory.canList,
      fastNegative: true,
      maxFrameBytes,
    })
    this.#local = new LocalQueue(ports, checked.maxQueuedBytes, (channel, frame) => {
      this.arrived(channel, frame, this.self)
    })
    const me: Identity = {
      ...{ cluster: checked.cluster, id, generation, maxFrameBytes, secret },
      instance: ports.random.bytes(INSTANCE_BYTES),
      versions: VERSIONS,
      secure: this.#network.secure,
    }
    this.#context = this.#linkContext(
      me,
      new FrameBudget({ maxQueuedFrames: Number.MAX_SAFE_INTEGER, maxQueuedBytes: maxTotalQueuedBytes }),
    )
    this.#reception = new Reception({
      ...{ clock: ports.clock, network: this.#network, me, maxHandshakes: checked.maxHandshakes },
      timeoutMs: connectTimeoutMs,
      onCaller: (caller, framed) => this.#admit(caller, framed),
      onRefused: (failure, why, peer) => this.#turnedAway(failure, why, peer),
    })
    const counter = (what: string, description: string): Counter =>
      ports.meter.counter(`dsys_transport_tcp_${what}`, { description })
    this.#sent = counter('frames_sent_total', 'Frames handed to the operating system')
    this.#received = counter('frames_received_total', 'Frames received from peers')
    this.#dropped = counter(
      'frames_dropped_total',
      'Frames dropped on this side: not connected, the peer away, or a queue full',
    )
    this.#connects = counter('connects_total', 'Connections agreed on with a peer')
    this.#refused = counter('refused_total', 'Connections of others that were turned away')
  }

  /** Where this node listens, as `host:port`; `undefined` before it does. */
  get address(): string | undefined {
    return this.#listener === undefined ? undefined : formatAddress(this.#listener.address)
  }

  /**
   * Says anew where the others listen. Connections stay; the next attempts go to the new addresses, at once. Throws RangeError for an
   * address that is none, and where what can be listed takes the place of a function or the other way round: what a transport can do is constant.
   */
  setPeers(peers: TcpPeers): void {
    const directory = directoryOf(peers)
    if (directory.canList !== this.#directory.canList) {
      throw new RangeError('peers must stay what can be listed, or stay a function')
    }
    this.#directory = directory
    for (const link of this.#links.values()) link.addressChanged()
  }

  #linkContext(me: Identity, sharedBudget: FrameBudget): LinkContext {
    const { clock, random, logger } = this.#ports
    return {
      ...{ clock, random, me, sharedBudget, network: this.#network, options: this.#options },
      find: (id) => this.#find(id),
      onFrame: (channel, frame, from) => {
        this.#received.add(1)
        this.arrived(channel, frame, { id: from.id, generation: from.generation })
      },
      onSent: (frames) => this.#sent.add(frames),
      onDropped: (frames, peer, metNobody) => this.#lost(frames, peer, metNobody),
      onRefused: (peer, why) => this.#log.log('warn', REFUSALS[why], { peer }),
      onConnected: ({ id: peer, generation }) => {
        this.#connects.add(1)
        logger.log('info', 'connected to a peer', { peer, generation })
      },
      onDisconnected: ({ id: peer, generation }, why) => {
        logger.log('info', 'lost the connection to a peer', { peer, generation, why })
      },
      onDialFailed: (peer, failure, why) => {
        this.#log.log(LEVELS[failure] ?? 'warn', 'a peer cannot be connected', { peer, failure, why })
      },
      onConflict: (id, generation, why) => {
        this.#log.log('error', 'two processes claim one node id', { id, generation, why })
        this.conflict({ id, generation }, why)
      },
    }
  }

  #find(id: string): readonly TcpAddress[] {
    return this.#asked((directory) => directory.find(id)).flatMap((place) => {
      try {
        return [parseAddress(place)]
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
        // Only a table is checked before; the other places of the node still count, and the log says why this one does not.
        this.#log.log('error', 'the address of a peer is none', { peer: id, why: error.message })
        return []
      }
    })
  }

  /** A directory of somebody else that throws knows nobody just then: neither `send` nor a timer must break on it. */
  #asked(ask: (directory: PeerDirectory) => readonly string[]): readonly string[] {
    try {
      return ask(this.#directory)
    } catch (error) {
      this.#log.log('error', 'the directory of the peers has failed', { why: String(error) })
      return []
    }
  }

  protected override async join(signal: AbortSignal): Promise<void> {
    const { host, port, secret, tls, allowUnauthenticated } = this.#options
    if (!isLoopback(host) && secret === undefined && tls === undefined && !allowUnauthenticated) {
      throw new TcpUnprotectedError(host)
    }
    try {
      await this.#listen({ host, port }, signal)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      throw new TcpListenError(host, port, error)
    }
    this.#tick(this.#ports.clock.monotonicMs())
    this.connected()
  }

  async #listen(address: TcpAddress, signal: AbortSignal): Promise<void> {
    let listener: TcpListener | undefined
    listener = await this.#network.listen(
      address,
      {
        onSocket: (socket) => this.#reception.take(socket),
        onMissed: (why) => this.#log.log('error', 'a connection of somebody could not be taken', { why }),
        onLost: (why) => {
          if (listener !== undefined && listener === this.#listener) this.#lostListener(listener, why)
        },
      },
      signal,
    )
    this.#listener = listener
  }

  /** Nobody can reach this node any more: its network is gone, and it says so until it listens again, at the same address. */
  #lostListener(listener: TcpListener, why: string): void {
    this.#listener = undefined
    if (this.#stopped.signal.aborted) return
    this.#ports.logger.log('warn', 'the transport listens no more', { why })
    this.disconnected(why)
    this.#reception.clear()
    for (const link of this.#links.values()) link.abort('this node has no network')
    this.#listening = this.#listenAgain(listener.address)
  }

  async #listenAgain(address: TcpAddress): Promise<void> {
    const { clock, random, logger } = this.#ports
    const { signal } = this.#stopped
    let waitMs = this.#options.minReconnectWaitMs
    while (!signal.aborted) {
      try {
        await delay(clock, waitMs * (0.5 + random.float() / 2), signal)
        await this.#listen(address, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#log.log('warn', 'listening again failed, trying on', { why: (error as Error).message })
        waitMs = Math.min(2 * waitMs, this.#options.maxReconnectWaitMs)
        continue
      }
      logger.log('info', 'the transport listens again', { address: formatAddress(address) })
      for (const link of this.#links.values()) link.addressChanged()
      this.connected()
      return
    }
  }

  protected override transmit(to: Destination, channel: string, frame: Uint8Array, tag: number | undefined): boolean {
    if (this.connection !== 'connected') return this.#countDropped(1)
    if (this.isSelf(to)) return this.#local.push(channel, frame) || this.#countDropped(1)
    const link = this.#links.get(to.id)
    if ((link === undefined || link.unused) && (to.id === this.self.id || this.#find(to.id).length === 0)) {
      // An earlier or later life of this node, or a node that nobody has told us of.
      this.#countDropped(1)
      this.#report({ peer: to, channel, tag })
      return true
    }
    return this.#sendTo(to, { channel, frame, tag, isBroadcast: false })
  }

  protected override transmitToAll(channel: string, frame: Uint8Array): boolean {
    if (this.connection !== 'connected') return this.#countDropped(1)
    const targets = new Set(this.#asked((directory) => [...directory.ids()]))
    for (const link of this.#links.values()) if (link.connection !== undefined) targets.add(link.id)
    targets.delete(this.self.id)
    let taken = targets.size === 0
    const outgoing = { channel, frame, tag: undefined, isBroadcast: true }
    for (const id of targets) taken = this.#sendTo({ id }, outgoing) || taken
    return taken
  }

  #sendTo(to: Destination, outgoing: Omit<QueuedFrame, 'generation' | 'dials'>): boolean {
    const link = this.#linkTo(to.id)
    if (link?.send(to, outgoing) === true) return true
    if (link === undefined)
      this.#log.log('warn', 'there are as many peers as maxPeers allows; frames to others were dropped', {
        peer: to.id,
      })
    return this.#countDropped(1)
  }

  #countDropped(frames: number): false {
    this.#dropped.add(frames)
    return false
  }

  /** The link to a peer; `undefined` when there are as many as may be, all in use. */
  #linkTo(id: string): Link | undefined {
    const known = this.#links.get(id)
    if (known !== undefined) return known
    if (this.#links.size >= this.#options.maxPeers) {
      const unused = [...this.#links.values()].find((link) => link.unused)
      if (unused === undefined) return undefined
      this.#links.delete(unused.id)
    }
    const link = new Link(id, this.#context)
    this.#links.set(id, link)
    return link
  }

  #admit(caller: Caller, framed: FramedSocket): Admission {
    if (this.connection !== 'connected') return { admitted: false, refusal: 'stopping', generation: 0 }
    const link = this.#linkTo(caller.peer.id)
    return link === undefined ? { admitted: false, refusal: 'full', generation: 0 } : link.admit(caller, framed)
  }

  #turnedAway(failure: Failure, why: string, peer: string | undefined): void {
    if (failure === 'duplicate') return
    this.#refused.add(1)
    this.#log.log('warn', 'a connection was turned away', { failure, why, ...(peer === undefined ? {} : { peer }) })
  }

  #lost(frames: readonly QueuedFrame[], id: string, metNobody: boolean): void {
    this.#countDropped(frames.length)
    if (!metNobody) return
    for (const { generation, channel, tag, isBroadcast } of frames) {
      if (!isBroadcast) this.#report({ peer: generation === undefined ? { id } : { id, generation }, channel, tag })
    }
  }

  /** Never from inside `send`. */
  #report(absent: Absent): void {
    if (this.#reports.length >= MOST_REPORTS) return
    if (this.#reports.push(absent) > 1) return
    this.#ports.clock.afterIo(() => {
      const reports = this.#reports
      this.#reports = []
      for (const { peer, channel, tag } of reports) this.metNobody(peer, channel, tag)
    })
  }

  /**
   * Looks after the connections once an interval: in the turn after the timer, since a process that was blocked sees its timers before
   * what came in meanwhile, and not at all when the timer itself was late: then it was this process that gave no sign of life.
   */
  #tick(dueMs: number): void {
    const { clock } = this.#ports
    const { pingIntervalMs } = this.#options
    const late = clock.monotonicMs() - dueMs > pingIntervalMs / 2
    if (!late) for (const link of this.#links.values()) link.tick()
    const nextMs = clock.monotonicMs() + pingIntervalMs
    this.#ticking = clock.setTimer(pingIntervalMs, () => {
      this.#ticking = clock.afterIo(() => this.#tick(nextMs))
    })
  }

  protected override async leave(): Promise<void> {
    this.#stopped.abort()
    await this.#listening
    this.#listener?.close()
    this.#listener = undefined
    this.#reception.close()
    await this.#finishLinks()
    for (const link of this.#links.values()) link.abort('this node has stopped')
    this.#ticking?.cancel()
    this.#local.clear()
  }

  async #finishLinks(): Promise<void> {
    const { clock, logger } = this.#ports
    const timeoutMs = this.#options.stopTimeoutMs
    const onTimeout = (): Error => new Error(`a peer did not read all within ${timeoutMs} ms`)
    const pending = new Pending<void>({ clock, timeoutMs, onTimeout })
    void Promise.all([...this.#links.values()].map((link) => link.finish())).then(() => pending.resolve())
    try {
      await pending.promise
    } catch (error) {
      // Frames may be lost at any time; stopping goes on, and says so.
      logger.log('warn', 'stopped before all frames had left', { why: (error as Error).message })
    }
  }
}
