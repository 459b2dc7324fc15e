import type { SnapshotDecoder, SnapshotInParts } from '@dsys/raft'
import { type ByteReader, ByteWriter, MalformedError } from '@dsys/runtime/bytes'
import { decoding } from './decoding.ts'
import type { EntryRun } from './entry-table.ts'
import { emptyKeyspace, emptyState, type KeyspaceState, type KvState, type StoredEntry } from './state.ts'

/**
 * Each part: version u8 · name length u8 · name of the keyspace · its revision u64 · entries to the end, for each: key length u16 · key ·
 * createRevision u64 · revision u64 · value length u32 · value.
 *
 * The parts of a keyspace follow each other, and keyspaces by their names; one without entries has one part. The order of the entries
 * is part of the state, as it says where later changes put theirs.
 */
const VERSION = 2
/**
 * All in one part: version u8 · number of keyspaces u32 · for each: name length u8 · name · revision u64 · number of entries u32 ·
 * the entries, in any order.
 */
const WHOLE_VERSION = 1
const KIB = 1_024
/** A part ends behind the entry that reaches this size. */
const PART_BYTES = 64 * KIB

interface FrozenKeyspace {
  readonly name: string
  readonly revision: number
  readonly runs: Iterable<EntryRun<StoredEntry>>
}

function freeze(state: KvState): Iterable<Uint8Array> {
  const keyspaces: FrozenKeyspace[] = []
  for (const [name, { revision, entries }] of state.keyspaces) {
    keyspaces.push({ name, revision, runs: entries.freeze() })
  }
  return encodeParts(keyspaces.sort((a, b) => (a.name < b.name ? -1 : 1)))
}

function* encodeParts(keyspaces: readonly FrozenKeyspace[]): Generator<Uint8Array, void, undefined> {
  for (const { name, revision, runs } of keyspaces) {
    const begin = (): ByteWriter =>
      new ByteWriter(PART_BYTES + KIB).u8(VERSION).u8(name.length).latin1(name).u53(revision)
    let part = begin()
    const emptyBytes = part.length
    let isFirst = true
    for (const { keys, values } of runs) {
      for (let i = 0; i < keys.length; i++) {
        writeEntry(part, keys[i] as string, values[i] as StoredEntry)
        if (part.length < PART_BYTES) continue
        yield part.written()
        part = begin()
        isFirst = false
      }
    }
    if (isFirst || part.length > emptyBytes) yield part.written()
  }
}

function writeEntry(part: ByteWriter, key: string, { createRevision, revision, value }: StoredEntry): void {
  part.u16(key.length).latin1(key).u53(createRevision).u53(revision).u32(value.length).raw(value)
}

function decoder(): SnapshotDecoder<KvState> {
  const state = emptyState()
  return {
    add: (part) => {
      const version = part[0] === WHOLE_VERSION ? WHOLE_VERSION : VERSION
      decoding('a key-value snapshot', version, part, (reader) => {
        if (version === VERSION) readPart(reader, state)
        else readWhole(reader, state)
      })
    },
    finish: () => state,
  }
}

function readPart(reader: ByteReader, state: KvState): void {
  const name = reader.latin1(reader.u8())
  const revision = reader.u53()
  const keyspace = state.keyspaces.get(name) ?? addKeyspace(state, name, revision)
  if (keyspace.revision !== revision) throw new MalformedError('a keyspace has two revisions')
  while (reader.remaining > 0) readEntry(reader, keyspace)
}

function readWhole(reader: ByteReader, state: KvState): void {
  for (let left = reader.u32(); left > 0; left--) {
    const name = reader.latin1(reader.u8())
    if (state.keyspaces.has(name)) throw new MalformedError('a keyspace appears twice')
    const keyspace = addKeyspace(state, name, reader.u53())
    for (let entries = reader.u32(); entries > 0; entries--) readEntry(reader, keyspace)
  }
}

function addKeyspace(state: KvState, name: string, revision: number): KeyspaceState {
  const keyspace = emptyKeyspace()
  keyspace.revision = revision
  state.keyspaces.set(name, keyspace)
  return keyspace
}

function readEntry(reader: ByteReader, keyspace: KeyspaceState): void {
  const key = reader.latin1(reader.u16())
  const createRevision = reader.u53()
  const revision = reader.u53()
  const value = new Uint8Array(reader.raw(reader.u32()))
  if (createRevision > revision || revision > keyspace.revision) throw new MalformedError('a revision is out of order')
  const { size } = keyspace.entries
  keyspace.entries.set(key, { value, revision, createRevision })
  if (keyspace.entries.size === size) throw new MalformedError('a key appears twice')
  keyspace.sizeBytes += key.length + value.length
}

/** Snapshots of the state, in parts of about 64 KiB. States that come of the same commands give equal bytes, also where one went on from a snapshot of the other. */
export const snapshotParts: SnapshotInParts<KvState> = Object.freeze({ freeze, decoder })
