import { ByteReader, ByteWriter, MalformedError, varintLength } from '@dsys/runtime/bytes'
import { readAlerts, writeAlerts } from './cut/alert-codec.ts'
import { readIds, readRanges, readSums, writeIds, writeRanges, writeSums } from './digest-codec.ts'
import { type FrameHeader, KIND_NUMBERS, KINDS, type KnownKind, type Message, type MessageBody } from './message.ts'
import { readAnswer, readQuery, writeAnswer, writeQuery } from './query-codec.ts'
import type { Rumor } from './record.ts'
import {
  MAX_RUMOR_BYTES,
  positive,
  readId,
  readPart,
  readRumor,
  readText,
  readVersions,
  writeRumor,
  writeText,
} from './record-codec.ts'
import { readNews, writeNews } from './user-codec.ts'
import { describeVersions, PROTOCOL_VERSIONS, type VersionRange } from './versions.ts'

/** What stands before the kind can be read from this version on, whatever version a frame is of. */
const FIRST_VERSION_WITH_HEADER = 2
const MAX_CLUSTER_BYTES = 512
const MAX_HEADER_BYTES = 4_096
const MAX_BODY_BYTES = 2 ** 24

/** A header of somebody who does not say which process it is. */
const ANONYMOUS: FrameHeader = Object.freeze({
  version: PROTOCOL_VERSIONS.min,
  versions: PROTOCOL_VERSIONS,
  nonce: 0,
  sequence: 0,
})

/** A frame that was read, or why it was not. */
export type Decoded =
  | { readonly ok: true; readonly header: FrameHeader; readonly message: Message }
  | { readonly ok: false; readonly reason: 'cluster' | 'malformed'; readonly why: string }
  /** It is of another version. All can read its header, but that of the first version, which has none. */
  | { readonly ok: false; readonly reason: 'version'; readonly why: string; readonly header: FrameHeader | undefined }

/** The frame of `message` in `cluster`. A kind that this version does not know is a TypeError. */
export function encodeMessage(message: Message, cluster: string, header: FrameHeader = ANONYMOUS): Uint8Array {
  const writer = new ByteWriter()
  writer.u8(header.version)
  writeText(writer, cluster)
  const { versions, nonce, sequence } = header
  const numbers = [versions.min, versions.max, nonce, sequence]
  writer.varint(numbers.reduce((sum, number) => sum + varintLength(number), 0))
  for (const number of numbers) writer.varint(number)
  if (message.kind === 'unknown') throw new TypeError('a message of a kind that is not known cannot be sent')
  writer.u8(KIND_NUMBERS[message.kind])
  const body = new ByteWriter(64)
  writeBody(body, message)
  writer.varint(body.length).raw(body.written())
  writer.varint(message.rumors.length)
  for (const rumor of message.rumors) writeRumor(writer, rumor)
  // A frame of its own size: it may wait for a while, and should not hold more.
  return new Uint8Array(writer.written())
}

function writeBody(writer: ByteWriter, body: MessageBody): void {
  switch (body.kind) {
    case 'ping':
      writer.varint(body.seq)
      writer.varint(body.generation)
      break
    case 'ack':
    case 'ping-busy':
      writer.varint(body.seq)
      break
    case 'ping-request':
      writer.varint(body.seq)
      writeText(writer, body.target)
      writer.varint(body.generation)
      break
    case 'ping-answer':
      writer.varint(body.seq)
      writer.u8(body.reached ? 1 : 0)
      break
    case 'gossip':
    case 'unknown':
      break
    case 'hello':
      writer.varint(body.answers)
      writer.u8(body.joined ? 1 : 0)
      break
    case 'sync-request':
    case 'sync-reply':
      writer.u8(body.last ? 1 : 0)
      break
    case 'digest':
      writeSums(writer, body.sums)
      break
    case 'digest-answer':
      writeRanges(writer, body.ranges)
      break
    case 'alerts':
      writeAlerts(writer, body)
      break
    case 'sync-delta':
      writeIds(writer, body.pull)
      break
    case 'broadcasts':
      writeNews(writer, body.items)
      break
    case 'query':
      writeQuery(writer, body)
      break
    case 'answer':
      writeAnswer(writer, body)
      break
  }
}

/**
 * Reads a frame of `cluster`. Never throws: whatever the bytes are, it says what was wrong with them. Fields that a later version has added
 * to the header or to a message are passed over; those that it has added to a record are kept.
 */
export function decodeMessage(frame: Uint8Array, cluster: string, versions: VersionRange = PROTOCOL_VERSIONS): Decoded {
  try {
    const reader = new ByteReader(frame)
    const version = reader.u8()
    const name = readText(reader, MAX_CLUSTER_BYTES)
    if (name !== cluster) return { ok: false, reason: 'cluster', why: `cluster ${JSON.stringify(name)}` }
    const header = version < FIRST_VERSION_WITH_HEADER ? undefined : readHeader(reader, version)
    if (header === undefined || version < versions.min || version > versions.max) {
      const why = `version ${version} is not one of ${describeVersions(versions)}`
      return { ok: false, reason: 'version', why, header }
    }
    const number = reader.u8()
    const body = readBody(readPart(reader, MAX_BODY_BYTES), number)
    const count = reader.varint()
    const rumors: Rumor[] = []
    for (let i = 0; i < count; i++) rumors.push(readRumor(readPart(reader, MAX_RUMOR_BYTES)))
    reader.expectEnd()
    return { ok: true, header, message: { ...body, rumors } }
  } catch (error) {
    if (error instanceof MalformedError) return { ok: false, reason: 'malformed', why: error.message }
    throw error
  }
}

function readHeader(frame: ByteReader, version: number): FrameHeader {
  const reader = readPart(frame, MAX_HEADER_BYTES)
  return { version, versions: readVersions(reader), nonce: reader.varint(), sequence: reader.varint() }
}

const KIND_OF: ReadonlyMap<number, KnownKind> = new Map(KINDS.map((kind) => [KIND_NUMBERS[kind], kind]))

function readBody(reader: ByteReader, number: number): MessageBody {
  const kind = KIND_OF.get(number)
  switch (kind) {
    case undefined:
      return { kind: 'unknown', number }
    case 'ping':
      return { kind, seq: reader.varint(), generation: positive(reader.varint(), 'generation') }
    case 'ack':
    case 'ping-busy':
      return { kind, seq: reader.varint() }
    case 'ping-request':
      return {
        kind,
        seq: reader.varint(),
        target: readId(reader),
        generation: positive(reader.varint(), 'generation'),
      }
    case 'ping-answer':
      return { kind, seq: reader.varint(), reached: flag(reader) }
    case 'gossip':
      return { kind }
    case 'hello':
      return { kind, answers: reader.varint(), joined: flag(reader) }
    case 'sync-request':
    case 'sync-reply':
      return { kind, last: flag(reader) }
    case 'digest':
      return { kind, sums: readSums(reader) }
    case 'digest-answer':
      return { kind, ranges: readRanges(reader) }
    case 'alerts':
      return { kind, ...readAlerts(reader) }
    case 'sync-delta':
      return { kind, pull: readIds(reader) }
    case 'broadcasts':
      return { kind, items: readNews(reader) }
    case 'query':
      return { kind, ...readQuery(reader) }
    case 'answer':
      return { kind, ...readAnswer(reader) }
  }
}

function flag(reader: ByteReader): boolean {
  const value = reader.u8()
  if (value > 1) throw new MalformedError('a flag is neither 0 nor 1')
  return value === 1
}
