import { NotRunningError } from './errors.ts'

/** Options of every `start`. */
export interface StartOptions {
  /** Cancels the starting only; once started, the part runs until it is stopped. */
  readonly signal?: AbortSignal
}

/** A part that is started once, stopped once, and can be disposed in any state. */
export interface Service extends AsyncDisposable {
  start(options?: StartOptions): Promise<void>
  /** Graceful. Idempotent; joins a stop that runs already. */
  stop(): Promise<void>
}

/** Where a {@link Lifecycle} stands. */
export type LifecycleState = 'new' | 'starting' | 'running' | 'stopping' | 'stopped'

/** What a {@link Lifecycle} runs. */
export interface LifecycleHooks {
  /** Acquires what the part needs. When it throws, `stop` runs, and must cope with a half-started part. */
  readonly start: (options: { readonly signal: AbortSignal }) => Promise<void>
  /** Gives everything back. Called at most once. */
  readonly stop: () => Promise<void>
}

/**
 * The rules of start and stop, once for all parts: a part starts at most once, a failed or cancelled start cleans up,
 * stop waits for a start under way, and stopping twice joins the first stop.
 */
export class Lifecycle {
  readonly #name: string
  readonly #hooks: LifecycleHooks
  readonly #abortStart = new AbortController()
  #state: LifecycleState = 'new'
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #cleaning: Promise<void> | undefined

  /** @param name of the part, for error messages. */
  constructor(name: string, hooks: LifecycleHooks) {
    this.#name = name
    this.#hooks = hooks
  }

  get state(): LifecycleState {
    return this.#state
  }

  /** Throws {@link NotRunningError} unless the part runs. */
  assertRunning(): void {
    if (this.#state !== 'running') throw new NotRunningError(this.#name, this.#state)
  }

  /** Starts the part. Throws the signal's reason when cancelled, {@link NotRunningError} after a stop. */
  start(options: StartOptions = {}): Promise<void> {
    if (this.#state === 'stopping' || this.#state === 'stopped') {
      return Promise.reject(new NotRunningError(this.#name, this.#state))
    }
    this.#starting ??= this.#start(options.signal)
    return this.#starting
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    this.#state = 'starting'
    const cancel = (): void => this.#abortStart.abort(signal?.reason)
    signal?.addEventListener('abort', cancel, { once: true })
    if (signal?.aborted) cancel()
    try {
      this.#abortStart.signal.throwIfAborted()
      await this.#hooks.start({ signal: this.#abortStart.signal })
      this.#abortStart.signal.throwIfAborted()
      if (this.#state === 'starting') this.#state = 'running'
    } catch (error) {
      await this.#cleanUp()
      throw error
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** Stops the part; cancels a start under way first. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    if (this.#starting === undefined) {
      this.#state = 'stopped'
      return
    }
    if (this.#state === 'starting') {
      this.#abortStart.abort(new NotRunningError(this.#name, 'stopping'))
      // Whoever called start() is told of its failure; here only the end of it matters.
      await this.#starting.then(undefined, () => undefined)
    }
    await this.#cleanUp()
  }

  #cleanUp(): Promise<void> {
    this.#cleaning ??= this.#runStopHook()
    return this.#cleaning
  }

  async #runStopHook(): Promise<void> {
    this.#state = 'stopping'
    try {
      await this.#hooks.stop()
    } finally {
      this.#state = 'stopped'
    }
  }
}
