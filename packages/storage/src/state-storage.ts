import type { Service } from '@dsys/runtime'

/** One change of a batch. */
export type StateChange =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: Uint8Array }

/** Which keys to go through, in byte order. */
export interface StateRange {
  /** First key, inclusive. Default: the first of all. */
  readonly from?: Uint8Array
  /** End, exclusive. Default: behind the last of all. */
  readonly to?: Uint8Array
  /** From the end to the start. Default false. */
  readonly reverse?: boolean
  /** How many at the most. Default: all. */
  readonly limit?: number
}

/** How one batch is written. */
export interface StateWriteOptions {
  /**
   * What the write waits for. `true`: the batch is on the disk when the write resolves, and survives a loss of power. `false`: reads see it when the write
   * resolves, and a loss of power may still take it, as a whole, even where a later batch stays. Default: that of the storage.
   */
  readonly durable?: boolean
}

/** An ordered map from bytes to bytes with atomic batches. Keys are ordered as unsigned bytes, a prefix before what it begins. */
export interface StateStorage extends Service {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /**
   * Applies all `changes`, in order, or none. Batches take effect in the order of the calls, whatever each of them waits for, and what
   * resolved is seen by every later read. Throws StorageFailedError when the disk fails, and from then on.
   */
  write(changes: readonly StateChange[], options?: StateWriteOptions): Promise<void>
  /**
   * The pairs of `range` as they stood when the iteration began. Holds on to that state until it is read to its end or returned from. When the
   * storage stops before, the next step throws NotRunningError.
   */
  entries(range?: StateRange): AsyncIterableIterator<readonly [key: Uint8Array, value: Uint8Array]>
}
