import type { Transport } from '@dsys/transport'
import { encodeFrame, type WireMessage, wireBytes } from './wire.ts'

/** Gathers the messages of one turn and sends those for the same peer together, in as few frames as the transport allows. */
export class Outgoing {
  readonly #transport: Transport
  readonly #channel: string
  readonly #maxFrameBytes: number
  readonly #byPeer = new Map<string, WireMessage[]>()

  constructor(transport: Transport, channel: string, maxFrameBytes: number) {
    this.#transport = transport
    this.#channel = channel
    this.#maxFrameBytes = maxFrameBytes
  }

  add(to: string, message: WireMessage): void {
    const messages = this.#byPeer.get(to)
    if (messages === undefined) this.#byPeer.set(to, [message])
    else messages.push(message)
  }

  /** Sends everything. What the transport drops is lost, as any frame may be: the protocol asks again. */
  flush(): void {
    for (const [to, messages] of this.#byPeer) {
      let batch: WireMessage[] = []
      let batchBytes = 1
      for (const message of messages) {
        const bytes = wireBytes(message)
        if (batch.length > 0 && batchBytes + bytes > this.#maxFrameBytes) {
          this.#transport.send({ id: to }, this.#channel, encodeFrame(batch))
          batch = []
          batchBytes = 1
        }
        batch.push(message)
        batchBytes += bytes
      }
      if (batch.length > 0) this.#transport.send({ id: to }, this.#channel, encodeFrame(batch))
    }
    this.#byPeer.clear()
  }
}
