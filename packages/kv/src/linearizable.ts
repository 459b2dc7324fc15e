import type { CallOptions, Raft, ReadOptions } from '@dsys/raft'
import { type Codec, type Counter, invariant } from '@dsys/runtime'
import type { KvCommand, KvResult } from './core/command.ts'
import { MAX_KEY_BYTES, storedKey } from './core/key.ts'
import { findEntry, type KvState, type StoredEntry } from './core/state.ts'
import { KeyInvalidError, ValueTooLargeError } from './errors.ts'
import type {
  CreateResult,
  DeleteResult,
  Entry,
  Key,
  LinearizableKeyspace,
  PutResult,
  UpdateResult,
} from './keyspace.ts'

/** What a keyspace is made of. */
export interface RaftKeyspaceParts<V> {
  readonly name: string
  readonly raft: Raft<KvState, KvCommand, KvResult>
  readonly codec: Codec<V>
  readonly maxValueBytes: number
  readonly reads: Counter
  readonly writes: Counter
}

function checkKey(key: Key): string {
  const stored = storedKey(key)
  if (stored === undefined)
    throw new KeyInvalidError('it has a lone surrogate, which UTF-8 cannot carry', MAX_KEY_BYTES)
  if (stored.length === 0) throw new KeyInvalidError('it is empty', MAX_KEY_BYTES)
  if (stored.length > MAX_KEY_BYTES) throw new KeyInvalidError(`it has ${stored.length} bytes`, MAX_KEY_BYTES)
  return stored
}

function checkRevision(revision: number): number {
  if (Number.isSafeInteger(revision) && revision >= 1) return revision
  throw new RangeError(`revision must be a whole number of 1 or more, got ${revision}`)
}

/** A linearizable keyspace over one Raft group. */
export class RaftKeyspace<V> implements LinearizableKeyspace<V> {
  readonly name: string
  readonly #parts: RaftKeyspaceParts<V>

  constructor(parts: RaftKeyspaceParts<V>) {
    this.name = parts.name
    this.#parts = parts
  }

  async get(key: Key, options?: ReadOptions): Promise<Entry<V> | undefined> {
    const stored = checkKey(key)
    this.#parts.reads.add(1)
    // The entry may leave the query: entries are never changed in place.
    const entry = await this.#parts.raft.read((state) => findEntry(state, this.name, stored), options)
    return entry === undefined ? undefined : this.#decode(entry)
  }

  async put(key: Key, value: V, options?: CallOptions): Promise<PutResult> {
    const result = await this.#change(
      { op: 'put', keyspace: this.name, key: checkKey(key), value: this.#encode(value) },
      options,
    )
    invariant(result.changed, 'a put changed nothing')
    return { revision: result.revision }
  }

  async create(key: Key, value: V, options?: CallOptions): Promise<CreateResult<V>> {
    const bytes = this.#encode(value)
    const result = await this.#change({ op: 'create', keyspace: this.name, key: checkKey(key), value: bytes }, options)
    if (result.changed) return { created: true, revision: result.revision }
    invariant(result.actual !== undefined, 'a create of a key without an entry changed nothing')
    return { created: false, actual: this.#decode(result.actual) }
  }

  async update(key: Key, value: V, options: CallOptions & { readonly revision: number }): Promise<UpdateResult<V>> {
    const revision = checkRevision(options.revision)
    const bytes = this.#encode(value)
    const command = { op: 'update', keyspace: this.name, key: checkKey(key), revision, value: bytes } as const
    const result = await this.#change(command, options)
    if (result.changed) return { updated: true, revision: result.revision }
    return { updated: false, actual: this.#decodeActual(result.actual) }
  }

  async delete(key: Key, options: CallOptions & { readonly revision?: number } = {}): Promise<DeleteResult<V>> {
    const revision = options.revision === undefined ? undefined : checkRevision(options.revision)
    const result = await this.#change({ op: 'delete', keyspace: this.name, key: checkKey(key), revision }, options)
    if (result.changed) return { deleted: true, revision: result.revision }
    return { deleted: false, actual: this.#decodeActual(result.actual) }
  }

  #change(command: KvCommand, options: CallOptions | undefined): Promise<KvResult> {
    this.#parts.writes.add(1)
    return this.#parts.raft.propose(command, options)
  }

  #encode(value: V): Uint8Array {
    const bytes = this.#parts.codec.encode(value)
    const { maxValueBytes } = this.#parts
    if (bytes.length > maxValueBytes) throw new ValueTooLargeError(bytes.length, maxValueBytes)
    return bytes
  }

  /** A copy for the caller: whoever writes into what a codec hands through must not change the replicated state. */
  #decode(entry: StoredEntry): Entry<V> {
    return {
      value: this.#parts.codec.decode(Buffer.from(entry.value)),
      revision: entry.revision,
      createRevision: entry.createRevision,
    }
  }

  #decodeActual(actual: StoredEntry | undefined): Entry<V> | undefined {
    return actual === undefined ? undefined : this.#decode(actual)
  }
}
