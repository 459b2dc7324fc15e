import type { CallOptions, ReadOptions } from '@dsys/raft'

/** A key: any 1 to 1,024 bytes, or text that is taken as UTF-8. `'a'` and `new Uint8Array([97])` are the same key. */
export type Key = string | Uint8Array

/** The value of a key, with where it stands in the history of its keyspace. */
export interface Entry<V> {
  readonly value: V
  /** The revision of the change that made this value. No two changes of one keyspace share a revision. */
  readonly revision: number
  /** The revision of the change that created the key, since its last deletion. */
  readonly createRevision: number
}

/** What {@link LinearizableKeyspace.put} did. */
export interface PutResult {
  /** The revision of this change. */
  readonly revision: number
}

/** What {@link LinearizableKeyspace.create} did, or the entry that was there already. */
export type CreateResult<V> =
  | { readonly created: true; readonly revision: number }
  | { readonly created: false; readonly actual: Entry<V> }

/** What {@link LinearizableKeyspace.update} did, or the entry that was there instead; `undefined` when there was none. */
export type UpdateResult<V> =
  | { readonly updated: true; readonly revision: number }
  | { readonly updated: false; readonly actual: Entry<V> | undefined }

/** What {@link LinearizableKeyspace.delete} did, or the entry that was there instead; `undefined` when there was none. */
export type DeleteResult<V> =
  | { readonly deleted: true; readonly revision: number }
  | { readonly deleted: false; readonly actual: Entry<V> | undefined }

/**
 * One keyspace whose operations are linearizable: each takes effect at one instant between its call and its return, and
 * every node sees the same order.
 *
 * Every operation waits at most `timeoutMs` (default 5,000) and can be cancelled by `signal`, which leaves the outcome of
 * a change unknown. Beside the errors named at each, all throw KeyInvalidError (`DSYS_KV_KEY_INVALID`) and what Raft throws.
 */
export interface LinearizableKeyspace<V> {
  readonly name: string

  /** The entry of `key`, or `undefined`. With `consistency: 'stale'` what this node has, possibly old, without asking anybody. */
  get(key: Key, options?: ReadOptions): Promise<Entry<V> | undefined>

  /**
   * Sets the value of `key`, whatever was there.
   *
   * @throws ValueTooLargeError (`DSYS_KV_VALUE_TOO_LARGE`).
   */
  put(key: Key, value: V, options?: CallOptions): Promise<PutResult>

  /**
   * Sets the value of `key` if it has none.
   *
   * @throws ValueTooLargeError (`DSYS_KV_VALUE_TOO_LARGE`).
   */
  create(key: Key, value: V, options?: CallOptions): Promise<CreateResult<V>>

  /**
   * Sets the value of `key` if its entry still has `revision`: nobody changed it since it was read.
   *
   * @throws ValueTooLargeError (`DSYS_KV_VALUE_TOO_LARGE`); RangeError when `revision` is not a whole number of 1 or more.
   */
  update(key: Key, value: V, options: CallOptions & { readonly revision: number }): Promise<UpdateResult<V>>

  /**
   * Removes `key`; with `revision`, only if its entry still has that one. A key that is not there is left as it is, and no
   * revision is used up.
   *
   * @throws RangeError when `revision` is given and not a whole number of 1 or more.
   */
  delete(key: Key, options?: CallOptions & { readonly revision?: number }): Promise<DeleteResult<V>>
}
