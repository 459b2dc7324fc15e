import { ByteReader, ByteWriter, MalformedError } from '@dsys/runtime/bytes'
import type { MemberRecord } from './record.ts'
import { MAX_RUMOR_BYTES, readPart, readRecord, recordBytes, writeRecord } from './record-codec.ts'

/** So many peers are remembered over a restart: enough to find a cluster of any size again. */
export const MAX_KNOWN_PEERS = 256

const FORMAT = 1
const MAX_HEADER_BYTES = 4_096

/** What is kept of peers: a format, room for a header, then the last record of each. What a later version says in a record stays in it. */
export function encodeKnownPeers(records: readonly MemberRecord[]): Uint8Array {
  const writer = new ByteWriter()
  writer.u8(FORMAT).varint(0).varint(records.length)
  for (const record of records) {
    writer.varint(recordBytes(record))
    writeRecord(writer, record)
  }
  return new Uint8Array(writer.written())
}

/** Throws {@link MalformedError} when the bytes are damaged, or of a format that this version does not know. */
export function decodeKnownPeers(bytes: Uint8Array): MemberRecord[] {
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  if (format !== FORMAT) throw new MalformedError(`format ${format} is not ${FORMAT}`)
  readPart(reader, MAX_HEADER_BYTES)
  const count = reader.varint()
  const records: MemberRecord[] = []
  for (let i = 0; i < count; i++) records.push(readRecord(readPart(reader, MAX_RUMOR_BYTES)))
  return records
}
