import type { Counter, Logger, Meter } from '@dsys/runtime'
import type { FrameHandler, PeerAddress, Transport } from '@dsys/transport'
import { MalformedError } from '../bytes.ts'
import {
  decodeHostFrame,
  encodeHostFrame,
  HOST_FRAME_OVERHEAD_BYTES,
  type HostMessage,
  hostBytes,
} from './host-wire.ts'

/** The channel of all groups of a node. */
export const CHANNEL = 'raft'

/** What a {@link HostChannel} works with. */
export interface HostChannelParts {
  readonly transport: Transport
  readonly logger: Logger
  readonly meter: Meter
  /** There is something to send: {@link HostChannel.flush} is to be called at the end of this turn. */
  readonly wanted: () => void
  /** Takes what the host of a peer says of itself. */
  readonly receive: (from: PeerAddress, message: Exclude<HostMessage, { type: 'group-frame' }>) => void
}

/** One channel of the transport for all groups: what they send to one peer in one turn leaves in one frame, as far as one holds it. */
export class HostChannel {
  readonly #parts: HostChannelParts
  readonly #handlers = new Map<string, FrameHandler>()
  readonly #queued = new Map<string, HostMessage[]>()
  readonly #frames: Counter
  readonly #unknown: Counter
  readonly #malformed: Counter
  #dropped = 0
  #unlisten: (() => void) | undefined

  constructor(parts: HostChannelParts) {
    this.#parts = parts
    const { meter } = parts
    this.#frames = meter.counter('dsys_raft_groups_frames_sent', { description: 'frames with messages of many groups' })
    const dropped = (why: string): Counter =>
      meter.counter('dsys_raft_groups_dropped', { description: 'what came and was dropped', labels: { why } })
    this.#unknown = dropped('unknown-group')
    this.#malformed = dropped('malformed')
  }

  /** Frames that came for groups that this node has not, and frames that could not be read. */
  get dropped(): number {
    return this.#dropped
  }

  /** Begins to take frames. */
  begin(): void {
    this.#unlisten = this.#parts.transport.listen(CHANNEL, (frame, from) => this.#receive(frame, from))
  }

  end(): void {
    this.#unlisten?.()
    this.#queued.clear()
  }

  /** Takes the frames of `group` until the returned function is called. */
  listen(group: string, handler: FrameHandler): () => void {
    this.#handlers.set(group, handler)
    return () => {
      if (this.#handlers.get(group) === handler) this.#handlers.delete(group)
    }
  }

  /** Sends `message` with what else goes to this peer in this turn. */
  add(to: string, message: HostMessage): void {
    const queued = this.#queued.get(to)
    if (queued !== undefined) {
      queued.push(message)
      return
    }
    this.#queued.set(to, [message])
    this.#parts.wanted()
  }

  /** Sends what was added. What the transport drops is lost, as any frame may be; so is all, once the transport was stopped. */
  flush(): void {
    if (this.#queued.size === 0) return
    const queued = [...this.#queued]
    // First, so that a frame that the transport refuses is not refused again in every turn.
    this.#queued.clear()
    if (this.#parts.transport.connection === 'closed') return
    for (const [to, messages] of queued) this.#send(to, messages)
  }

  #send(to: string, messages: readonly HostMessage[]): void {
    const { maxFrameBytes } = this.#parts.transport.capabilities
    let from = 0
    let bytes = HOST_FRAME_OVERHEAD_BYTES
    for (let i = 0; i <= messages.length; i++) {
      const message = messages[i]
      const more = message === undefined ? 0 : hostBytes(message)
      if (i > from && (message === undefined || bytes + more > maxFrameBytes)) {
        this.#parts.transport.send({ id: to }, CHANNEL, encodeHostFrame(messages.slice(from, i)))
        this.#frames.add(1)
        from = i
        bytes = HOST_FRAME_OVERHEAD_BYTES
      }
      bytes += more
    }
  }

  #receive(frame: Uint8Array, from: PeerAddress): void {
    const { logger, transport, receive } = this.#parts
    let messages: HostMessage[]
    try {
      messages = decodeHostFrame(frame)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.#dropped++
      this.#malformed.add(1)
      logger.log('warn', 'a frame was dropped that cannot be read', { from: from.id, error })
      return
    }
    for (const message of messages) {
      if (message.type !== 'group-frame') receive(from, message)
      else if ((message.generation ?? transport.self.generation) === transport.self.generation) {
        this.#deliver(message.group, message.frame, from)
      }
    }
  }

  #deliver(group: string, frame: Uint8Array, from: PeerAddress): void {
    const handler = this.#handlers.get(group)
    if (handler !== undefined) {
      handler(frame, from)
      return
    }
    this.#dropped++
    this.#unknown.add(1)
  }
}
