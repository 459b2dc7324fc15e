import { ByteReader, ByteWriter, MalformedError } from '../bytes.ts'
import { type Configuration, marked, type Pin, withPins } from './configuration.ts'
import type { PlacedConfiguration } from './configurations.ts'

const VERSION = 1
/** With witnesses. A node that does not know of them must not go on. */
const VERSION_WITH_WITNESSES = 2
/** With incarnations as well. */
const VERSION_WITH_PINS = 3
/** More than this in one list is no configuration of ours. */
const MAX_MEMBERS = 4_096

/** The data of a configuration's entry. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const { voters, learners, outgoing, target, witnesses, pins } = configuration
  const version = witnesses === undefined ? VERSION : VERSION_WITH_WITNESSES
  const writer = new ByteWriter().u8(pins === undefined ? version : VERSION_WITH_PINS)
  for (const ids of [voters, learners, outgoing]) writeIds(writer, ids)
  writer.u8(target === undefined ? 0 : 1)
  if (target !== undefined) {
    writeIds(writer, target.voters)
    writeIds(writer, target.learners)
  }
  if (witnesses !== undefined || pins !== undefined) writeIds(writer, witnesses ?? [])
  if (pins !== undefined) {
    writer.u32(pins.length)
    for (const [id, incarnation] of pins) writer.text(id).u53(incarnation)
  }
  return writer.finish()
}

/** Reads the data of a configuration's entry. Throws MalformedError. */
export function decodeConfiguration(data: Uint8Array): Configuration {
  const reader = new ByteReader(data)
  const version = reader.u8()
  if (version < VERSION || version > VERSION_WITH_PINS)
    throw new MalformedError(`configuration version ${version} is not from ${VERSION} to ${VERSION_WITH_PINS}`)
  const [voters, learners, outgoing] = [readIds(reader), readIds(reader), readIds(reader)]
  const aim = reader.u8() === 0 ? undefined : { voters: readIds(reader), learners: readIds(reader) }
  const witnesses = version === VERSION ? [] : readIds(reader)
  const target = aim && { ...aim, ...marked(aim.voters.filter((id) => witnesses.includes(id))) }
  const pins = version === VERSION_WITH_PINS ? readPins(reader) : []
  return withPins({ voters, learners, outgoing, target, ...marked(witnesses) }, pins)
}

function readPins(reader: ByteReader): Pin[] {
  const count = reader.u32()
  if (count > MAX_MEMBERS) throw new MalformedError(`${count} incarnations are more than ${MAX_MEMBERS}`)
  return Array.from({ length: count }, () => [Buffer.from(reader.bytes()).toString('utf8'), reader.u53()])
}

export function writeIds(writer: ByteWriter, ids: readonly string[]): void {
  writer.u32(ids.length)
  for (const id of ids) writer.text(id)
}

/** Throws MalformedError where there are too many. */
export function readIds(reader: ByteReader): string[] {
  const count = reader.u32()
  if (count > MAX_MEMBERS) throw new MalformedError(`${count} members are more than ${MAX_MEMBERS}`)
  return Array.from({ length: count }, () => Buffer.from(reader.bytes()).toString('utf8'))
}

/** What a snapshot keeps of the group: the configuration at its index, and where that came from. */
export function encodePlaced({ index, configuration }: PlacedConfiguration): Uint8Array {
  return new ByteWriter().u53(index).raw(encodeConfiguration(configuration)).finish()
}

/** Reads what {@link encodePlaced} wrote. Throws MalformedError. */
export function decodePlaced(bytes: Uint8Array): PlacedConfiguration {
  const reader = new ByteReader(bytes)
  return { index: reader.u53(), configuration: decodeConfiguration(reader.rest()) }
}
