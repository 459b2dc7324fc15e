import type { Clock, Random, TimerHandle } from '@dsys/runtime'
import { type Destination, FrameBudget } from '@dsys/transport'
import { formatAddress, type TcpAddress } from './address.ts'
import { Connection } from './connection.ts'
import { FrameQueue, type QueuedFrame } from './frame-queue.ts'
import { FramedSocket } from './framed-socket.ts'
import { type Admission, type Caller, Dial, type Failure, type Identity, type Peer } from './handshake.ts'
import type { Refusal } from './messages.ts'
import type { TcpNetwork } from './network.ts'
import { isSameLife, judge, type Life } from './one-connection.ts'
import type { CheckedOptions } from './options.ts'

/** What a link needs of the transport it belongs to. */
export interface LinkContext {
  readonly clock: Clock
  readonly random: Random
  readonly network: TcpNetwork
  readonly me: Identity
  readonly options: CheckedOptions
  /** For the frames of all peers. */
  readonly sharedBudget: FrameBudget
  /** Where it may listen; empty where nobody knows. */
  find(id: string): readonly TcpAddress[]
  onFrame(channel: string, frame: Uint8Array, from: Peer): void
  onSent(frames: number): void
  /** Frames were lost that had been taken. `metNobody` when it is known that no node got them. */
  onDropped(frames: readonly QueuedFrame[], peer: string, metNobody: boolean): void
  onConnected(peer: Peer): void
  onDisconnected(peer: Peer, why: string): void
  onDialFailed(peer: string, failure: Failure, why: string): void
  /** Frames were not taken, and why. */
  onRefused(peer: string, why: 'full' | 'too-large'): void
  /** Two processes claim the id of `life`. */
  onConflict(id: string, generation: number, why: string): void
}

/** Failures that say that the frames met nobody: somebody was asked, and there was no such life of the node. */
const MET_NOBODY: ReadonlySet<Failure> = new Set(['nobody', 'wrong-node', 'earlier-life', 'stopping'])
/** Failures that say that the peer is met, and is not elsewhere. */
const MET_THE_PEER: ReadonlySet<Failure> = new Set(['duplicate', 'conflict', 'full', 'stopping'])
/** While the peer dials us at the same time, and its dial is the one that stays, frames wait; but not for ever. */
const MOST_DUPLICATES = 4

/** All that stands between this node and one other: at most one connection, at most one dial, and the frames that wait. */
export class Link {
  readonly id: string
  readonly #context: LinkContext
  /** What the connection takes, once there is one. */
  readonly #queue: FrameQueue
  /** Frames for a later life of the peer than the one that is connected. */
  readonly #later: FrameQueue
  #connection: Connection | undefined
  /** Earlier ones that are told so. They are given until the next turn of the ping timer, which may be soon. */
  readonly #dismissed = new Set<Connection>()
  #dial: Dial | undefined
  #dials = 0
  /** An attempt is one dial to each place of the peer, until it is met: the number of the first of them, where the others go, and whether nobody was met so far. */
  #attempt = 0
  #further: readonly TcpAddress[] = []
  #metNobody = true
  /** Where the peer was met last. */
  #metAt: string | undefined
  #latest: Life | undefined
  #failures = 0
  #duplicates = 0
  #notBeforeMs = 0
  #retry: TimerHandle | undefined
  /** There once this node stops: called when nothing is left to do. */
  #onFinished: (() => void) | undefined

  constructor(id: string, context: LinkContext) {
    this.id = id
    this.#context = context
    const { maxQueuedFrames, maxQueuedBytes } = context.options
    const budget = new FrameBudget({ maxQueuedFrames, maxQueuedBytes })
    this.#queue = new FrameQueue(budget, context.sharedBudget)
    this.#later = new FrameQueue(budget, context.sharedBudget)
  }

  get connection(): Connection | undefined {
    return this.#connection
  }

  /** Nothing is lost when it is forgotten but which life of the peer was the last. */
  get unused(): boolean {
    const none = this.#connection === undefined && this.#dismissed.size === 0
    return none && this.#dial === undefined && this.#waiting === 0
  }

  get #waiting(): number {
    return this.#queue.length + this.#later.length
  }

  /** Takes a frame, or says false when there is no room. */
  send(
    { generation }: Destination,
    { channel, frame, tag, isBroadcast }: Omit<QueuedFrame, 'generation' | 'dials'>,
  ): boolean {
    const queued = { channel, frame, generation, tag, isBroadcast, dials: this.#dials }
    const peer = this.#connection?.peer
    if (peer === undefined) {
      if (!this.#queue.push(queued)) return this.#refuse('full')
      this.#ensureDial()
      return true
    }
    if (frame.byteLength > peer.maxFrameBytes) return this.#refuse('too-large')
    if (generation === undefined || generation === peer.generation) {
      if (!this.#queue.push(queued)) return this.#refuse('full')
      this.#connection?.wake()
    } else if (generation > peer.generation) {
      // The life that is connected may be gone without a word: somebody has heard of a later one.
      if (!this.#later.push(queued)) return this.#refuse('full')
      this.#ensureDial()
    } else this.#context.onDropped([queued], this.id, true)
    return true
  }

  #refuse(why: 'full' | 'too-large'): false {
    this.#context.onRefused(this.id, why)
    return false
  }

  /** The address of the peer may have changed: the next attempt need not wait. */
  addressChanged(): void {
    this.#failures = 0
    this.#notBeforeMs = 0
    if (this.#retry !== undefined) {
      this.#cancelRetry()
      this.#ensureDial()
    }
  }

  /** A node that has proved to be this peer wants to be connected. */
  admit({ peer, dial }: Caller, framed: FramedSocket): Admission {
    if (this.#onFinished !== undefined) return { admitted: false, refusal: 'stopping', generation: 0 }
    const established = this.#connection && { ...this.#connection.peer, dials: this.#connection.peerDials }
    const verdict = judge(
      { ...peer, dial },
      {
        self: this.#context.me.id,
        peer: this.id,
        latest: this.#latest,
        established,
        confirmed: this.#dial?.confirmed,
      },
    )
    if (verdict === 'accept' || verdict === 'replace') {
      return { admitted: true, dials: this.#dials, begin: () => this.#adopt(framed, peer, dial) }
    }
    if (verdict === 'conflict') {
      this.#context.onConflict(this.id, peer.generation, 'two processes have this id and this generation')
    }
    return { admitted: false, refusal: verdict, generation: this.#latest?.generation ?? 0 }
  }

  /** Called once an interval: see {@link Connection.tick}. */
  tick(): void {
    this.#closeDismissed()
    this.#connection?.tick()
  }

  /** Sends what waits, and says goodbye. Resolves when the peer has read it all, or is away. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.#onFinished = resolve
      this.#settle()
    })
  }

  /** Ends it at once, whatever waits. */
  abort(why: string): void {
    this.#closeDismissed()
    const connection = this.#connection
    // Not as one that was lost: that would be dialled again for the frames that wait.
    this.#connection = undefined
    this.#cancelRetry()
    this.#giveUpDial(why)
    this.#drop(false)
    if (connection === undefined) return
    connection.close(why)
    this.#context.onDisconnected(connection.peer, why)
  }

  /** Whoever took nothing until now is gone, and would keep the socket for as long as the system tries. */
  #closeDismissed(): void {
    for (const connection of this.#dismissed) connection.close('dismissed, and it did not go')
    this.#dismissed.clear()
  }

  #ensureDial(): void {
    if (this.#dial !== undefined || this.#retry !== undefined) return
    const waitMs = this.#notBeforeMs - this.#context.clock.monotonicMs()
    if (waitMs <= 0) this.#startAttempt()
    else {
      this.#retry = this.#context.clock.setTimer(waitMs, () => {
        this.#retry = undefined
        this.#startAttempt()
      })
    }
  }

  #cancelRetry(): void {
    this.#retry?.cancel()
    this.#retry = undefined
  }

  #startAttempt(): void {
    const places = this.#context.find(this.id)
    const isFirst = (place: TcpAddress): boolean => formatAddress(place) === this.#metAt
    const [first, ...further] = [...places.filter(isFirst), ...places.filter((place) => !isFirst(place))]
    this.#dials++
    this.#attempt = this.#dials
    this.#further = further
    this.#metNobody = true
    if (first === undefined) this.#dialFailed('nobody', 'its address is not known', 0)
    else this.#startDial(first)
  }

  #startDial(address: TcpAddress): void {
    const { clock, network, me, options } = this.#context
    const { socket, whenReady } = network.dial(address)
    const connected = this.#connection?.peer.generation
    const target = { id: this.id, wanted: connected === undefined ? 0 : connected + 1, dial: this.#dials }
    const dial: Dial = new Dial({ clock, timeoutMs: options.connectTimeoutMs }, me, new FramedSocket(socket), target, {
      onWelcome: (peer) => this.#refuseAsDialler(peer),
      onReady: (peer, framed, peerDials) => {
        this.#metAt = formatAddress(address)
        this.#adopt(framed, peer, peerDials)
      },
      onFailed: (failure, why, generation) => {
        if (this.#dial !== dial) return
        this.#dial = undefined
        this.#dialFailed(failure, why, generation)
      },
    })
    this.#dial = dial
    whenReady(() => dial.begin())
  }

  /** Why the one who answered is not the one to talk to. */
  #refuseAsDialler(peer: Peer): string | undefined {
    const latest = this.#latest
    if (latest === undefined || peer.generation > latest.generation || isSameLife(peer, latest)) return undefined
    if (peer.generation < latest.generation) return `its generation ${latest.generation} was seen already`
    if (this.#connection === undefined) return undefined
    this.#context.onConflict(this.id, peer.generation, 'two processes have this id and this generation')
    return 'another process with its id and generation is connected'
  }

  #dialFailed(failure: Failure, why: string, generation: number): void {
    const { me } = this.#context
    this.#context.onDialFailed(this.id, failure, why)
    if ((failure === 'stale' || failure === 'conflict') && generation >= me.generation) {
      this.#context.onConflict(me.id, generation, `${this.id} knows another process with the id of this node`)
    }
    this.#metNobody &&= MET_NOBODY.has(failure)
    if (this.#dialElsewhere(failure)) return
    this.#failed()
    // A frame that was sent after the dial began has not been answered by it: the peer may have come back meanwhile.
    const waits = failure === 'duplicate' && ++this.#duplicates < MOST_DUPLICATES
    if (this.#onFinished !== undefined) this.#drop(this.#metNobody)
    else if (!waits) this.#drop(this.#metNobody, ({ dials }) => dials < this.#attempt)
    if (this.#waiting > 0 && (this.#connection === undefined || this.#later.length > 0)) this.#ensureDial()
    this.#settle()
  }

  /** Goes on with the attempt at the next place of the peer, where there is one. */
  #dialElsewhere(failure: Failure): boolean {
    const [next, ...further] = this.#further
    if (next === undefined || MET_THE_PEER.has(failure) || this.#onFinished !== undefined) return false
    this.#further = further
    this.#dials++
    this.#startDial(next)
    return true
  }

  /** The next attempt waits, twice as long as it did after the failure before, and half of it at random. */
  #failed(): void {
    const { clock, random, options } = this.#context
    this.#failures++
    let waitMs = options.minReconnectWaitMs
    for (let i = 1; i < this.#failures && waitMs < options.maxReconnectWaitMs; i++) waitMs *= 2
    waitMs = Math.min(waitMs, options.maxReconnectWaitMs)
    this.#notBeforeMs = clock.monotonicMs() + waitMs * (0.5 + random.float() / 2)
  }

  /** Gives a dial up that is not needed any more; it is no failure. */
  #giveUpDial(why: string): void {
    const dial = this.#dial
    this.#dial = undefined
    dial?.fail('unreachable', why)
  }

  /** Takes a connection that both sides have agreed on. */
  #adopt(framed: FramedSocket, peer: Peer, peerDials: number): void {
    const earlier = this.#connection
    const dial = this.#dial
    this.#dial = undefined
    if (dial?.over === false) dial.fail('unreachable', 'the peer was faster')
    this.#cancelRetry()
    this.#latest = peer
    this.#duplicates = 0
    const { clock, options } = this.#context
    const to = { peer, peerDials, maxFrameBytes: options.maxFrameBytes }
    const connection: Connection = new Connection(clock, framed, to, this.#queue, {
      onFrame: (channel, frame, from) => this.#context.onFrame(channel, frame, from),
      onSent: (frames) => this.#sent(frames),
      onBye: (refusal, generation) => this.#byeFrom(refusal, generation),
      onClosed: (why) => this.#lost(connection, why),
    })
    this.#connection = connection
    this.#sortByLife(peer)
    if (earlier === undefined) this.#context.onConnected(peer)
    else this.#supersede(earlier, peer)
    connection.wake()
    if (this.#later.length > 0) this.#ensureDial()
    this.#settle()
  }

  /** The peer says that it has lost `earlier`, or a later life of it is there. */
  #supersede(earlier: Connection, peer: Peer): void {
    if (isSameLife(earlier.peer, peer)) earlier.close('the peer has connected anew')
    else {
      earlier.dismiss('stale', peer.generation)
      this.#dismissed.add(earlier)
    }
    this.#context.onDisconnected(earlier.peer, 'the peer has connected anew')
    this.#context.onConnected(peer)
  }

  /** Leaves in the queue what is for this life of the peer. */
  #sortByLife(peer: Peer): void {
    const isForOther = ({ generation }: QueuedFrame): boolean =>
      generation !== undefined && generation !== peer.generation
    const others = [...this.#queue.remove(isForOther), ...this.#later.remove(() => true)]
    const nobody: QueuedFrame[] = []
    const tooLarge: QueuedFrame[] = this.#queue.remove(({ frame }) => frame.byteLength > peer.maxFrameBytes)
    for (const frame of others) {
      if ((frame.generation ?? 0) < peer.generation) nobody.push(frame)
      else if (frame.generation === peer.generation) this.#queue.push(frame)
      else this.#later.push(frame)
    }
    if (nobody.length > 0) this.#context.onDropped(nobody, this.id, true)
    if (tooLarge.length === 0) return
    this.#context.onRefused(this.id, 'too-large')
    this.#context.onDropped(tooLarge, this.id, false)
  }

  #sent(frames: number): void {
    this.#context.onSent(frames)
    this.#settle()
  }

  #byeFrom(refusal: Refusal | undefined, generation: number): void {
    if (refusal !== 'stale') return
    this.#context.onConflict(this.#context.me.id, generation, `${this.id} is connected to a later life of this node`)
  }

  #lost(connection: Connection, why: string): void {
    if (this.#connection !== connection) return
    this.#connection = undefined
    const { clock, options } = this.#context
    // A connection that ends as soon as it begins is a failure as well.
    if (clock.monotonicMs() - connection.sinceMs >= options.maxReconnectWaitMs) {
      this.#failures = 0
      this.#notBeforeMs = 0
    } else this.#failed()
    this.#context.onDisconnected(connection.peer, why)
    if (this.#onFinished !== undefined) this.#drop(false)
    else if (this.#waiting > 0) this.#ensureDial()
    this.#settle()
  }

  /** Gives up what waits for a dial. */
  #drop(metNobody: boolean, leaves: (frame: QueuedFrame) => boolean = () => true): void {
    const lost = [...(this.#connection === undefined ? this.#queue.remove(leaves) : []), ...this.#later.remove(leaves)]
    if (lost.length > 0) this.#context.onDropped(lost, this.id, metNobody)
  }

  /** While this node stops: sees what is left to do. */
  #settle(): void {
    if (this.#onFinished === undefined || this.#dial !== undefined) return
    if (this.#retry !== undefined) {
      // Nobody was there just now; stopping does not wait for another try.
      this.#cancelRetry()
      this.#drop(false)
    }
    if (this.#connection === undefined) this.#onFinished()
    else if (this.#connection.idle) this.#connection.leave()
  }
}
