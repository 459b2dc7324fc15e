import type { PeerAddress } from '@dsys/transport'

/** A message of the application to all members, as a subscriber gets it. */
export interface Broadcast {
  readonly topic: string
  /** A copy for this member: nobody else sees what is done to it. */
  readonly payload: Uint8Array
  /** Who sent it, and which life of it. */
  readonly origin: PeerAddress
  /**
   * Grows by one with each broadcast of this life of the origin, whatever the topic: of two of one origin, the higher one was sent later.
   */
  readonly sequence: number
}

/** Options of one broadcast. */
export interface BroadcastOptions {
  /**
   * For how long it is passed on, in milliseconds, from 1,000 to 3,600,000: who was not reached by then does not get it any more. Default
   * 30,000.
   */
  readonly ttlMs?: number
}
