import {
  assertFrameFits,
  BroadcastUnsupportedError,
  type ConnectionState,
  type Destination,
  type FrameHandler,
  type PeerAddress,
  type Transport,
  type TransportCapabilities,
  type TransportEvent,
} from '@dsys/transport'
import type { HostChannel } from './host-channel.ts'
import { GROUP_OVERHEAD_BYTES } from './host-wire.ts'

/** The transport as one group sees it: its frames go over the channel that all groups share, whatever channel it names. */
export class GroupTransport implements Transport {
  readonly capabilities: TransportCapabilities
  readonly #transport: Transport
  readonly #channel: HostChannel
  readonly #group: string

  constructor(transport: Transport, channel: HostChannel, group: string) {
    this.#transport = transport
    this.#channel = channel
    this.#group = group
    const { capabilities } = transport
    const maxFrameBytes = capabilities.maxFrameBytes - GROUP_OVERHEAD_BYTES
    this.capabilities = { ...capabilities, broadcast: false, maxFrameBytes }
  }

  get self(): PeerAddress {
    return this.#transport.self
  }

  get connection(): ConnectionState {
    return this.#transport.connection
  }

  /** Leaves at the end of the turn. */
  send(to: Destination, _channel: string, frame: Uint8Array): boolean {
    assertFrameFits(frame, this.capabilities.maxFrameBytes)
    this.#channel.add(to.id, { type: 'group-frame', group: this.#group, generation: to.generation, frame })
    return this.connection === 'connected'
  }

  broadcast(): boolean {
    throw new BroadcastUnsupportedError()
  }

  listen(_channel: string, handler: FrameHandler): () => void {
    return this.#channel.listen(this.#group, handler)
  }

  observe(handler: (event: TransportEvent) => void): () => void {
    return this.#transport.observe(handler)
  }

  /** The transport is not the group's to start or to stop. */
  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
