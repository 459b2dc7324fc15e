import type { Codec } from '@dsys/runtime'
import { type ByteReader, ByteWriter, MalformedError } from '@dsys/runtime/bytes'
import { decoding } from './decoding.ts'
import { emptyKeyspace, type KeyspaceState, type KvState } from './state.ts'

/**
 * version u8 · number of keyspaces u32 · for each: name length u8 · name · revision u64 · number of entries u32 · for each:
 * key length u16 · key · createRevision u64 · revision u64 · value length u32 · value
 */
const VERSION = 1
const HEADER_BYTES = 5
const KEYSPACE_BYTES = 13
const ENTRY_BYTES = 22

function sizeOf(state: KvState): number {
  let size = HEADER_BYTES
  for (const [name, keyspace] of state.keyspaces) {
    size += KEYSPACE_BYTES + name.length + keyspace.entries.size * ENTRY_BYTES + keyspace.sizeBytes
  }
  return size
}

function writeEntries(writer: ByteWriter, keyspace: KeyspaceState): void {
  for (const [key, entry] of keyspace.entries) {
    writer.u16(key.length).latin1(key).u53(entry.createRevision).u53(entry.revision)
    writer.u32(entry.value.length).raw(entry.value)
  }
}

function encode(state: KvState): Uint8Array {
  const writer = new ByteWriter(sizeOf(state)).u8(VERSION).u32(state.keyspaces.size)
  for (const [name, keyspace] of state.keyspaces) {
    writer.u8(name.length).latin1(name).u53(keyspace.revision).u32(keyspace.entries.size)
    writeEntries(writer, keyspace)
  }
  return writer.written()
}

function readKeyspace(reader: ByteReader): KeyspaceState {
  const keyspace = emptyKeyspace()
  keyspace.revision = reader.u53()
  const count = reader.u32()
  for (let i = 0; i < count; i++) {
    const key = reader.latin1(reader.u16())
    const createRevision = reader.u53()
    const revision = reader.u53()
    const value = new Uint8Array(reader.raw(reader.u32()))
    if (createRevision > revision || revision > keyspace.revision)
      throw new MalformedError('a revision is out of order')
    if (keyspace.entries.has(key)) throw new MalformedError('a key appears twice')
    keyspace.entries.set(key, { value, revision, createRevision })
    keyspace.sizeBytes += key.length + value.length
  }
  return keyspace
}

function readState(reader: ByteReader): KvState {
  const count = reader.u32()
  const keyspaces = new Map<string, KeyspaceState>()
  for (let i = 0; i < count; i++) {
    const name = reader.latin1(reader.u8())
    if (keyspaces.has(name)) throw new MalformedError('a keyspace appears twice')
    keyspaces.set(name, readKeyspace(reader))
  }
  return { keyspaces }
}

const decode = (bytes: Uint8Array): KvState => decoding('a key-value snapshot', VERSION, bytes, readState)

/** The whole state as one snapshot. Equal states that grew by the same commands give equal bytes. */
export const snapshotCodec: Codec<KvState> = Object.freeze({ encode, decode })
