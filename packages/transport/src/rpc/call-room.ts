import { Pending, type PendingOptions } from '@dsys/runtime'

/** The limits of a {@link CallRoom}. Each is a whole number, 1 or more. */
export interface CallRoomLimits {
  readonly maxInFlight: number
  readonly maxInFlightPerPeer: number
  readonly maxWaiting: number
}

interface Waiter {
  readonly peer: string
  readonly admitted: Pending<void>
}

/**
 * Room for calls that are under way, in all and for each peer, so that one peer which hangs does not take it from the others. Who
 * waits for room gets it in the order in which they came, as far as their peers have any.
 */
export class CallRoom {
  readonly #limits: CallRoomLimits
  /** Invariant: the sum of `#byPeer`, which holds no zero. */
  #inAll = 0
  readonly #byPeer = new Map<string, number>()
  /** Invariant: none of them could be let in now. */
  readonly #waiting = new Set<Waiter>()

  constructor(limits: CallRoomLimits) {
    this.#limits = limits
  }

  /** Takes room for a call to `peer`, if there is any. */
  take(peer: string): boolean {
    const taken = this.#byPeer.get(peer) ?? 0
    if (this.#inAll >= this.#limits.maxInFlight || taken >= this.#limits.maxInFlightPerPeer) return false
    this.#inAll += 1
    this.#byPeer.set(peer, taken + 1)
    return true
  }

  /** Whether one more may wait. */
  get mayWait(): boolean {
    return this.#waiting.size < this.#limits.maxWaiting
  }

  /** Resolves once room for a call to `peer` is there and taken. When it rejects, none is. */
  async wait(peer: string, options: PendingOptions): Promise<void> {
    const waiter: Waiter = { peer, admitted: new Pending<void>(options) }
    this.#waiting.add(waiter)
    try {
      await waiter.admitted.promise
    } finally {
      this.#waiting.delete(waiter)
    }
  }

  /** Gives the room of a call back, to those who wait for it first. */
  leave(peer: string): void {
    const left = (this.#byPeer.get(peer) ?? 0) - 1
    if (left < 0) throw new Error(`more calls to ${JSON.stringify(peer)} ended than began`)
    this.#inAll -= 1
    if (left === 0) this.#byPeer.delete(peer)
    else this.#byPeer.set(peer, left)
    for (const waiter of this.#waiting) {
      if (this.#inAll >= this.#limits.maxInFlight) break
      // One whose time is over leaves by itself, and must not take any.
      if (waiter.admitted.settled || !this.take(waiter.peer)) continue
      this.#waiting.delete(waiter)
      waiter.admitted.resolve()
    }
  }
}
