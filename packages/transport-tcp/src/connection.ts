import type { Clock } from '@dsys/runtime'
import { MalformedError } from '@dsys/runtime/bytes'
import type { FrameQueue, QueuedFrame } from './frame-queue.ts'
import type { FramedSocket, SocketUser } from './framed-socket.ts'
import { encodeData, FRAME, type FrameType, HEADER_BYTES } from './frames.ts'
import type { Peer } from './handshake.ts'
import { decodeRefuse, encodeRefuse, type Refusal } from './messages.ts'

/** What a {@link Connection} tells. */
export interface ConnectionHandlers {
  readonly onFrame: (channel: string, frame: Uint8Array, from: Peer) => void
  readonly onSent: (frames: number) => void
  /** The peer says goodbye, and why: `stopping`, or what a refusal says. */
  readonly onBye: (refusal: Refusal | undefined, generation: number) => void
  /** It is over. Called once, whoever ended it. */
  readonly onClosed: (why: string) => void
}

/** As much is handed to the system at once. A frame larger than this goes alone. */
const BATCH_BYTES = 262_144
/** Signs of life are sent only while less than this waits in the socket. */
const MAX_SIGNS_BYTES = 65_536
/** So many turns of the ping timer without a sign of life, or without any progress in sending, end a connection. */
export const MOST_SILENT_TICKS = 3

/**
 * A connection to a peer that was proved. It takes frames from the queue of its link, as many at a time as the system takes; what it has
 * not taken yet stays in the queue, and outlives the connection.
 *
 * What one callback of the event loop sends leaves together when that callback ends, in one write: in a microtask, so that an
 * answer does not wait for the next turn. What is sent later in the same turn leaves at its end, so there are two writes a turn at most.
 */
export class Connection implements SocketUser {
  readonly peer: Peer
  /** How often the peer had dialled this node when the connection was agreed on. */
  readonly peerDials: number
  readonly sinceMs: number
  readonly #framed: FramedSocket
  readonly #clock: Clock
  readonly #queue: FrameQueue
  readonly #handlers: ConnectionHandlers
  #planned = false
  #wroteThisTurn = false
  #writing: readonly QueuedFrame[] | undefined
  /** Part of a frame was written, and the rest waits for that to be taken: no other frame may come between. */
  #amidFrame = false
  #leaving = false
  #closed = false
  #silentTicks = 0
  #stuckTicks = 0
  #progress = false
  /** Since the last turn of the ping timer: how many pongs came in, and whether one was sent. */
  #pongs = 0
  #ponged = false

  constructor(
    clock: Clock,
    framed: FramedSocket,
    to: { readonly peer: Peer; readonly peerDials: number; readonly maxFrameBytes: number },
    queue: FrameQueue,
    handlers: ConnectionHandlers,
  ) {
    this.#clock = clock
    this.#framed = framed
    this.peer = to.peer
    this.peerDials = to.peerDials
    this.sinceMs = clock.monotonicMs()
    this.#queue = queue
    this.#handlers = handlers
    framed.setLimit(to.maxFrameBytes)
    framed.use(this)
  }

  /** There is something in the queue. */
  wake(): void {
    if (this.#planned || this.#writing !== undefined || this.#closed) return
    this.#planned = true
    if (this.#wroteThisTurn) return
    queueMicrotask(() => this.#write())
    this.#wroteThisTurn = true
    this.#clock.afterIo(() => {
      this.#wroteThisTurn = false
      this.#write()
    })
  }

  #write(): void {
    if (!this.#planned) return
    this.#planned = false
    this.#writeBatch()
  }

  #writeBatch(): void {
    if (this.#writing !== undefined || this.#closed || this.#leaving) return
    if (this.#queue.length === 0) return
    // The peer has said goodbye, or has ended its side, and the socket is about to close: what waits is for the next connection.
    if (!this.#framed.socket.writable) return
    const batch = this.#queue.pull(BATCH_BYTES)
    this.#writing = batch
    this.#writeBlocks(batch, inPieces(encodeData(batch)))
  }

  /** Writes the first blocks, as many as make a batch, and the others when the system has taken those: that is progress too. */
  #writeBlocks(batch: readonly QueuedFrame[], blocks: readonly Uint8Array[]): void {
    const { socket } = this.#framed
    let count = 0
    let bytes = 0
    while (count < blocks.length && (count === 0 || bytes + (blocks[count]?.byteLength ?? 0) <= BATCH_BYTES)) {
      bytes += blocks[count++]?.byteLength ?? 0
    }
    this.#amidFrame = count < blocks.length
    const done = (error?: Error | null): void => this.#written(batch, blocks.slice(count), error)
    if (count === 1) socket.write(blocks[0] as Uint8Array, done)
    else {
      socket.cork()
      for (let i = 0; i < count; i++) socket.write(blocks[i] as Uint8Array, i === count - 1 ? done : undefined)
      socket.uncork()
    }
  }

  /** The system has taken all but `rest` of a batch, or the socket is gone, of which `onClosed` tells. */
  #written(batch: readonly QueuedFrame[], rest: readonly Uint8Array[], error: Error | null | undefined): void {
    const failed = error !== null && error !== undefined
    this.#progress = true
    if (rest.length > 0 && !failed) {
      this.#writeBlocks(batch, rest)
      return
    }
    this.#writing = undefined
    this.#queue.release(batch)
    if (failed) return
    this.#handlers.onSent(batch.length)
    this.#writeBatch()
  }

  onFrame(type: FrameType, channel: string, payload: Uint8Array): void {
    switch (type) {
      case FRAME.data:
        this.#handlers.onFrame(channel, payload, this.peer)
        break
      case FRAME.ping:
        this.#sendSign(FRAME.pong)
        break
      case FRAME.pong:
        this.#pongs++
        break
      case FRAME.bye: {
        const { refusal, generation } = decodeRefuse(payload)
        this.#framed.end('the peer said goodbye')
        this.#handlers.onBye(refusal, generation)
        break
      }
      default:
        throw new MalformedError(`a frame of type ${type} does not belong here`)
    }
  }

  onClosed(why: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#handlers.onClosed(why)
  }

  /**
   * Called once an interval. Ends the connection when nothing came in for {@link MOST_SILENT_TICKS} of them although the peer was asked,
   * or when it took nothing of what waits for it.
   *
   * A side that receives says so unasked, once an interval: the question of the other may stand in line behind megabytes that the system
   * has taken long ago, and a receiver may have nothing else to say. So a pong says that its sender has read something lately.
   */
  tick(): void {
    if (this.#closed) return
    const heardBytes = this.#framed.takeHeardBytes()
    // Invariant: a pong is never the reason for a pong, or two idle sides would answer each other for ever.
    if (heardBytes > this.#pongs * HEADER_BYTES && !this.#ponged) this.#sendSign(FRAME.pong)
    const waits = this.#writing !== undefined || this.#queue.length > 0
    const reads = this.#progress || this.#pongs > 0
    this.#stuckTicks = waits && !reads ? this.#stuckTicks + 1 : 0
    // While bytes are leaving, an answer may stand in line behind them.
    this.#silentTicks = heardBytes > 0 || (waits && this.#progress) ? 0 : this.#silentTicks + 1
    this.#progress = false
    this.#pongs = 0
    this.#ponged = false
    if (this.#stuckTicks >= MOST_SILENT_TICKS) this.close('the peer takes no more frames')
    else if (this.#silentTicks >= MOST_SILENT_TICKS) this.close('the peer gave no sign of life')
    else if (this.#silentTicks > 0) this.#sendSign(FRAME.ping)
  }

  /** What already stands in line is a sign of life too; and a peer that asks and never reads shall not fill our memory. */
  #sendSign(type: typeof FRAME.ping | typeof FRAME.pong): void {
    if (this.#amidFrame || this.#framed.socket.writableLength >= MAX_SIGNS_BYTES) return
    if (type === FRAME.pong) this.#ponged = true
    this.#framed.sendControl(type)
  }

  /** Says goodbye once all that waits has left; the peer closes when it has read it. */
  leave(): void {
    if (this.#closed || this.#leaving) return
    this.#leaving = true
    this.#framed.sendControl(FRAME.bye, encodeRefuse('stopping'))
    this.#framed.finish('this node stops')
  }

  /**
   * Says why this connection is not wanted any more, and closes it: when that is said. Whoever dismisses calls {@link Connection.close} after
   * a while, since a peer that is gone takes nothing.
   */
  dismiss(refusal: Refusal, generation: number): void {
    if (this.#closed) return
    this.#leaving = true
    if (!this.#amidFrame) this.#framed.sendControl(FRAME.bye, encodeRefuse(refusal, generation))
    this.#framed.end(`dismissed: ${refusal}`)
  }

  /** Whether all that was sent has been handed to the system. */
  get idle(): boolean {
    return this.#writing === undefined && this.#queue.length === 0
  }

  /** Ends it at once. Frames that are being written are lost. */
  close(why: string): void {
    if (this.#closed) return
    this.#framed.destroy(why)
    this.onClosed(why)
  }
}

/** The same bytes in blocks of {@link BATCH_BYTES} at most, without a copy. */
function inPieces(blocks: readonly Uint8Array[]): readonly Uint8Array[] {
  if (blocks.every(({ byteLength }) => byteLength <= BATCH_BYTES)) return blocks
  return blocks.flatMap((block) => {
    const pieces: Uint8Array[] = []
    for (let at = 0; at < block.byteLength; at += BATCH_BYTES) pieces.push(block.subarray(at, at + BATCH_BYTES))
    return pieces
  })
}
