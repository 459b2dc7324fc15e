import type { Container } from './container.ts'
import { WiringError } from './errors.ts'
import type { Token } from './token.ts'

/** Registers the parts of one package in a scope. */
export type Module = (scope: NodeScope) => void

/** Builds one part. It gets what it needs from the scope before it returns, so build order is dependency order. */
export type Factory<T> = (scope: NodeScope) => T

/** Options of {@link NodeScope.start}. */
export interface ScopeStartOptions {
  /** Cancels the starting; what had started by then is disposed. */
  readonly signal?: AbortSignal
}

interface Startable {
  start(options: { readonly signal?: AbortSignal }): Promise<void>
}

interface BuiltPart {
  readonly name: string
  readonly value: unknown
}

const isStartable = (value: unknown): value is Startable =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Startable>).start === 'function'

const isAsyncDisposable = (value: unknown): value is AsyncDisposable =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<AsyncDisposable>)[Symbol.asyncDispose] === 'function'

const isDisposable = (value: unknown): value is Disposable =>
  typeof value === 'object' && value !== null && typeof (value as Partial<Disposable>)[Symbol.dispose] === 'function'

/**
 * The parts of one node: built on demand, started in dependency order, disposed in reverse.
 *
 * Each scope takes a container of its own (`container.createChildContainer()` of tsyringe), so many nodes live in one
 * process and share nothing. A part is built once; registering its token again before that replaces it.
 */
export class NodeScope implements AsyncDisposable {
  readonly #container: Container
  readonly #tokens: Token<unknown>[] = []
  readonly #built = new Map<symbol, BuiltPart>()
  readonly #building: Token<unknown>[] = []
  readonly #abortStart = new AbortController()
  #state: 'open' | 'started' | 'disposed' = 'open'
  /** The part that starts right now, and the end of its start. */
  #starting: { readonly part: BuiltPart; readonly settled: Promise<void> } | undefined
  #disposing: Promise<void> | undefined

  constructor(container: Container) {
    this.#container = container
  }

  /** Runs `modules` in the order given. Returns this scope. */
  use(...modules: readonly Module[]): this {
    for (const module of modules) module(this)
    return this
  }

  /**
   * Says how the part named by `token` is built. The last registration wins.
   * Throws {@link WiringError} (`DSYS_DI_STATE`) when the part is built already.
   */
  register<T>(token: Token<T>, factory: Factory<T>): this {
    if (this.#built.has(token.symbol) || this.#state !== 'open') {
      const why = this.#state === 'open' ? 'it is built already' : `this scope is ${this.#state}`
      throw new WiringError(
        'DSYS_DI_STATE',
        `cannot register ${token.name}: ${why}`,
        'Register every part before the first get() or start().',
        [],
      )
    }
    if (!this.#tokens.some((known) => known.symbol === token.symbol)) this.#tokens.push(token)
    this.#container.register(token.symbol, { useFactory: () => this.#build(token, factory) })
    return this
  }

  /** Whether `token` has been registered here or in a container above. */
  has(token: Token<unknown>): boolean {
    return this.#container.isRegistered(token.symbol, true)
  }

  /**
   * The part named by `token`, built now if it was not yet. Throws {@link WiringError}: `DSYS_DI_MISSING` with the path
   * that asked for it, `DSYS_DI_CYCLE` when a part needs itself, `DSYS_DI_STATE` after disposal.
   */
  get<T>(token: Token<T>): T {
    const path = [...this.#building.map((part) => part.name), token.name]
    if (this.#state === 'disposed') {
      throw new WiringError(
        'DSYS_DI_STATE',
        `cannot get ${token.name}: this scope is disposed`,
        'Make a new scope.',
        path,
      )
    }
    const known = this.#built.get(token.symbol)
    if (known !== undefined) return known.value as T
    if (this.#building.some((part) => part.symbol === token.symbol)) {
      throw new WiringError(
        'DSYS_DI_CYCLE',
        `${path.join(' -> ')} is a cycle`,
        'Let one of these parts take the other later, by an event or a handler.',
        path,
      )
    }
    if (!this.has(token)) {
      const asked = path.length > 1 ? `, asked for by ${path.slice(0, -1).join(' -> ')}` : ''
      throw new WiringError(
        'DSYS_DI_MISSING',
        `nothing provides ${token.name}${asked}`,
        `Add a module that registers ${token.name} to use(...).`,
        path,
      )
    }
    return this.#container.resolve(token.symbol) as T
  }

  #build<T>(token: Token<T>, factory: Factory<T>): T {
    const known = this.#built.get(token.symbol)
    if (known !== undefined) return known.value as T
    this.#building.push(token)
    try {
      const value = factory(this)
      this.#built.set(token.symbol, { name: token.name, value })
      return value
    } finally {
      this.#building.pop()
    }
  }

  /**
   * Builds every registered part and starts those that can be started, in dependency order. When one fails, or the
   * signal aborts, all is disposed and the error thrown; a failure of that disposing is thrown by `[Symbol.asyncDispose]`,
   * which joins it. Throws {@link WiringError} (`DSYS_DI_STATE`) when the scope is disposed meanwhile.
   */
  async start(options: ScopeStartOptions = {}): Promise<void> {
    if (this.#state !== 'open') {
      throw new WiringError(
        'DSYS_DI_STATE',
        `cannot start: this scope is ${this.#state}`,
        'A scope starts once; make a new one.',
        [],
      )
    }
    const { signal } = options
    const cancel = (): void => this.#abortStart.abort(signal?.reason)
    signal?.addEventListener('abort', cancel, { once: true })
    if (signal?.aborted) cancel()
    try {
      for (const token of this.#tokens) this.get(token)
      this.#state = 'started'
      for (const part of this.#distinctParts()) await this.#startPart(part)
      this.#abortStart.signal.throwIfAborted()
    } catch (error) {
      // The caller must learn why the start failed, whatever becomes of the disposing.
      await this[Symbol.asyncDispose]().then(undefined, () => undefined)
      throw error
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  async #startPart(part: BuiltPart): Promise<void> {
    this.#abortStart.signal.throwIfAborted()
    if (!isStartable(part.value)) return
    const start = part.value.start({ signal: this.#abortStart.signal })
    this.#starting = { part, settled: Promise.resolve(start).then(undefined, () => undefined) }
    try {
      await start
    } finally {
      this.#starting = undefined
    }
  }

  /**
   * Disposes the parts in reverse order of building, all of them even when some fail; then throws what failed. Cancels a
   * start under way, and starts no further part.
   */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposing === undefined) {
      this.#state = 'disposed'
      // A turn later, so that whoever hears of the cancelled start and disposes this scope as well joins this call.
      this.#disposing = Promise.resolve().then(() => this.#disposeAll())
    }
    return this.#disposing
  }

  async #disposeAll(): Promise<void> {
    this.#abortStart.abort(
      new WiringError(
        'DSYS_DI_STATE',
        'this scope was disposed while it started',
        'Dispose a scope after start() has settled, or expect this error.',
        [],
      ),
    )
    const starting = this.#starting
    const failures: unknown[] = []
    for (const part of this.#distinctParts().reverse()) {
      try {
        if (isAsyncDisposable(part.value)) await part.value[Symbol.asyncDispose]()
        else if (isDisposable(part.value)) part.value[Symbol.dispose]()
      } catch (error) {
        failures.push(new Error(`disposing ${part.name} failed`, { cause: error }))
      }
      // What a part needs stays until the part is done with starting.
      if (starting !== undefined && starting.part.value === part.value) await starting.settled
    }
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, `disposing ${failures.length} parts failed`)
  }

  /** One object may stand behind two tokens; it starts and ends once. */
  #distinctParts(): BuiltPart[] {
    const seen = new Set<unknown>()
    return [...this.#built.values()].filter((part) => !seen.has(part.value) && seen.add(part.value))
  }
}
