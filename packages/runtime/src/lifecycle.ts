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

  /**
   * Starts the part; a second call joins the first. Throws the signal's reason when cancelled, {@link NotRunningError}
   * after a stop, and otherwise what the hook threw. When cleaning up after that fails too, `stop` throws the second error.
   */
  start(options: StartOptions = {}): Promise<void> {
    if (this.#starting !== undefined && this.#state !== 'stopping' && this.#state !== 'stopped') return this.#starting
    if (this.#state !== 'new') return Promise.reject(new NotRunningError(this.#name, this.#state))
    this.#state = 'starting'
    const starting = deferred()
    // Known before the hook runs, which may call start or stop itself.
    this.#starting = starting.promise
    this.#start(options.signal).then(starting.resolve, starting.reject)
    return starting.promise
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    const cancel = (): void => this.#abortStart.abort(signal?.reason)
    signal?.addEventListener('abort', cancel, { once: true })
    if (signal?.aborted) cancel()
    try {
      this.#abortStart.signal.throwIfAborted()
      await this.#hooks.start({ signal: this.#abortStart.signal })
      this.#abortStart.signal.throwIfAborted()
      this.#state = 'running'
    } catch (error) {
      // The caller must learn why the start failed; a failing clean-up is told by stop(), which joins it.
      await this.#cleanUp().then(undefined, () => undefined)
      throw error
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** Stops the part; cancels a start under way first. Throws what the hook threw. */
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
    if (this.#cleaning === undefined) {
      const cleaning = deferred()
      this.#cleaning = cleaning.promise
      this.#runStopHook().then(cleaning.resolve, cleaning.reject)
    }
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

interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

function deferred(): Deferred {
  let resolve: () => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
