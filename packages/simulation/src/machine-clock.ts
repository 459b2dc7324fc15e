const ROUNDING_MS = 0.001

/** The clock of a simulated machine against the time of the simulation. */
export interface MachineClockOptions {
  /** What the monotonic clock shows at the start of the simulation. Default 0. */
  readonly monotonicMs?: number
  /** What the wall clock shows at the start of the simulation. Default 2020-01-01T00:00:00Z. */
  readonly wallMs?: number
  /** How many milliseconds it counts in one millisecond of the simulation. Default 1. */
  readonly rate?: number
}

/**
 * The clock of one machine: it may run fast or slow, and its wall clock may jump. It goes on over the lives of the
 * processes on it.
 */
export class MachineClock {
  readonly #nowMs: () => number
  #rate: number
  #sinceMs = 0
  #monotonicMs: number
  #wallOffsetMs: number

  /** @param nowMs the time of the simulation. */
  constructor(nowMs: () => number, options: MachineClockOptions = {}) {
    this.#nowMs = nowMs
    this.#rate = options.rate ?? 1
    this.#monotonicMs = options.monotonicMs ?? 0
    this.#wallOffsetMs = (options.wallMs ?? Date.UTC(2020, 0, 1)) - this.#monotonicMs
  }

  get rate(): number {
    return this.#rate
  }

  monotonicMs(): number {
    return this.#monotonicMs + (this.#nowMs() - this.#sinceMs) * this.#rate
  }

  wallMs(): number {
    return this.monotonicMs() + this.#wallOffsetMs
  }

  /** From now on it counts `rate` milliseconds in one of the simulation; more than 0. Processes on it must rearm. */
  setRate(rate: number): void {
    if (!(rate > 0)) throw new RangeError(`the rate of a clock is more than 0, got ${rate}`)
    this.#monotonicMs = this.monotonicMs()
    this.#sinceMs = this.#nowMs()
    this.#rate = rate
  }

  /** Moves the wall clock by `ms`, forward or back. The monotonic clock does not notice. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms
  }

  /** Moves the monotonic clock forward by `ms`, as a suspended machine does; the wall clock moves along. Processes on it must rearm. */
  jumpForward(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`a monotonic clock does not go back, got ${ms}`)
    this.#monotonicMs += ms
  }

  /** The first moment, in the time of the simulation, at which the monotonic clock shows `monotonicMs` or more. */
  simulationMs(monotonicMs: number): number {
    const atMs = this.#sinceMs + (monotonicMs - this.#monotonicMs) / this.#rate
    // Rounding must not wake a process before its timer is due: it would find nothing to do.
    return this.#monotonicMs + (atMs - this.#sinceMs) * this.#rate >= monotonicMs ? atMs : atMs + ROUNDING_MS
  }
}
