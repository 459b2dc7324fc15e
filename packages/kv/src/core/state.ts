import { EntryTable } from './entry-table.ts'

/** One key's value in the replicated state. Never changed in place: a new value is a new object, so a reader may keep it. */
export interface StoredEntry {
  /** Belongs to the state. Nobody may write to it. */
  readonly value: Uint8Array
  /** The revision of the change that made this value. */
  readonly revision: number
  /** The revision of the change that created the key, since its last deletion. */
  readonly createRevision: number
}

/** The entries of one keyspace and its counter of changes. */
export interface KeyspaceState {
  /** How many changes this keyspace has seen. It grows by 1 with each, and never goes back. */
  revision: number
  /** Bytes of all keys and values. */
  sizeBytes: number
  /** In an order that follows from the commands alone. */
  readonly entries: EntryTable<StoredEntry>
}

/** All keyspaces of one Raft group, by name. A keyspace appears with its first change. */
export interface KvState {
  readonly keyspaces: Map<string, KeyspaceState>
}

export function emptyState(): KvState {
  return { keyspaces: new Map() }
}

export function emptyKeyspace(): KeyspaceState {
  return { revision: 0, sizeBytes: 0, entries: new EntryTable() }
}

/** The entry of `key`, in its stored form. */
export function findEntry(state: KvState, keyspace: string, key: string): StoredEntry | undefined {
  return state.keyspaces.get(keyspace)?.entries.get(key)
}
