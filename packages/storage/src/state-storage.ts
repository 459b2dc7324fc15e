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

/** An ordered map from bytes to bytes with atomic batches. Keys are ordered as unsigned bytes, a prefix before what it begins. */
export interface StateStorage extends Service {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** Applies all `changes`, in order, or none. What resolved is seen by every later read; durability is the adapter's to state. */
  write(changes: readonly StateChange[]): Promise<void>
  /** The pairs of `range` as they stood when the iteration began. */
  entries(range?: StateRange): AsyncIterableIterator<readonly [key: Uint8Array, value: Uint8Array]>
}
