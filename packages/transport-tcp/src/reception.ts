import type { Socket } from 'node:net'
import type { Clock } from '@dsys/runtime'
import { FramedSocket } from './framed-socket.ts'
import { Acceptance, type Admission, type Caller, type Failure, type Identity } from './handshake.ts'
import type { TcpNetwork } from './network.ts'

/** What a {@link Reception} needs. */
export interface ReceptionContext {
  readonly clock: Clock
  readonly network: TcpNetwork
  readonly me: Identity
  readonly maxHandshakes: number
  readonly timeoutMs: number
  onCaller(caller: Caller, framed: FramedSocket): Admission
  onRefused(failure: Failure, why: string, id: string | undefined): void
}

/**
 * The sockets that have connected and not proved yet who they are. There are `maxHandshakes` at most: one more closes the one that
 * has taken longest, since a node of the cluster is done in a moment, and whoever wants to keep it out has to be faster than that.
 */
export class Reception {
  readonly #context: ReceptionContext
  /** In the order in which they came. */
  readonly #waiting = new Set<Socket>()
  #closed = false

  constructor(context: ReceptionContext) {
    this.#context = context
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size
  }

  /** Takes a socket in. */
  take(socket: Socket): void {
    // `close` follows, and tells all there is to tell.
    socket.on('error', () => undefined)
    const { maxHandshakes, clock, network, me, timeoutMs } = this.#context
    if (this.#closed) {
      socket.destroy()
      return
    }
    for (const oldest of this.#waiting) {
      if (this.#waiting.size < maxHandshakes) break
      this.#waiting.delete(oldest)
      oldest.destroy()
      this.#context.onRefused('full', 'too many connections that have not proved who they are', undefined)
    }
    this.#waiting.add(socket)
    // Until the network has made something of the socket nobody else minds the time: TLS only tells that it took too long.
    const deadline = clock.setTimer(timeoutMs, () => {
      socket.destroy()
      this.#context.onRefused('unreachable', `no connection came of it within ${timeoutMs} ms`, undefined)
    })
    socket.once('close', () => {
      deadline.cancel()
      this.#waiting.delete(socket)
    })
    network.accept(socket, (ready) => {
      deadline.cancel()
      if (this.#closed || socket.destroyed) {
        ready.destroy()
        return
      }
      new Acceptance({ clock, timeoutMs }, me, new FramedSocket(ready), {
        onCaller: (caller, framed) => this.#context.onCaller(caller, framed),
        onFailed: (failure, why, id) => this.#context.onRefused(failure, why, id),
        onOver: () => this.#waiting.delete(socket),
      })
    })
  }

  /** Turns everybody away who waits, and whoever comes. */
  close(): void {
    this.#closed = true
    this.clear()
  }

  /** Turns everybody away who waits. */
  clear(): void {
    for (const socket of this.#waiting) socket.destroy()
    this.#waiting.clear()
  }
}
