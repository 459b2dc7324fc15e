import { ByteReader, ByteWriter, crc32, MalformedError, utf8Length, varintLength } from '@dsys/runtime/bytes'
import { checkFact, isFact } from './description.ts'
import {
  compareText,
  MAX_ACCUSERS,
  MAX_INCARNATION,
  type MemberRecord,
  type MemberState,
  type MetadataEntries,
  type RecordField,
  type Rumor,
  STATES,
} from './record.ts'
import { MAX_VERSION, type VersionRange } from './versions.ts'

const MAX_ID_CHARACTERS = 128
export const MAX_ID_BYTES: number = 3 * MAX_ID_CHARACTERS
/** The description of one node: metadata, roles, capabilities and tags, with their lengths, in bytes. The same on every node: more is refused. */
export const MAX_METADATA_BYTES: number = 1_024
/** All other fields of a record, those of later versions included. */
const MAX_FIELD_BYTES = 512
/** What the fields of a description take besides what is in them, at most. */
const FACT_HEADERS_BYTES = 9
/** A bound on the encoded size of one rumor. */
export const MAX_RUMOR_BYTES: number = 2_560

/** An age is no longer, whatever is said. */
const MAX_AGE_MS = 2 ** 40

/** Fields of a record behind its metadata; 3 to 5 are in description.ts. Numbers are never given a second meaning, and a field never another form. */
const FIELD = { nonce: 1, versions: 2 } as const
const HIGHEST_FIELD = 5

/** A text in a frame is its length in UTF-8, then the text. */
export function writeText(writer: ByteWriter, text: string): void {
  const bytes = utf8Length(text)
  writer.varint(bytes).utf8(text, bytes)
}

export function textBytes(text: string): number {
  const bytes = utf8Length(text)
  return varintLength(bytes) + bytes
}

export const readText = (reader: ByteReader, maxBytes: number): string => reader.utf8(readLength(reader, maxBytes))

/** A part of a frame: its length, then what is in it. */
export const readPart = (reader: ByteReader, maxBytes: number): ByteReader =>
  new ByteReader(reader.raw(readLength(reader, maxBytes)))

function readLength(reader: ByteReader, maxBytes: number): number {
  const bytes = reader.varint()
  if (bytes > maxBytes) throw new MalformedError(`a field has ${bytes} bytes, ${maxBytes} are allowed`)
  return bytes
}

/** Bytes that the metadata takes in a frame. */
function metadataBytes(metadata: MetadataEntries): number {
  return metadata.reduce((sum, [key, value]) => sum + utf8Length(key) + utf8Length(value) + 4, 0)
}

/** Bytes of a description, as {@link MAX_METADATA_BYTES} counts them. */
export function descriptionBytes({ metadata, facts = [] }: Pick<MemberRecord, 'metadata' | 'facts'>): number {
  return facts.reduce((sum, { bytes }) => sum + bytes.length, metadataBytes(metadata))
}

/** Bytes of a record in a rumor, without the length before it. */
export function recordBytes(record: MemberRecord): number {
  const { id, generation, incarnation, metadata } = record
  const numbers = varintLength(generation) + varintLength(incarnation) + 1 + varintLength(metadata.length)
  const texts = metadata.reduce((sum, [key, value]) => sum + textBytes(key) + textBytes(value), textBytes(id))
  return numbers + texts + fieldBytes(record)
}

function fieldBytes({ nonce, versions, facts = [], unknown = [] }: MemberRecord): number {
  const known =
    (nonce === undefined ? 0 : 2 + varintLength(nonce)) + (versions === undefined ? 0 : 2 + rangeBytes(versions))
  return [...facts, ...unknown].reduce((sum, field) => sum + oneFieldBytes(field), known)
}

const oneFieldBytes = ({ tag, bytes }: RecordField): number => varintLength(tag) + partBytes(bytes.length)

const rangeBytes = ({ min, max }: VersionRange): number => varintLength(min) + varintLength(max)
const partBytes = (bytes: number): number => varintLength(bytes) + bytes

/** Bytes of a rumor in a frame, without the length before it. `bytes` are those of its record, where they are known. */
export function rumorBytes(rumor: Rumor, bytes: number = recordBytes(rumor.record)): number {
  const accusers = accusersThatFit(rumor, bytes)
  const texts = accusers.reduce((sum, accuser) => sum + textBytes(accuser), varintLength(accusers.length))
  return partBytes(bytes) + varintLength(ageOf(rumor)) + texts
}

const ageOf = ({ ageMs }: Rumor): number => Math.max(0, Math.round(ageMs))

/** Ids may be long: beyond the first, accusers travel as far as there is room for them. */
function accusersThatFit({ accusers = [] }: Rumor, bytes: number): readonly string[] {
  let room = MAX_RUMOR_BYTES - bytes - 16
  let count = 0
  while (count < Math.min(accusers.length, MAX_ACCUSERS)) {
    room -= textBytes(accusers[count] as string)
    if (room < 0) break
    count += 1
  }
  return count === accusers.length ? accusers : accusers.slice(0, count)
}

export function writeRumor(writer: ByteWriter, rumor: Rumor): void {
  const bytes = recordBytes(rumor.record)
  writer.varint(rumorBytes(rumor, bytes)).varint(bytes)
  writeRecord(writer, rumor.record)
  writer.varint(ageOf(rumor))
  const accusers = accusersThatFit(rumor, bytes)
  writer.varint(accusers.length)
  for (const accuser of accusers) writeText(writer, accuser)
}

/**
 * A number of 32 bits that stands for the whole record; the same on all nodes, since a record has one form only. A checksum alone would
 * be linear: the last steps make it fit for sums.
 */
export function recordHash(record: MemberRecord): number {
  const writer = new ByteWriter(recordBytes(record))
  writeRecord(writer, record)
  let hash = crc32(writer.written())
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

export function writeRecord(writer: ByteWriter, record: MemberRecord): void {
  writeText(writer, record.id)
  writer.varint(record.generation)
  writer.varint(record.incarnation)
  writer.u8(STATES.indexOf(record.state))
  writer.varint(record.metadata.length)
  for (const [key, value] of record.metadata) {
    writeText(writer, key)
    writeText(writer, value)
  }
  const { nonce, versions, facts = [], unknown = [] } = record
  if (nonce !== undefined) writer.varint(FIELD.nonce).varint(varintLength(nonce)).varint(nonce)
  if (versions !== undefined) {
    writer.varint(FIELD.versions).varint(rangeBytes(versions)).varint(versions.min).varint(versions.max)
  }
  for (const { tag, bytes } of facts) writer.varint(tag).varint(bytes.length).raw(bytes)
  for (const { tag, bytes } of unknown) writer.varint(tag).varint(bytes.length).raw(bytes)
}

export function readRumor(reader: ByteReader): Rumor {
  const record = readRecord(readPart(reader, MAX_RUMOR_BYTES))
  // Longer than anything is remembered. Here it goes on to grow, and must not grow beyond what can be written.
  const ageMs = Math.min(reader.varint(), MAX_AGE_MS)
  const count = reader.varint()
  if (count > MAX_ACCUSERS) throw new MalformedError(`a rumor has ${count} accusers`)
  const accusers = Array.from({ length: count }, () => readId(reader))
  // What follows was added by a later version; the length before the rumor lets this one pass it over.
  return { record, accusers: count === 0 ? undefined : accusers, ageMs }
}

export function readRecord(reader: ByteReader): MemberRecord {
  const id = readId(reader)
  const generation = positive(reader.varint(), 'generation')
  const incarnation = reader.varint()
  if (incarnation > MAX_INCARNATION) throw new MalformedError('an incarnation is too large')
  const state = readState(reader)
  const metadata = readMetadata(reader)
  const record: MemberRecord = { id, generation, incarnation, state, metadata, ...readFields(reader) }
  if (descriptionBytes(record) > MAX_METADATA_BYTES) throw new MalformedError('metadata is too large')
  return record
}

export function readState(reader: ByteReader): MemberState {
  const state = STATES[reader.u8()]
  if (state === undefined) throw new MalformedError('a state is unknown')
  return state
}

function readFields(reader: ByteReader): Pick<MemberRecord, 'nonce' | 'versions' | 'facts' | 'unknown'> {
  let room = MAX_FIELD_BYTES
  if (reader.remaining > MAX_FIELD_BYTES + MAX_METADATA_BYTES + FACT_HEADERS_BYTES) throw new MalformedError(TOO_MUCH)
  let nonce: number | undefined
  let versions: VersionRange | undefined
  const facts: RecordField[] = []
  const unknown: RecordField[] = []
  for (let last = 0; reader.remaining > 0; ) {
    const tag = reader.varint()
    if (tag <= last) throw new MalformedError('the fields of a record are not in order')
    last = tag
    const part = readPart(reader, MAX_METADATA_BYTES)
    if (!isFact(tag)) room -= varintLength(tag) + partBytes(part.remaining)
    if (isFact(tag)) facts.push(factFrom(tag, part))
    // A copy: a view would keep the whole frame in memory.
    else if (tag > HIGHEST_FIELD) unknown.push({ tag, bytes: new Uint8Array(part.rest()) })
    else if (tag === FIELD.nonce) nonce = positive(part.varint(), 'nonce')
    else versions = readVersions(part)
    part.expectEnd()
  }
  if (room < 0) throw new MalformedError(TOO_MUCH)
  return {
    ...(nonce === undefined ? {} : { nonce }),
    ...(versions === undefined ? {} : { versions }),
    ...(facts.length === 0 ? {} : { facts }),
    ...(unknown.length === 0 ? {} : { unknown }),
  }
}

const TOO_MUCH = 'a record has too many fields'

function factFrom(tag: number, part: ByteReader): RecordField {
  const fact = { tag, bytes: new Uint8Array(part.rest()) }
  checkFact(fact)
  return fact
}

export function readVersions(reader: ByteReader): VersionRange {
  const min = reader.varint()
  const max = reader.varint()
  if (min < 1 || min > max || max > MAX_VERSION) throw new MalformedError(`versions are ${min} to ${max}`)
  return { min, max }
}

function readMetadata(reader: ByteReader): MetadataEntries {
  const count = reader.varint()
  if (4 * count > MAX_METADATA_BYTES) throw new MalformedError('metadata is too large')
  const entries: (readonly [string, string])[] = []
  for (let i = 0; i < count; i++) {
    const key = readText(reader, MAX_METADATA_BYTES)
    const previous = entries.at(-1)
    if (previous !== undefined && compareText(previous[0], key) >= 0)
      throw new MalformedError('metadata is not in order')
    entries.push([key, readText(reader, MAX_METADATA_BYTES)])
  }
  return entries
}

export function readId(reader: ByteReader): string {
  const id = readText(reader, MAX_ID_BYTES)
  if (id.length === 0 || id.length > MAX_ID_CHARACTERS) throw new MalformedError('an id has a wrong length')
  return id
}

export function positive(value: number, name: string): number {
  if (value < 1) throw new MalformedError(`a ${name} is below 1`)
  return value
}
