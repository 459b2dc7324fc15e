import { type ByteReader, type ByteWriter, MalformedError, varintLength } from '@dsys/runtime/bytes'
import { MAX_ID_BYTES, positive, readId, readPart, readText, textBytes, writeText } from './record-codec.ts'
import { MAX_BROADCAST_BYTES, MAX_NAME_CHARACTERS, MAX_TTL_MS, type UserNews } from './user-news.ts'

/** What a later version adds to a broadcast. */
const MAX_UNKNOWN_BYTES = 512
/** A bound on the encoded size of one broadcast. */
export const MAX_NEWS_BYTES: number = 2 * MAX_ID_BYTES + MAX_BROADCAST_BYTES + MAX_UNKNOWN_BYTES + 64
const MAX_LENGTH_BYTES = 2

/** Bytes of a broadcast in a frame at most, with the length before it. */
export function newsBytes(news: UserNews): number {
  return MAX_LENGTH_BYTES + partBytes(news)
}

function partBytes({ origin, generation, nonce, sequence, topic, payload, unknown, leftMs }: UserNews): number {
  const numbers = [generation, nonce, sequence, roundUp(leftMs), payload.length]
  const texts = textBytes(origin) + textBytes(topic)
  return numbers.reduce((sum, one) => sum + varintLength(one), texts + payload.length + (unknown?.length ?? 0))
}

const roundUp = (ms: number): number => Math.min(MAX_TTL_MS, Math.max(0, Math.ceil(ms)))

export function writeNews(writer: ByteWriter, items: readonly UserNews[]): void {
  writer.varint(items.length)
  for (const news of items) {
    writer.varint(partBytes(news))
    writeText(writer, news.origin)
    writer.varint(news.generation).varint(news.nonce).varint(news.sequence).varint(roundUp(news.leftMs))
    writeText(writer, news.topic)
    writer.varint(news.payload.length).raw(news.payload)
    if (news.unknown !== undefined) writer.raw(news.unknown)
  }
}

/** The count is not believed before the bytes are there. */
export function readNews(reader: ByteReader): UserNews[] {
  const count = reader.varint()
  const items: UserNews[] = []
  for (let i = 0; i < count; i++) items.push(readOne(readPart(reader, MAX_NEWS_BYTES)))
  return items
}

function readOne(reader: ByteReader): UserNews {
  const origin = readId(reader)
  const generation = positive(reader.varint(), 'generation')
  const nonce = positive(reader.varint(), 'nonce')
  const sequence = positive(reader.varint(), 'sequence')
  const leftMs = Math.min(reader.varint(), MAX_TTL_MS)
  const topic = readName(reader)
  const payload = readPayload(reader, MAX_BROADCAST_BYTES)
  if (reader.remaining > MAX_UNKNOWN_BYTES) throw new MalformedError('a broadcast has too many fields')
  const unknown = reader.remaining === 0 ? {} : { unknown: new Uint8Array(reader.rest()) }
  return { origin, generation, nonce, sequence, leftMs, topic, payload, ...unknown }
}

/** A topic, or the name of a query. */
export function readName(reader: ByteReader): string {
  const name = readText(reader, MAX_ID_BYTES)
  if (name.length === 0 || name.length > MAX_NAME_CHARACTERS) throw new MalformedError('a name has a wrong length')
  return name
}

/** A copy: a view would keep the whole frame in memory. */
export function readPayload(reader: ByteReader, maxBytes: number): Uint8Array {
  return new Uint8Array(readPart(reader, maxBytes).rest())
}
