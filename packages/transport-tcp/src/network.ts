import type { Socket } from 'node:net'
import type { TcpAddress } from './address.ts'

/** What a listener tells. */
export interface ListenerHandlers {
  /** Somebody has connected; nothing is known of them. */
  readonly onSocket: (socket: Socket) => void
  /** Somebody could not be taken in, most often since this process has too many files open. It listens on. */
  readonly onMissed: (why: string) => void
  /** It listens no more, although nobody has closed it. Called once, and never after {@link TcpListener.close}. */
  readonly onLost: (why: string) => void
}

/** A port that is listened on. */
export interface TcpListener {
  readonly address: TcpAddress
  /** Takes nobody any more; sockets that are there stay. */
  close(): void
}

/** A socket under way. */
export interface Dialling {
  readonly socket: Socket
  /** Calls `use` once, when bytes can be sent; with TLS, when the certificate of the other is known to be good. */
  whenReady(use: () => void): void
}

/**
 * The sockets of a {@link TcpTransport}: those of Node.js. A port of its own so that tests can take the network away, cut it, or
 * let it hang.
 */
export interface TcpNetwork {
  /** Whether it proves to each side which certificate the other has. */
  readonly secure: boolean
  /** Throws what the system says, or the reason of `signal`. */
  listen(address: TcpAddress, handlers: ListenerHandlers, signal: AbortSignal): Promise<TcpListener>
  dial(address: TcpAddress): Dialling
  /** Makes of a socket that was accepted one to talk over; `use` is called once, or never where that fails. */
  accept(socket: Socket, use: (socket: Socket) => void): void
}
