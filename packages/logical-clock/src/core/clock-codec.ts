import type { Codec } from '@dsys/runtime'
import { ByteReader, ByteWriter, MalformedError, utf8Length, varintLength } from '@dsys/runtime/bytes'
import { ClockFormatError, ClockTooLargeError } from '../errors.ts'
import { type ClockLimits, resolveClockLimits } from '../options.ts'
import { type Actor, checkActorId, isActorId } from './actor.ts'
import { type DottedVersionSet, setOfSorted } from './dotted-version-set.ts'
import type { SetEntry, Written } from './set-entry.ts'
import { clockOfSorted, type VectorClock } from './vector-clock.ts'

/*
 * The first byte of each is its kind, in the upper half, and the version of its format, in the lower one; then
 *
 *   clock   count, then for each actor: id, counter
 *   set     count, then for each actor: id, counter, siblings, then for each sibling, the newest first: gap, length, value
 *   actor   id, floor
 *
 * Numbers are varints of the least length, an id is its length and UTF-8, actors come in the order of UTF-16 code units. A gap is by how
 * much the counter of a sibling is smaller than it could be: that of the actor for the first, one below the sibling before for the others. So
 * there is one way to write each value, and bytes can be compared in place of what they stand for.
 */
const CLOCK = 0x11
const SET = 0x21
const ACTOR = 0x31

/** The fewest bytes of an actor in a clock: a letter, its length, and a counter. */
const LEAST_ENTRY_BYTES = 3
/** The fewest bytes of a sibling: a gap, and a length. */
const LEAST_SIBLING_BYTES = 2

/**
 * A clock as bytes: one for the version, and for each actor its id and a counter. Equal clocks give equal bytes. Throws ClockTooLargeError
 * (`DSYS_CLOCK_TOO_LARGE`) for what could not be decoded under the same limits.
 */
export function encodeVectorClock(clock: VectorClock, limits?: ClockLimits): Uint8Array {
  const { maxActors } = resolveClockLimits(limits)
  checkCount('maxActors', clock.size, maxActors)
  const writer = new ByteWriter(16 + clock.size * 16).u8(CLOCK).varint(clock.size)
  clock.actors.forEach((actor, i) => {
    writeActor(writer, actor).varint(clock.counters[i] as number)
  })
  return writer.written()
}

/**
 * The clock of bytes from anywhere, also from a client. Throws ClockFormatError (`DSYS_CLOCK_FORMAT`) for what encodeVectorClock of this
 * format cannot have given, and ClockTooLargeError (`DSYS_CLOCK_TOO_LARGE`). Whether its counters are true it cannot know.
 */
export function decodeVectorClock(bytes: Uint8Array, limits?: ClockLimits): VectorClock {
  const { maxActors } = resolveClockLimits(limits)
  return decoded('vector clock', bytes, CLOCK, (reader) => {
    const actors: string[] = []
    const counters: number[] = []
    const count = readCount(reader, LEAST_ENTRY_BYTES, 'maxActors', 0, maxActors)
    for (let i = 0; i < count; i++) {
      actors.push(readActor(reader, actors[i - 1]))
      counters.push(readCounter(reader))
    }
    return clockOfSorted(actors, counters)
  })
}

/**
 * A set as bytes, with each value as `codec` encodes it. Equal sets of equal values give equal bytes, where those of the values are equal. Throws ClockTooLargeError
 * (`DSYS_CLOCK_TOO_LARGE`) for what could not be decoded under the same limits.
 */
export function encodeDottedVersionSet<V>(
  set: DottedVersionSet<V>,
  codec: Pick<Codec<V>, 'encode'>,
  limits?: ClockLimits,
): Uint8Array {
  const { maxActors, maxSiblings } = resolveClockLimits(limits)
  checkCount('maxActors', set.entries.length, maxActors)
  checkCount('maxSiblings', set.size, maxSiblings)
  const writer = new ByteWriter().u8(SET).varint(set.entries.length)
  for (const { actor, counter, siblings } of set.entries) {
    writeActor(writer, actor).varint(counter).varint(siblings.length)
    let expected = counter
    for (const sibling of siblings) {
      const bytes = codec.encode(sibling.value)
      writer
        .varint(expected - sibling.counter)
        .varint(bytes.length)
        .raw(bytes)
      expected = sibling.counter - 1
    }
  }
  return writer.written()
}

/**
 * The set of bytes from anywhere. Throws ClockFormatError (`DSYS_CLOCK_FORMAT`) for what encodeDottedVersionSet of this format cannot have
 * given, ClockTooLargeError (`DSYS_CLOCK_TOO_LARGE`), and what `codec` throws.
 *
 * @param codec gets views into `bytes`: where they are used again, it has to copy.
 */
export function decodeDottedVersionSet<V>(
  bytes: Uint8Array,
  codec: Pick<Codec<V>, 'decode'>,
  limits?: ClockLimits,
): DottedVersionSet<V> {
  const { maxActors, maxSiblings } = resolveClockLimits(limits)
  // Values are decoded when all else was found right: what their codec throws is its own affair.
  return decoded('dotted version vector set', bytes, SET, (reader) => {
    const entries: SetEntry<Uint8Array>[] = []
    const count = readCount(reader, LEAST_ENTRY_BYTES + 1, 'maxActors', 0, maxActors)
    let total = 0
    for (let i = 0; i < count; i++) {
      const actor = readActor(reader, entries[i - 1]?.actor)
      const counter = readCounter(reader)
      const size = readCount(reader, LEAST_SIBLING_BYTES, 'maxSiblings', total, maxSiblings)
      total += size
      entries.push({ actor, counter, siblings: readSiblings(reader, counter, size) })
    }
    return setOfSorted(entries)
  }).map((value) => codec.decode(value))
}

function readSiblings(reader: ByteReader, counter: number, size: number): Written<Uint8Array>[] {
  const siblings: Written<Uint8Array>[] = []
  let expected = counter
  for (let i = 0; i < size; i++) {
    const own = expected - readVarint(reader)
    if (own < 1) throw new MalformedError('a sibling has a counter below 1')
    siblings.push({ counter: own, value: reader.raw(readVarint(reader)) })
    expected = own - 1
  }
  return siblings
}

/** What a replica keeps beside its data: who it is, and from where it goes on counting. */
export function encodeActor(actor: Actor): Uint8Array {
  checkActorId(actor.id)
  return writeActor(new ByteWriter(32).u8(ACTOR), actor.id).varint(actor.floor).written()
}

/** The actor of bytes that encodeActor gave. Throws ClockFormatError (`DSYS_CLOCK_FORMAT`) for others. */
export function decodeActor(bytes: Uint8Array): Actor {
  return decoded('actor', bytes, ACTOR, (reader) => ({ id: readActor(reader, undefined), floor: readVarint(reader) }))
}

function decoded<T>(what: string, bytes: Uint8Array, kind: number, read: (reader: ByteReader) => T): T {
  const reader = new ByteReader(bytes)
  try {
    const found = reader.u8()
    if (found !== kind) {
      const isKind = found >> 4 === kind >> 4
      throw new MalformedError(
        isKind
          ? `its format version is ${found & 0xf}, and this release reads ${kind & 0xf}`
          : `it begins with ${found}`,
      )
    }
    const value = read(reader)
    reader.expectEnd()
    return value
  } catch (error) {
    throw error instanceof MalformedError ? new ClockFormatError(what, error.message) : error
  }
}

function writeActor(writer: ByteWriter, actor: string): ByteWriter {
  const length = utf8Length(actor)
  return writer.varint(length).utf8(actor, length)
}

/** The id of an actor, which comes after `before`. */
function readActor(reader: ByteReader, before: string | undefined): string {
  const actor = reader.utf8(readVarint(reader))
  if (!isActorId(actor)) throw new MalformedError('an actor has no id, or a longer one than there can be')
  if (before !== undefined && actor <= before) throw new MalformedError('actors are not in their order')
  return actor
}

function readCounter(reader: ByteReader): number {
  const counter = readVarint(reader)
  if (counter === 0) throw new MalformedError('a counter is 0')
  return counter
}

/** A count of things of which each takes `leastBytes` at least, so that nothing is made of a number alone. */
function readCount(
  reader: ByteReader,
  leastBytes: number,
  limit: 'maxActors' | 'maxSiblings',
  before: number,
  most: number,
): number {
  const count = readVarint(reader)
  if (count * leastBytes > reader.remaining) throw new MalformedError('it ends too early')
  checkCount(limit, before + count, most)
  return count
}

function readVarint(reader: ByteReader): number {
  const from = reader.position
  const value = reader.varint()
  if (reader.position - from !== varintLength(value)) throw new MalformedError('a number is longer than it has to be')
  return value
}

function checkCount(limit: 'maxActors' | 'maxSiblings', found: number, allowed: number): void {
  if (found > allowed) throw new ClockTooLargeError(limit, found, allowed)
}
