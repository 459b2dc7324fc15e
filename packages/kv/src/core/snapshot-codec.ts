import type { Codec } from '@dsys/runtime'
import { ByteReader, writeUint53 } from './bytes.ts'
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

function writeEntries(target: Buffer, keyspace: KeyspaceState, start: number): number {
  let offset = start
  for (const [key, entry] of keyspace.entries) {
    offset = target.writeUInt16BE(key.length, offset)
    offset += target.write(key, offset, 'latin1')
    offset = writeUint53(target, entry.createRevision, offset)
    offset = writeUint53(target, entry.revision, offset)
    offset = target.writeUInt32BE(entry.value.length, offset)
    target.set(entry.value, offset)
    offset += entry.value.length
  }
  return offset
}

function encode(state: KvState): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(sizeOf(state))
  let offset = bytes.writeUInt8(VERSION, 0)
  offset = bytes.writeUInt32BE(state.keyspaces.size, offset)
  for (const [name, keyspace] of state.keyspaces) {
    offset = bytes.writeUInt8(name.length, offset)
    offset += bytes.write(name, offset, 'latin1')
    offset = writeUint53(bytes, keyspace.revision, offset)
    offset = bytes.writeUInt32BE(keyspace.entries.size, offset)
    offset = writeEntries(bytes, keyspace, offset)
  }
  return bytes
}

function readKeyspace(reader: ByteReader): KeyspaceState {
  const keyspace = emptyKeyspace()
  keyspace.revision = reader.uint53()
  const count = reader.uint32()
  for (let i = 0; i < count; i++) {
    const key = reader.latin1(reader.uint16())
    const createRevision = reader.uint53()
    const revision = reader.uint53()
    const value = new Uint8Array(reader.view(reader.uint32()))
    if (createRevision > revision || revision > keyspace.revision) throw reader.malformed('a revision is out of order')
    if (keyspace.entries.has(key)) throw reader.malformed('a key appears twice')
    keyspace.entries.set(key, { value, revision, createRevision })
    keyspace.sizeBytes += key.length + value.length
  }
  return keyspace
}

function decode(bytes: Uint8Array): KvState {
  const reader = new ByteReader('a key-value snapshot', bytes)
  reader.expectVersion(VERSION)
  const count = reader.uint32()
  const keyspaces = new Map<string, KeyspaceState>()
  for (let i = 0; i < count; i++) {
    const name = reader.latin1(reader.uint8())
    if (keyspaces.has(name)) throw reader.malformed('a keyspace appears twice')
    keyspaces.set(name, readKeyspace(reader))
  }
  reader.expectEnd()
  return { keyspaces }
}

/** The whole state as one snapshot. Equal states that grew by the same commands give equal bytes. */
export const snapshotCodec: Codec<KvState> = Object.freeze({ encode, decode })
