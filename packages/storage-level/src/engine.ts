/** One change as it is stored; without a value, the key is removed. */
export interface StoredChange {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Stored pairs to go through. */
export interface StoredRange {
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly reverse: boolean
  readonly limit: number | undefined
}

/** Pairs as they stood when it was made. */
export interface StoredPairs {
  /** The next ones, at most `count`. None at the end. */
  next(count: number): Promise<readonly (readonly [key: Uint8Array, value: Uint8Array])[]>
  /** Lets go of that state. Idempotent. */
  close(): Promise<void>
}

/** An ordered store that knows nothing of queues, limits and checksums. What it throws has a `code` of abstract-level where that has one. */
export interface Engine {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** All or nothing. With `sync` it is on the disk when it resolves. One call at a time. */
  write(changes: readonly StoredChange[], sync: boolean): Promise<void>
  pairs(range: StoredRange): StoredPairs
  /** Makes durable whatever was written without `sync`, once nothing writes any more. */
  syncAll(): Promise<void>
  /** Closes what is open of {@link Engine.pairs}, too. */
  close(): Promise<void>
}

/** Opens what is kept in a folder. */
export type OpenEngine = (options: {
  readonly directory: string
  readonly cacheBytes: number
  readonly writeBufferBytes: number
}) => Promise<Engine>
