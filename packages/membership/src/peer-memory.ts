import { type Clock, type Logger, Pending, type TimerHandle } from '@dsys/runtime'
import { MalformedError } from '@dsys/runtime/bytes'
import { decodeKnownPeers, encodeKnownPeers, MAX_KNOWN_PEERS } from './core/known-peers.ts'
import type { MemberRecord } from './core/record.ts'

/** Where peers are remembered over restarts. Every `StateStorage` of `@dsys/storage` is one. */
export interface PeerStorage {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  write(
    changes: readonly { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }[],
  ): Promise<void>
}

/** What a {@link PeerMemory} works with. */
export interface PeerMemoryParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly storage: PeerStorage
  readonly cluster: string
  /** The least time between two writes. */
  readonly intervalMs: number
  /** How long the storage is waited for at the start and at the stop. */
  readonly timeoutMs: number
  /** Who is known now, the most useful ones first. */
  readonly known: () => readonly MemberRecord[]
}

/**
 * Keeps who was in the cluster. It is a help to find the others again, and never needed: a storage that fails or hangs is in the log,
 * and changes nothing else.
 */
export class PeerMemory {
  readonly #parts: PeerMemoryParts
  readonly #key: Uint8Array
  /** Read at the start and not heard of since. */
  #former: readonly MemberRecord[] = []
  #written: string | undefined
  #writing: Promise<void> | undefined
  #timer: TimerHandle | undefined
  #closed = false

  constructor(parts: PeerMemoryParts) {
    this.#parts = parts
    this.#key = new TextEncoder().encode(`dsys/membership/peers/${parts.cluster}`)
  }

  /** The ids that were kept. */
  async load(signal: AbortSignal): Promise<readonly string[]> {
    try {
      const bytes = await this.#inTime(this.#parts.storage.get(this.#key), signal)
      this.#former = bytes === undefined ? [] : decodeKnownPeers(bytes).slice(0, MAX_KNOWN_PEERS)
    } catch (error) {
      signal.throwIfAborted()
      const what = error instanceof MalformedError ? 'are not readable' : 'could not be read'
      this.#parts.logger.log('warn', `the peers of an earlier run ${what}; they are looked for as if there were none`, {
        error,
      })
    }
    return this.#former.map(({ id }) => id)
  }

  /** Somebody came or went: it is written soon, with whatever happens until then. */
  changed(): void {
    if (this.#closed || this.#timer !== undefined) return
    this.#timer = this.#parts.clock.setTimer(this.#parts.intervalMs, () => {
      this.#timer = undefined
      void this.#write()
    })
  }

  /** Writes what is known now. */
  async close(): Promise<void> {
    this.cancel()
    await this.#write()
  }

  /** Writes no more. */
  cancel(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** One at a time; what is known is read when its turn comes. */
  async #write(): Promise<void> {
    const before = this.#writing
    const writing = (async (): Promise<void> => {
      await before
      await this.#writeOnce()
    })()
    this.#writing = writing
    await writing
  }

  async #writeOnce(): Promise<void> {
    const known = this.#parts.known()
    const ids = new Set(known.map(({ id }) => id))
    const records = [...known, ...this.#former.filter(({ id }) => !ids.has(id))].slice(0, MAX_KNOWN_PEERS)
    // Who is alone now has more use for those that it knew than for nobody.
    const names = JSON.stringify(records.map(({ id, generation }) => [id, generation]).sort())
    if (records.length === 0 || names === this.#written) return
    try {
      const put = { type: 'put', key: this.#key, value: encodeKnownPeers(records) } as const
      await this.#inTime(this.#parts.storage.write([put]))
      this.#written = names
    } catch (error) {
      this.#parts.logger.log('warn', 'the peers could not be kept for the next run', { error })
    }
  }

  async #inTime<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
    const { clock, timeoutMs } = this.#parts
    const onTimeout = (): Error => new Error(`the storage took longer than ${timeoutMs} ms`)
    const pending = new Pending<T>({ clock, timeoutMs, onTimeout, ...(signal === undefined ? {} : { signal }) })
    work.then(
      (value) => pending.resolve(value),
      (error: unknown) => pending.reject(error),
    )
    return await pending.promise
  }
}
