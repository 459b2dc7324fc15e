import type { DeleteCommand, KvCommand, KvResult } from './command.ts'
import { emptyKeyspace, type KeyspaceState, type KvState, type StoredEntry } from './state.ts'

const unchanged = (actual: StoredEntry | undefined): KvResult => ({ changed: false, actual })

/**
 * Applies one command to `state`, in place. Depends on nothing but its arguments.
 *
 * It takes every keyspace name: which keyspaces are declared is the configuration of a node, and two nodes with different
 * configurations must still arrive at the same state.
 */
export function applyCommand(state: KvState, command: KvCommand): KvResult {
  const keyspace = state.keyspaces.get(command.keyspace)
  const actual = keyspace?.entries.get(command.key)
  switch (command.op) {
    case 'put':
      return set(state, keyspace, command, actual)
    case 'create':
      return actual === undefined ? set(state, keyspace, command, actual) : unchanged(actual)
    case 'update':
      return actual?.revision === command.revision ? set(state, keyspace, command, actual) : unchanged(actual)
    case 'delete':
      return remove(keyspace, command, actual)
  }
}

function set(
  state: KvState,
  known: KeyspaceState | undefined,
  command: Exclude<KvCommand, DeleteCommand>,
  previous: StoredEntry | undefined,
): KvResult {
  const keyspace = known ?? addKeyspace(state, command.keyspace)
  keyspace.revision += 1
  const { revision } = keyspace
  keyspace.entries.set(command.key, {
    // A copy of exact size: a view would keep the whole frame or log segment that it points into alive.
    value: new Uint8Array(command.value),
    revision,
    createRevision: previous === undefined ? revision : previous.createRevision,
  })
  keyspace.sizeBytes += command.value.length
  keyspace.sizeBytes += previous === undefined ? command.key.length : -previous.value.length
  return { changed: true, revision }
}

function remove(
  keyspace: KeyspaceState | undefined,
  command: DeleteCommand,
  actual: StoredEntry | undefined,
): KvResult {
  if (keyspace === undefined || actual === undefined) return unchanged(undefined)
  if (command.revision !== undefined && command.revision !== actual.revision) return unchanged(actual)
  keyspace.revision += 1
  keyspace.entries.delete(command.key)
  keyspace.sizeBytes -= command.key.length + actual.value.length
  return { changed: true, revision: keyspace.revision }
}

function addKeyspace(state: KvState, name: string): KeyspaceState {
  const keyspace = emptyKeyspace()
  state.keyspaces.set(name, keyspace)
  return keyspace
}
