import { type ByteReader, type ByteWriter, MalformedError, varintLength } from '@dsys/runtime/bytes'
import { BUCKETS, type DigestEntry, type DigestRange } from './digest.ts'
import { STATES } from './record.ts'
import { MAX_ID_BYTES, positive, readId, readState, readText, textBytes, writeText } from './record-codec.ts'

/** Bytes of an entry in a frame. */
export function digestEntryBytes({ id, generation, nonce, incarnation }: DigestEntry): number {
  return textBytes(id) + varintLength(generation) + varintLength(nonce) + varintLength(incarnation) + 5
}

export function writeSums(writer: ByteWriter, sums: readonly number[]): void {
  writer.varint(sums.length)
  for (const sum of sums) writer.u32(sum)
}

export function readSums(reader: ByteReader): number[] {
  const count = reader.varint()
  if (count !== BUCKETS) throw new MalformedError(`a digest has ${count} buckets, not ${BUCKETS}`)
  return Array.from({ length: count }, () => reader.u32())
}

export function writeRanges(writer: ByteWriter, ranges: readonly DigestRange[]): void {
  writer.varint(ranges.length)
  for (const { bucket, after, until, entries } of ranges) {
    writer.u8(bucket)
    writeText(writer, after)
    writeText(writer, until)
    writer.varint(entries.length)
    for (const { id, generation, nonce, incarnation, state, hash } of entries) {
      writeText(writer, id)
      writer.varint(generation).varint(nonce).varint(incarnation)
      writer.u8(STATES.indexOf(state)).u32(hash)
    }
  }
}

export function readRanges(reader: ByteReader): DigestRange[] {
  return readMany(reader, () => {
    const bucket = reader.u8()
    if (bucket >= BUCKETS) throw new MalformedError(`there is no bucket ${bucket}`)
    const after = readText(reader, MAX_ID_BYTES)
    const until = readText(reader, MAX_ID_BYTES)
    return { bucket, after, until, entries: readMany(reader, () => readEntry(reader)) }
  })
}

function readEntry(reader: ByteReader): DigestEntry {
  const id = readId(reader)
  const generation = positive(reader.varint(), 'generation')
  const [nonce, incarnation] = [reader.varint(), reader.varint()]
  return { id, generation, nonce, incarnation, state: readState(reader), hash: reader.u32() }
}

export function writeIds(writer: ByteWriter, ids: readonly string[]): void {
  writer.varint(ids.length)
  for (const id of ids) writeText(writer, id)
}

export function readIds(reader: ByteReader): string[] {
  return readMany(reader, () => readId(reader))
}

/** The count is not believed before the bytes are there: each item reads at least one, or the reader throws. */
function readMany<T>(reader: ByteReader, readOne: () => T): T[] {
  const count = reader.varint()
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push(readOne())
  return items
}
