import type { Service } from '@dsys/runtime'

/**
 * One life of a node: its id, and the generation of the process behind it. A later life has a higher generation, so a
 * frame meant for an earlier one is not mistaken for its own.
 */
export interface PeerAddress {
  /** 1 to 128 characters of any kind; unique in the cluster. */
  readonly id: string
  /** A whole number, 1 or more, that grows with each start of the node. */
  readonly generation: number
}

/** Where a frame goes: to a node whatever its generation, or to one life of it. */
export interface Destination {
  readonly id: string
  /** When given, the frame reaches this life of the node or nobody. */
  readonly generation?: number
}

/** What an adapter can do. Constant during its life. */
export interface TransportCapabilities {
  /** `broadcast` reaches every node that listens. Without it, `broadcast` throws. */
  readonly broadcast: boolean
  /** The transport itself can say that nobody is there: it reports `peer-absent` for a sent frame. */
  readonly fastNegative: boolean
  /** The largest frame that `send` takes, in bytes. */
  readonly maxFrameBytes: number
}

/**
 * How the connection of this node stands: never how a peer's does. It is `idle` until `start`, `disconnected` from then on
 * whenever there is none, and `closed` from `stop` on.
 */
export type ConnectionState = 'idle' | 'connected' | 'disconnected' | 'closed'

/** A fact about the transport of this node. */
export type TransportEvent =
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected'; readonly why: string }
  | { readonly type: 'closed' }
  /**
   * A frame to `peer` met nobody: no copy of it reached a node. Reported at most once a frame, and not for each one that
   * is lost. About the peer it is evidence, not proof: it may just be connecting. `tag` is that of the frame, where it had one.
   */
  | { readonly type: 'peer-absent'; readonly peer: Destination; readonly channel: string; readonly tag?: number }
  /**
   * Two processes claim the id of `peer`, which may be this node's own: they have the same generation, or the earlier life still runs.
   * Only adapters that talk to the other process itself can tell, and none is bound to.
   */
  | { readonly type: 'identity-conflict'; readonly peer: PeerAddress; readonly why: string }

/** Takes one frame. The bytes belong to the handler; the transport does not touch them again. */
export type FrameHandler = (frame: Uint8Array, from: PeerAddress) => void

/**
 * The port between dsys and a network: frames of bytes, addressed to a node on a channel, at most once.
 *
 * A frame may be lost, duplicated, delayed without limit and reordered; it is never altered or cut. Nothing here waits
 * for a peer, and sending never throws because a peer is away. Handlers are called one at a time, never from inside
 * `send`, and must not throw.
 */
export interface Transport extends Service {
  readonly self: PeerAddress
  readonly capabilities: TransportCapabilities
  readonly connection: ConnectionState

  /**
   * Hands `frame` to the network. The bytes must not be written to again, by nobody: they may be sent once more, also to another node.
   *
   * @param channel 1 to 64 characters of `a-z 0-9 -`; separates the protocols that share a transport.
   * @param tag names this frame in a `peer-absent` event, for a sender that has to know which of its frames met nobody: a whole number, 0 or
   *   more, that no other frame of this channel has. Whoever gets the frame does not see it. Default: none.
   * @returns false when the frame was dropped on this side: not connected, or the queue to the network is full.
   * @throws FrameTooLargeError (`DSYS_TRANSPORT_FRAME_TOO_LARGE`), NotRunningError (`DSYS_NOT_RUNNING`).
   */
  send(to: Destination, channel: string, frame: Uint8Array, tag?: number): boolean

  /**
   * Hands `frame` to every other node that listens on `channel`. Same rules as {@link Transport.send}; throws
   * BroadcastUnsupportedError (`DSYS_TRANSPORT_NO_BROADCAST`) where `capabilities.broadcast` is false.
   */
  broadcast(channel: string, frame: Uint8Array): boolean

  /**
   * Takes the frames of `channel`, also before `start`. One handler a channel; a second one throws
   * ChannelTakenError (`DSYS_TRANSPORT_CHANNEL_TAKEN`). Returns the function that ends it.
   */
  listen(channel: string, handler: FrameHandler): () => void

  /** Calls `handler` for each event until the returned function is called. It must not throw. */
  observe(handler: (event: TransportEvent) => void): () => void
}
