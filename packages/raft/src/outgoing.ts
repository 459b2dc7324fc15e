import type { Buggify } from '@dsys/runtime'
import type { PeerAddress, Transport } from '@dsys/transport'
import { encodeFrame, FRAME_OVERHEAD_BYTES, type WireMessage, wireBytes } from './wire.ts'

/** What an {@link Outgoing} is told once. */
export interface OutgoingConfig {
  readonly maxFrameBytes: number
  /** The number by which the group knows this node and its disk; in every frame. */
  readonly incarnation: number
  readonly buggify: Buggify | undefined
}

/** Gathers the messages of one turn and sends those for the same peer together, in as few frames as the transport allows. */
export class Outgoing {
  readonly #transport: Transport
  readonly #channel: string
  readonly #maxFrameBytes: number
  readonly #incarnation: number
  readonly #buggify: Buggify | undefined
  readonly #byPeer = new Map<string, WireMessage[]>()
  #answers: { readonly to: PeerAddress; readonly messages: WireMessage[] }[] = []

  constructor(transport: Transport, channel: string, { maxFrameBytes, incarnation, buggify }: OutgoingConfig) {
    this.#buggify = buggify
    this.#transport = transport
    this.#channel = channel
    this.#maxFrameBytes = maxFrameBytes
    this.#incarnation = incarnation
  }

  add(to: string, message: WireMessage): void {
    const messages = this.#byPeer.get(to)
    if (messages === undefined) this.#byPeer.set(to, [message])
    else messages.push(message)
  }

  /**
   * Adds a message for one life of a node and no later one: what it answers is named by a number that means something else,
   * or nothing, to the next life.
   */
  answer(to: PeerAddress, message: WireMessage): void {
    const known = this.#answers.find(({ to: { id, generation } }) => id === to.id && generation === to.generation)
    if (known === undefined) this.#answers.push({ to, messages: [message] })
    else known.messages.push(message)
  }

  /**
   * Sends everything. What the transport drops is lost, as any frame may be: the protocol asks again. So it is with a
   * transport that was stopped before this node, which is no failure of the node.
   */
  flush(): void {
    if (this.#transport.connection !== 'closed') {
      let last: Encoded | undefined
      for (const [id, messages] of this.#byPeer) {
        // Followers at the same place get the same messages: their frames are encoded once.
        if (last === undefined || !areSame(last.messages, messages)) last = { messages, frames: this.#encode(messages) }
        for (const frame of last.frames) this.#transport.send({ id }, this.#channel, frame)
      }
      for (const { to, messages } of this.#answers) {
        for (const frame of this.#encode(messages)) this.#transport.send(to, this.#channel, frame)
      }
    }
    this.#byPeer.clear()
    if (this.#answers.length > 0) this.#answers = []
  }

  #encode(messages: readonly WireMessage[]): Uint8Array[] {
    const alone = this.#buggify?.('raft.small-frames') === true
    const frames: Uint8Array[] = []
    let batch: WireMessage[] = []
    let batchBytes = FRAME_OVERHEAD_BYTES
    for (const message of messages) {
      const bytes = wireBytes(message)
      if (batch.length > 0 && (alone || batchBytes + bytes > this.#maxFrameBytes)) {
        frames.push(encodeFrame(batch, this.#incarnation))
        batch = []
        batchBytes = FRAME_OVERHEAD_BYTES
      }
      batch.push(message)
      batchBytes += bytes
    }
    frames.push(encodeFrame(batch, this.#incarnation))
    return frames
  }
}

/** The messages of one peer, and their frames. */
interface Encoded {
  readonly messages: readonly WireMessage[]
  readonly frames: readonly Uint8Array[]
}

/** Whether these are the very same messages: equal ones may be different, but the same ones are equal. */
function areSame(some: readonly WireMessage[], others: readonly WireMessage[]): boolean {
  return some.length === others.length && some.every((message, i) => message === others[i])
}
