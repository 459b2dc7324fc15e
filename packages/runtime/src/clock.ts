/** A pending timer or deferred call. Cancelling twice, or after it fired, does nothing. */
export interface TimerHandle {
  cancel(): void
}

/**
 * The port for time. Nothing in dsys reads a clock or sets a timer in any other way, so a test can run a whole cluster
 * in virtual time.
 */
export interface Clock {
  /**
   * Milliseconds, fractional, since an arbitrary origin; never goes back. Use it for every duration and deadline.
   * Values of two processes cannot be compared.
   */
  monotonicMs(): number
  /** Milliseconds since the Unix epoch. May jump in both directions: for people to read, never for a decision. */
  wallMs(): number
  /**
   * Calls `callback` once, not before `delayMs` milliseconds (0 or more) have passed. Until then, or until it is cancelled,
   * a timer of the system clock keeps the process alive: a program that waits for something of dsys does not end early, and
   * a node that runs is like a server that listens. Whoever stops cancels its timers.
   */
  setTimer(delayMs: number, callback: () => void): TimerHandle
  /**
   * Calls `callback` once, after the input that has already arrived was delivered (one turn of the event loop).
   *
   * A process that was blocked sees its own timers before the bytes that came meanwhile, so whoever judges a peer by a
   * timer decides in here. It is also where work is batched: everything that one turn brought in is seen together.
   */
  afterIo(callback: () => void): TimerHandle
}
