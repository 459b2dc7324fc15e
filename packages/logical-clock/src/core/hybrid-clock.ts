import { BoundNotReservedError, ClockAheadError, RemoteAheadError } from '../errors.ts'
import { type HybridClockOptions, resolveHybridClock } from '../options.ts'
import { checkActorId } from './actor.ts'
import { checkTimestamp, type HybridTimestamp, MAX_TIMESTAMP_COUNTER, MAX_TIMESTAMP_MS } from './hybrid-timestamp.ts'

/**
 * Time that follows the wall clock as far as it can, and never goes back: what a node does is after all that it has done and heard of. It is told the wall
 * time, and has no clock inside. Its state changes in place, so an event allocates nothing: read `ms` and `counter` behind `tick` or `observe`.
 *
 * **It survives a restart with an earlier wall clock** by a bound that is durable: it gives no time that is not below the bound. Before the first event, and
 * whenever `reservation` gives one, make that bound durable and then call `reserved`; a bound lies `reserveMs` ahead, so that happens a few times a second at
 * most. Pass the durable bound to the next life: it begins there.
 *
 * Source: S. Kulkarni, M. Demirbas, D. Madappa, B. Avva, M. Leone, "Logical Physical Clocks", OPODIS 2014, algorithm 1; the bound is that of CockroachDB.
 */
export class HybridClock {
  readonly node: string
  readonly #maxOffsetMs: number
  readonly #reserveMs: number
  #ms: number
  #counter: number
  /** No time at or above this is given; what is durable is never less. */
  #boundMs: number

  /**
   * @param boundMs what the last life of this node made durable; `undefined` only where there was none.
   * Throws RangeError for options out of their range.
   */
  constructor(node: string, boundMs: number | undefined, options: HybridClockOptions = {}) {
    const { maxOffsetMs, reserveMs } = resolveHybridClock(options)
    checkTimestamp(boundMs ?? 0, 0)
    this.node = checkActorId(node)
    this.#maxOffsetMs = maxOffsetMs
    this.#reserveMs = reserveMs
    // All that was given is below the bound, so what comes at it, with a counter above 0, is later.
    this.#ms = boundMs ?? 0
    this.#counter = 0
    this.#boundMs = boundMs ?? 0
  }

  /** The time of the last event, in milliseconds since the Unix epoch. */
  get ms(): number {
    return this.#ms
  }

  /** The counter of the last event. */
  get counter(): number {
    return this.#counter
  }

  /** What is reserved: the time of every event lies below. */
  get boundMs(): number {
    return this.#boundMs
  }

  /** The last event as a value. Behind `tick` or `observe` alone: before, it is none. */
  timestamp(): HybridTimestamp {
    return { ms: this.#ms, counter: this.#counter, node: this.node }
  }

  /** By how much this clock is ahead of the wall clock, which was set back, or lies behind that of others; below 0 while no event came lately. */
  aheadMs(wallMs: number): number {
    return this.#ms - Math.floor(wallMs)
  }

  /**
   * The bound to make durable next, in milliseconds; `undefined` while more than half of what was reserved is left. Nothing else may
   * be written in its place meanwhile: a durable bound never falls.
   */
  reservation(wallMs: number): number | undefined {
    const nowMs = Math.max(Math.floor(wallMs), this.#ms)
    if (this.#boundMs - nowMs > this.#reserveMs / 2) return undefined
    // At least two milliseconds above, for a clock far ahead of the wall: it goes on by counting.
    const boundMs = Math.max(Math.floor(wallMs) + this.#reserveMs, this.#ms + 2)
    return boundMs > this.#boundMs ? Math.min(boundMs, MAX_TIMESTAMP_MS) : undefined
  }

  /** `boundMs` is durable: call it with what `reservation` gave, and not before. */
  reserved(boundMs: number): void {
    checkTimestamp(boundMs, 0)
    this.#boundMs = Math.max(this.#boundMs, boundMs)
  }

  /**
   * A local event, or a message that is sent: `ms` and `counter` are its time, later than all before.
   *
   * @throws BoundNotReservedError (`DSYS_CLOCK_NOT_RESERVED`) when the time is not below what was reserved.
   * @throws ClockAheadError (`DSYS_CLOCK_AHEAD`) when it would be more than `maxOffsetMs` ahead of the wall clock, so that others would refuse it.
   * @throws RangeError for a wall time that is none. Whatever is thrown, nothing has changed.
   */
  tick(wallMs: number): void {
    const nowMs = wholeMs(wallMs)
    if (nowMs > this.#ms) this.#advance(nowMs, 0, nowMs)
    else this.#advance(this.#ms, this.#counter + 1, nowMs)
  }

  /**
   * A message that arrives with the time of its sending: the time here is later than both. Nothing is taken from a remote clock that is more than
   * `maxOffsetMs` ahead of the wall clock here: one node with a wrong clock would else take all others along, for good.
   *
   * @throws RemoteAheadError (`DSYS_CLOCK_REMOTE_AHEAD`) for such a message. It has to be dropped, or answered with the error.
   * @throws what {@link tick} throws, and RangeError for what is no timestamp. Whatever is thrown, nothing has changed.
   */
  observe(remoteMs: number, remoteCounter: number, wallMs: number): void {
    checkTimestamp(remoteMs, remoteCounter)
    const nowMs = wholeMs(wallMs)
    if (!(remoteMs - nowMs <= this.#maxOffsetMs)) throw new RemoteAheadError(remoteMs, nowMs, this.#maxOffsetMs)
    const latestMs = Math.max(this.#ms, remoteMs)
    if (nowMs > latestMs) this.#advance(nowMs, 0, nowMs)
    else if (this.#ms === remoteMs) this.#advance(latestMs, Math.max(this.#counter, remoteCounter) + 1, nowMs)
    else this.#advance(latestMs, (this.#ms > remoteMs ? this.#counter : remoteCounter) + 1, nowMs)
  }

  #advance(ms: number, counter: number, nowMs: number): void {
    // A counter that is full goes on in the next millisecond, which is later as well.
    const isFull = counter > MAX_TIMESTAMP_COUNTER
    const nextMs = isFull ? ms + 1 : ms
    if (nextMs - nowMs > this.#maxOffsetMs) throw new ClockAheadError(nextMs, nowMs, this.#maxOffsetMs)
    if (nextMs >= this.#boundMs) throw new BoundNotReservedError(nextMs, this.#boundMs)
    this.#ms = nextMs
    this.#counter = isFull ? 0 : counter
  }
}

function wholeMs(wallMs: number): number {
  if (wallMs >= 0 && wallMs <= MAX_TIMESTAMP_MS) return Math.floor(wallMs)
  throw new RangeError(`a wall time is from 0 to 2^48 - 1 milliseconds, got ${wallMs}`)
}
