/** The signals by which a terminal, or whoever started this process, asks it to stop. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** One of {@link STOP_SIGNALS}. */
export type StopSignal = (typeof STOP_SIGNALS)[number]

/** What a {@link StopSignals} calls. */
export interface StopSignalsOptions {
  /** The first signal: stop gently. */
  readonly onFirst: (signal: StopSignal) => void
  /** One more: stop at once. */
  readonly onSecond: () => void
}

/**
 * Counts the signals that ask this process to stop.
 *
 * A terminal sends Ctrl-C to a whole process group, and a child belongs to ours until it has made its own. One that was about to do so
 * may die of the signal, and its death may be heard before the signal itself: then the death tells of the signal.
 */
export class StopSignals {
  readonly #options: StopSignalsOptions
  #heard = false
  /** A child told of this one, and it has not come here yet. */
  #onItsWay: StopSignal | undefined

  constructor(options: StopSignalsOptions) {
    this.#options = options
  }

  /** This process got `signal`. */
  received(signal: StopSignal): void {
    if (this.#onItsWay === signal) {
      this.#onItsWay = undefined
    } else if (this.#heard) {
      this.#options.onSecond()
    } else {
      this.#heard = true
      this.#options.onFirst(signal)
    }
  }

  /** Whether `error` says that a child died of such a signal while it started; if so, the signal counts as received. */
  toldBy(error: unknown): boolean {
    const signal = error instanceof Error && 'signal' in error ? error.signal : undefined
    const told = STOP_SIGNALS.find((one) => one === signal)
    if (told === undefined || this.#heard) return told !== undefined
    this.received(told)
    this.#onItsWay = told
    return true
  }
}
