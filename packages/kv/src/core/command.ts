import type { StoredEntry } from './state.ts'

/**
 * One change of one keyspace, as it stands in the Raft log. Keys are in their stored form, see {@link storedKey}.
 */
export type KvCommand = PutCommand | CreateCommand | UpdateCommand | DeleteCommand

/** Sets the value of a key, whatever was there. */
export interface PutCommand {
  readonly op: 'put'
  readonly keyspace: string
  readonly key: string
  readonly value: Uint8Array
}

/** Sets the value of a key that has none. */
export interface CreateCommand {
  readonly op: 'create'
  readonly keyspace: string
  readonly key: string
  readonly value: Uint8Array
}

/** Sets the value of a key whose entry has exactly this revision. */
export interface UpdateCommand {
  readonly op: 'update'
  readonly keyspace: string
  readonly key: string
  readonly revision: number
  readonly value: Uint8Array
}

/** Removes a key: whatever its revision is, or only when it has the one that is given. */
export interface DeleteCommand {
  readonly op: 'delete'
  readonly keyspace: string
  readonly key: string
  readonly revision: number | undefined
}

/** What a command did: it changed the keyspace, or its condition did not hold and nothing changed. */
export type KvResult =
  | { readonly changed: true; readonly revision: number }
  | { readonly changed: false; readonly actual: StoredEntry | undefined }
