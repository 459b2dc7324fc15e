import { type ByteReader, ByteWriter, MalformedError, utf8Length } from '@dsys/runtime/bytes'
import { decoding } from '../../core/decoding.ts'
import { type Clock, clockCovers } from './clock.ts'
import { type Actor, compareDots, type Dot, MAX_ACTOR_BYTES, MAX_COUNTER } from './dot.ts'
import type { DottedObject, Knowledge, ToldObject, Version } from './object.ts'
import type { SeenRow } from './seen.ts'

/**
 * Stored: version u8 · actors · versions · clock · dots · deletes. On the wire: the same, and heard behind it, with a version byte of its own.
 *
 * actors: count, each as length and UTF-8, sorted · dot: position among the actors, counter · list of dots: count, dots, sorted ·
 * version: dot, flags u8, [expiry], [wall, logical], length, value. Numbers are varints.
 */
const STORED_VERSION = 1
const TOLD_VERSION = 0x41
const SEEN_VERSION = 0x61
const HAS_EXPIRY = 1
const HAS_TIME = 2

/** The actors that an encoding names, by position. */
class Actors {
  readonly #positions = new Map<Actor, number>()

  constructor(writer: ByteWriter, lists: readonly (readonly Dot[])[]) {
    const actors = new Set<Actor>()
    for (const dots of lists) for (const { actor } of dots) actors.add(actor)
    writer.varint(actors.size)
    for (const actor of [...actors].sort()) {
      this.#positions.set(actor, this.#positions.size)
      writeActor(writer, actor)
    }
  }

  write(writer: ByteWriter, { actor, counter }: Dot): void {
    writer.varint(this.#positions.get(actor) as number).varint(counter)
  }

  writeAll(writer: ByteWriter, dots: readonly Dot[]): void {
    writer.varint(dots.length)
    for (const dot of dots) this.write(writer, dot)
  }
}

function writeActor(writer: ByteWriter, actor: Actor): void {
  const bytes = utf8Length(actor)
  writer.varint(bytes).utf8(actor, bytes)
}

function readActor(reader: ByteReader): Actor {
  const bytes = reader.varint()
  if (bytes === 0 || bytes > MAX_ACTOR_BYTES) throw new MalformedError(`an actor has ${bytes} bytes`)
  return reader.utf8(bytes)
}

function readActors(reader: ByteReader): Actor[] {
  return readList(reader, 2, readActor, (a, b) => (a < b ? -1 : a === b ? 0 : 1))
}

/** A list that ascends. What it says of its length is checked against what is there. */
function readList<T>(
  reader: ByteReader,
  leastBytes: number,
  read: (reader: ByteReader) => T,
  compare: (a: T, b: T) => number,
): T[] {
  const count = reader.varint()
  if (count * leastBytes > reader.remaining) throw new MalformedError('it ends too early')
  const list: T[] = []
  for (let i = 0; i < count; i++) {
    const item = read(reader)
    if (i > 0 && compare(list[i - 1] as T, item) >= 0) throw new MalformedError('a list is not in order')
    list.push(item)
  }
  return list
}

function readDot(reader: ByteReader, actors: readonly Actor[]): Dot {
  const actor = actors[reader.varint()]
  if (actor === undefined) throw new MalformedError('an actor is not named')
  return { actor, counter: readCounter(reader) }
}

function readCounter(reader: ByteReader): number {
  const counter = reader.varint()
  if (counter < 1 || counter > MAX_COUNTER) throw new MalformedError(`a counter is ${counter}`)
  return counter
}

const readDots = (reader: ByteReader, actors: readonly Actor[]): Dot[] =>
  readList(reader, 2, (from) => readDot(from, actors), compareDots)

function readClock(reader: ByteReader, actors: readonly Actor[]): Clock {
  const clock = readDots(reader, actors)
  clock.forEach(({ actor }, i) => {
    if (clock[i + 1]?.actor === actor) throw new MalformedError('a clock names an actor twice')
  })
  return clock
}

function writeVersion(writer: ByteWriter, actors: Actors, version: Version): void {
  const { value, expiresAtMs, time } = version
  actors.write(writer, version)
  writer.u8((expiresAtMs === undefined ? 0 : HAS_EXPIRY) | (time === undefined ? 0 : HAS_TIME))
  if (expiresAtMs !== undefined) writer.varint(expiresAtMs)
  if (time !== undefined) writer.varint(time.wallMs).varint(time.logical)
  writer.varint(value.length).raw(value)
}

function readVersion(reader: ByteReader, actors: readonly Actor[]): Version {
  const dot = readDot(reader, actors)
  const flags = reader.u8()
  if (flags > (HAS_EXPIRY | HAS_TIME)) throw new MalformedError(`flags are ${flags}`)
  const expiresAtMs = (flags & HAS_EXPIRY) === 0 ? undefined : reader.varint()
  const time = (flags & HAS_TIME) === 0 ? undefined : { wallMs: reader.varint(), logical: reader.varint() }
  return { ...dot, value: reader.raw(reader.varint()), expiresAtMs, time }
}

function writeObject(
  writer: ByteWriter,
  { versions, clock, dots, deletes }: DottedObject,
  heard: readonly Dot[],
): Actors {
  const actors = new Actors(writer, [versions, clock, dots, deletes, heard])
  writer.varint(versions.length)
  for (const version of versions) writeVersion(writer, actors, version)
  for (const list of [clock, dots, deletes]) actors.writeAll(writer, list)
  return actors
}

function readObject(reader: ByteReader, actors: readonly Actor[]): DottedObject {
  const versions = readList(reader, 4, (from) => readVersion(from, actors), compareDots)
  const clock = readClock(reader, actors)
  return { versions, clock, dots: readDots(reader, actors), deletes: readDots(reader, actors) }
}

/** An object as it is stored. */
export function encodeStored(object: DottedObject): Uint8Array {
  const writer = new ByteWriter().u8(STORED_VERSION)
  writeObject(writer, object, [])
  return writer.written()
}

/** Throws FormatError (`DSYS_KV_FORMAT`). Values are views of the bytes. */
export function decodeStored(bytes: Uint8Array): DottedObject {
  return decoding('a stored object', STORED_VERSION, bytes, (reader) => readObject(reader, readActors(reader)))
}

/** An object as another replica is told it. */
export function encodeTold(told: ToldObject): Uint8Array {
  const writer = new ByteWriter().u8(TOLD_VERSION)
  const actors = writeObject(writer, told, told.heard)
  actors.writeAll(writer, told.heard)
  return writer.written()
}

/** Throws FormatError (`DSYS_KV_FORMAT`), also where the clock of the object does not cover its versions: nobody tells such a one. */
export function decodeTold(bytes: Uint8Array): ToldObject {
  return decoding('an object of another replica', TOLD_VERSION, bytes, (reader) => {
    const actors = readActors(reader)
    const object = readObject(reader, actors)
    if (!object.versions.every((dot) => clockCovers(object.clock, dot)))
      throw new MalformedError('a clock does not cover a version')
    return { ...object, heard: readDots(reader, actors) }
  })
}

/** Rows of `seen`, sorted by actor: one as it is stored, or all as another replica is told. Spans go as their distance and length. */
export function encodeSeen(rows: readonly SeenRow[]): Uint8Array {
  const writer = new ByteWriter().u8(SEEN_VERSION).varint(rows.length)
  for (const { actor, base, spans } of rows) {
    writeActor(writer, actor)
    writer.varint(base).varint(spans.length / 2)
    let end = base
    for (let i = 0; i < spans.length; i += 2) {
      writer.varint((spans[i] as number) - end).varint((spans[i + 1] as number) - (spans[i] as number))
      end = spans[i + 1] as number
    }
  }
  return writer.written()
}

/** Throws FormatError (`DSYS_KV_FORMAT`). */
export function decodeSeen(bytes: Uint8Array): SeenRow[] {
  return decoding('what a replica has seen', SEEN_VERSION, bytes, (reader) =>
    readList(reader, 4, readRow, (a, b) => (a.actor < b.actor ? -1 : a.actor === b.actor ? 0 : 1)),
  )
}

function readRow(reader: ByteReader): SeenRow {
  const actor = readActor(reader)
  const base = reader.varint()
  const count = reader.varint()
  if (count * 2 > reader.remaining) throw new MalformedError('it ends too early')
  const spans: number[] = []
  let end = base
  for (let i = 0; i < count; i++) {
    const gap = reader.varint()
    // Where nothing is missing in between, it is one span.
    if (gap < 2) throw new MalformedError('spans touch')
    const first = end + gap
    end = first + reader.varint()
    spans.push(first, end)
  }
  if (end > MAX_COUNTER) throw new MalformedError(`a counter is ${end}`)
  return { actor, base, spans }
}

/** Writes what a reader knows; the dots go in the order that they have. */
export function writeKnowledge(writer: ByteWriter, { clock, dots }: Knowledge): void {
  const actors = new Actors(writer, [clock, dots])
  actors.writeAll(writer, clock)
  actors.writeAll(writer, dots)
}

/** Reads it. A context has no more dots than `maxDots`. */
export function readKnowledge(reader: ByteReader, maxDots: number): Knowledge {
  const actors = readActors(reader)
  const clock = readClock(reader, actors)
  const count = reader.varint()
  if (count > maxDots) throw new MalformedError(`it has ${count} dots`)
  return { clock, dots: Array.from({ length: count }, () => readDot(reader, actors)) }
}
