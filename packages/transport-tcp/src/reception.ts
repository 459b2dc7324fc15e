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
 * The sockets that have connected and not proved yet who they are. There are `maxHandshakes` at most: one more closes another one of the
 * address with the most of them, the one that has taken longest. A node of the cluster is done in a moment, so whoever wants to keep it
 * out has to be faster than that, and from the same address.
 */
export class Reception {
  readonly #context: ReceptionContext
  /** In the order in which they came, each with the address it came from. */
  readonly #waiting = new Map<Socket, string>()
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
    if (this.#waiting.size >= maxHandshakes) this.#makeRoom()
    const from = socket.remoteAddress ?? 'an address that is not known any more'
    this.#waiting.set(socket, from)
    const sinceMs = clock.monotonicMs()
    // Until the network has made something of the socket nobody else minds the time: TLS only tells that it took too long.
    const deadline = clock.setTimer(timeoutMs, () => {
      this.#waiting.delete(socket)
      socket.destroy()
      this.#context.onRefused('unreachable', `no connection came of it within ${timeoutMs} ms, from ${from}`, undefined)
    })
    let isReady = false
    socket.once('close', () => {
      deadline.cancel()
      // As soon as one can talk over it, whoever does so tells what becomes of it.
      if (!this.#waiting.delete(socket) || isReady) return
      this.#context.onRefused('unreachable', `it proved no certificate that is believed, from ${from}`, undefined)
    })
    network.accept(socket, (ready) => {
      deadline.cancel()
      isReady = true
      if (this.#closed || socket.destroyed) {
        ready.destroy()
        return
      }
      // One deadline for all of it: TLS has taken its part.
      const leftMs = Math.max(1, timeoutMs - (clock.monotonicMs() - sinceMs))
      new Acceptance({ clock, timeoutMs: leftMs }, me, new FramedSocket(ready), {
        onCaller: (caller, framed) => this.#context.onCaller(caller, framed),
        onFailed: (failure, reason, id) => {
          this.#context.onRefused(failure, id === undefined ? `${reason}, from ${from}` : reason, id)
        },
        onOver: () => this.#waiting.delete(socket),
      })
    })
  }

  #makeRoom(): void {
    const counts = new Map<string, number>()
    let most = 0
    for (const from of this.#waiting.values()) {
      const count = (counts.get(from) ?? 0) + 1
      counts.set(from, count)
      most = Math.max(most, count)
    }
    for (const [socket, from] of this.#waiting) {
      if (counts.get(from) !== most) continue
      this.#waiting.delete(socket)
      socket.destroy()
      this.#context.onRefused(
        'full',
        `too many connections that have not proved who they are, most from ${from}`,
        undefined,
      )
      return
    }
  }

  /** Turns everybody away who waits, and whoever comes. */
  close(): void {
    this.#closed = true
    this.clear()
  }

  /** Turns everybody away who waits. */
  clear(): void {
    for (const socket of this.#waiting.keys()) socket.destroy()
    this.#waiting.clear()
  }
}
