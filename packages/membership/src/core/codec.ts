import { ByteReader, ByteWriter, MalformedError, utf8Length, varintLength } from '@dsys/runtime/bytes'
import { KINDS, type Message, type MessageBody } from './message.ts'
import { compareText, MAX_INCARNATION, type MemberRecord, type MetadataEntries, type Rumor, STATES } from './record.ts'

/** The first byte of every frame. */
export const WIRE_VERSION: number = 1

const MAX_ID_CHARACTERS = 128
const MAX_ID_BYTES = 3 * MAX_ID_CHARACTERS
const MAX_CLUSTER_BYTES = 512
/** Metadata of one node, keys and values with their lengths, in bytes. The same on every node: more is refused. */
export const MAX_METADATA_BYTES: number = 1_024
/** A bound on the encoded size of one rumor: two ids, metadata, numbers, and room for fields to come. */
export const MAX_RUMOR_BYTES: number = 2_048

/** A frame that was read, or why it was not. */
export type Decoded =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly reason: 'version' | 'cluster' | 'malformed'; readonly why: string }

/** A text in a frame is its length in UTF-8, then the text. */
function writeText(writer: ByteWriter, text: string): void {
  const bytes = utf8Length(text)
  writer.varint(bytes).utf8(text, bytes)
}

function textBytes(text: string): number {
  const bytes = utf8Length(text)
  return varintLength(bytes) + bytes
}

const readText = (reader: ByteReader, maxBytes: number): string => reader.utf8(readLength(reader, maxBytes))

const readBytes = (reader: ByteReader, maxBytes: number): Uint8Array => reader.raw(readLength(reader, maxBytes))

function readLength(reader: ByteReader, maxBytes: number): number {
  const bytes = reader.varint()
  if (bytes > maxBytes) throw new MalformedError(`a field has ${bytes} bytes, ${maxBytes} are allowed`)
  return bytes
}

/** Bytes that the metadata takes in a frame. */
export function metadataBytes(metadata: MetadataEntries): number {
  return metadata.reduce((sum, [key, value]) => sum + utf8Length(key) + utf8Length(value) + 4, 0)
}

/** Bytes of a record in a rumor. */
export function recordBytes({ id, generation, incarnation, metadata }: MemberRecord): number {
  const numbers = varintLength(generation) + varintLength(incarnation) + 1 + varintLength(metadata.length)
  return metadata.reduce((sum, [key, value]) => sum + textBytes(key) + textBytes(value), textBytes(id) + numbers)
}

/** Bytes of a rumor in a frame, without the length before it. `bytes` are those of its record, where they are known. */
export function rumorBytes(rumor: Rumor, bytes: number = recordBytes(rumor.record)): number {
  return bytes + textBytes(rumor.accuser ?? '') + varintLength(ageOf(rumor))
}

const ageOf = ({ ageMs }: Rumor): number => Math.max(0, Math.round(ageMs))

function writeRumor(writer: ByteWriter, rumor: Rumor): void {
  const { record } = rumor
  writer.varint(rumorBytes(rumor))
  writeText(writer, record.id)
  writer.varint(record.generation)
  writer.varint(record.incarnation)
  writer.u8(STATES.indexOf(record.state))
  writer.varint(record.metadata.length)
  for (const [key, value] of record.metadata) {
    writeText(writer, key)
    writeText(writer, value)
  }
  writeText(writer, rumor.accuser ?? '')
  writer.varint(ageOf(rumor))
}

function decodeRumor(bytes: Uint8Array): Rumor {
  const reader = new ByteReader(bytes)
  const id = readId(reader)
  const generation = positive(reader.varint(), 'generation')
  const incarnation = reader.varint()
  if (incarnation > MAX_INCARNATION) throw new MalformedError('an incarnation is too large')
  const state = STATES[reader.u8()]
  if (state === undefined) throw new MalformedError('a state is unknown')
  const metadata = decodeMetadata(reader)
  const accuser = readText(reader, MAX_ID_BYTES)
  const ageMs = reader.varint()
  // What follows was added by a later version; the length before the rumor lets this one pass it over.
  const record = { id, generation, incarnation, state, metadata }
  return { record, accuser: accuser === '' ? undefined : accuser, ageMs }
}

function decodeMetadata(reader: ByteReader): MetadataEntries {
  const count = reader.varint()
  const entries: (readonly [string, string])[] = []
  for (let i = 0; i < count; i++) {
    const key = readText(reader, MAX_METADATA_BYTES)
    const previous = entries.at(-1)
    if (previous !== undefined && compareText(previous[0], key) >= 0)
      throw new MalformedError('metadata is not in order')
    entries.push([key, readText(reader, MAX_METADATA_BYTES)])
  }
  if (metadataBytes(entries) > MAX_METADATA_BYTES) throw new MalformedError('metadata is too large')
  return entries
}

/** The frame of `message` in `cluster`. */
export function encodeMessage(message: Message, cluster: string): Uint8Array {
  const writer = new ByteWriter()
  writer.u8(WIRE_VERSION)
  writeText(writer, cluster)
  writer.u8(KINDS.indexOf(message.kind))
  writeBody(writer, message)
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
      break
    case 'hello':
      writer.varint(body.answers)
      break
    case 'sync-request':
    case 'sync-reply':
      writer.u8(body.last ? 1 : 0)
      break
  }
}

/** Reads a frame of `cluster`. Never throws: whatever the bytes are, it says what was wrong with them. */
export function decodeMessage(frame: Uint8Array, cluster: string): Decoded {
  try {
    const reader = new ByteReader(frame)
    const version = reader.u8()
    if (version !== WIRE_VERSION) return { ok: false, reason: 'version', why: `version ${version}` }
    const name = readText(reader, MAX_CLUSTER_BYTES)
    if (name !== cluster) return { ok: false, reason: 'cluster', why: `cluster ${JSON.stringify(name)}` }
    const body = readBody(reader)
    const count = reader.varint()
    const rumors: Rumor[] = []
    for (let i = 0; i < count; i++) rumors.push(decodeRumor(readBytes(reader, MAX_RUMOR_BYTES)))
    reader.expectEnd()
    return { ok: true, message: { ...body, rumors } }
  } catch (error) {
    if (error instanceof MalformedError) return { ok: false, reason: 'malformed', why: error.message }
    throw error
  }
}

function readBody(reader: ByteReader): MessageBody {
  const kind = KINDS[reader.u8()]
  switch (kind) {
    case 'ping':
      return { kind, seq: reader.varint(), generation: positive(reader.varint(), 'generation') }
    case 'ack':
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
      return { kind, answers: reader.varint() }
    case 'sync-request':
    case 'sync-reply':
      return { kind, last: flag(reader) }
    default:
      throw new MalformedError('its kind is unknown')
  }
}

function readId(reader: ByteReader): string {
  const id = readText(reader, MAX_ID_BYTES)
  if (id.length === 0 || id.length > MAX_ID_CHARACTERS) throw new MalformedError('an id has a wrong length')
  return id
}

function positive(value: number, name: string): number {
  if (value < 1) throw new MalformedError(`a ${name} is below 1`)
  return value
}

function flag(reader: ByteReader): boolean {
  const value = reader.u8()
  if (value > 1) throw new MalformedError('a flag is neither 0 nor 1')
  return value === 1
}
