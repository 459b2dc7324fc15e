import { MalformedFrame, numberBytes, Reader, textBytes, utf8Length, Writer } from './bytes.ts'
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

/** Bytes that the metadata takes in a frame. */
export function metadataBytes(metadata: MetadataEntries): number {
  return metadata.reduce((sum, [key, value]) => sum + utf8Length(key) + utf8Length(value) + 4, 0)
}

/** Bytes of a record in a rumor. */
export function recordBytes({ id, generation, incarnation, metadata }: MemberRecord): number {
  const numbers = numberBytes(generation) + numberBytes(incarnation) + 1 + numberBytes(metadata.length)
  return metadata.reduce((sum, [key, value]) => sum + textBytes(key) + textBytes(value), textBytes(id) + numbers)
}

/** Bytes of a rumor in a frame, without the length before it. `bytes` are those of its record, where they are known. */
export function rumorBytes(rumor: Rumor, bytes: number = recordBytes(rumor.record)): number {
  return bytes + textBytes(rumor.accuser ?? '') + numberBytes(ageOf(rumor))
}

const ageOf = ({ ageMs }: Rumor): number => Math.max(0, Math.round(ageMs))

function writeRumor(writer: Writer, rumor: Rumor): void {
  const { record } = rumor
  writer.number(rumorBytes(rumor))
  writer.text(record.id)
  writer.number(record.generation)
  writer.number(record.incarnation)
  writer.byte(STATES.indexOf(record.state))
  writer.number(record.metadata.length)
  for (const [key, value] of record.metadata) {
    writer.text(key)
    writer.text(value)
  }
  writer.text(rumor.accuser ?? '')
  writer.number(ageOf(rumor))
}

function decodeRumor(bytes: Uint8Array): Rumor {
  const reader = new Reader(bytes)
  const id = readId(reader)
  const generation = positive(reader.number(), 'generation')
  const incarnation = reader.number()
  if (incarnation > MAX_INCARNATION) throw new MalformedFrame('an incarnation is too large')
  const state = STATES[reader.byte()]
  if (state === undefined) throw new MalformedFrame('a state is unknown')
  const metadata = decodeMetadata(reader)
  const accuser = reader.text(MAX_ID_BYTES)
  const ageMs = reader.number()
  // What follows was added by a later version; the length before the rumor lets this one pass it over.
  const record = { id, generation, incarnation, state, metadata }
  return { record, accuser: accuser === '' ? undefined : accuser, ageMs }
}

function decodeMetadata(reader: Reader): MetadataEntries {
  const count = reader.number()
  const entries: (readonly [string, string])[] = []
  for (let i = 0; i < count; i++) {
    const key = reader.text(MAX_METADATA_BYTES)
    const previous = entries.at(-1)
    if (previous !== undefined && compareText(previous[0], key) >= 0)
      throw new MalformedFrame('metadata is not in order')
    entries.push([key, reader.text(MAX_METADATA_BYTES)])
  }
  if (metadataBytes(entries) > MAX_METADATA_BYTES) throw new MalformedFrame('metadata is too large')
  return entries
}

/** The frame of `message` in `cluster`. */
export function encodeMessage(message: Message, cluster: string): Uint8Array {
  const writer = new Writer()
  writer.byte(WIRE_VERSION)
  writer.text(cluster)
  writer.byte(KINDS.indexOf(message.kind))
  writeBody(writer, message)
  writer.number(message.rumors.length)
  for (const rumor of message.rumors) writeRumor(writer, rumor)
  return writer.finish()
}

function writeBody(writer: Writer, body: MessageBody): void {
  switch (body.kind) {
    case 'ping':
      writer.number(body.seq)
      writer.number(body.generation)
      break
    case 'ack':
      writer.number(body.seq)
      break
    case 'ping-request':
      writer.number(body.seq)
      writer.text(body.target)
      writer.number(body.generation)
      break
    case 'ping-answer':
      writer.number(body.seq)
      writer.byte(body.reached ? 1 : 0)
      break
    case 'gossip':
      break
    case 'hello':
      writer.number(body.answers)
      break
    case 'sync-request':
    case 'sync-reply':
      writer.byte(body.last ? 1 : 0)
      break
  }
}

/** Reads a frame of `cluster`. Never throws: whatever the bytes are, it says what was wrong with them. */
export function decodeMessage(frame: Uint8Array, cluster: string): Decoded {
  try {
    const reader = new Reader(frame)
    const version = reader.byte()
    if (version !== WIRE_VERSION) return { ok: false, reason: 'version', why: `version ${version}` }
    const name = reader.text(MAX_CLUSTER_BYTES)
    if (name !== cluster) return { ok: false, reason: 'cluster', why: `cluster ${JSON.stringify(name)}` }
    const body = readBody(reader)
    const count = reader.number()
    const rumors: Rumor[] = []
    for (let i = 0; i < count; i++) rumors.push(decodeRumor(reader.bytes(MAX_RUMOR_BYTES)))
    if (!reader.atEnd) throw new MalformedFrame('bytes follow its end')
    return { ok: true, message: { ...body, rumors } }
  } catch (error) {
    if (error instanceof MalformedFrame) return { ok: false, reason: 'malformed', why: error.message }
    throw error
  }
}

function readBody(reader: Reader): MessageBody {
  const kind = KINDS[reader.byte()]
  switch (kind) {
    case 'ping':
      return { kind, seq: reader.number(), generation: positive(reader.number(), 'generation') }
    case 'ack':
      return { kind, seq: reader.number() }
    case 'ping-request':
      return {
        kind,
        seq: reader.number(),
        target: readId(reader),
        generation: positive(reader.number(), 'generation'),
      }
    case 'ping-answer':
      return { kind, seq: reader.number(), reached: flag(reader) }
    case 'gossip':
      return { kind }
    case 'hello':
      return { kind, answers: reader.number() }
    case 'sync-request':
    case 'sync-reply':
      return { kind, last: flag(reader) }
    default:
      throw new MalformedFrame('its kind is unknown')
  }
}

function readId(reader: Reader): string {
  const id = reader.text(MAX_ID_BYTES)
  if (id.length === 0 || id.length > MAX_ID_CHARACTERS) throw new MalformedFrame('an id has a wrong length')
  return id
}

function positive(value: number, name: string): number {
  if (value < 1) throw new MalformedFrame(`a ${name} is below 1`)
  return value
}

function flag(reader: Reader): boolean {
  const value = reader.byte()
  if (value > 1) throw new MalformedFrame('a flag is neither 0 nor 1')
  return value === 1
}
