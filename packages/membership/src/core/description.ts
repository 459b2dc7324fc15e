import { ByteReader, ByteWriter, MalformedError, utf8Length } from '@dsys/runtime/bytes'
import type { DescribedPart } from '../evidence.ts'
import {
  compareMetadata,
  compareText,
  type MemberRecord,
  type Metadata,
  type MetadataEntries,
  metadataEntries,
  type RecordField,
} from './record.ts'

/** What a node says of itself for others to know it, and to choose it by. */
export interface Description {
  /** Free facts, as an address. Nobody chooses by them. */
  readonly metadata: Metadata
  /** What the node does in the cluster, as `worker`. */
  readonly roles: readonly string[]
  /** What its software can do, as `snapshots/2`. */
  readonly capabilities: readonly string[]
  /** Labels with values, as `zone: 'a'`. */
  readonly tags: Metadata
}

/** The fields of a record that carry a description beside its metadata: their numbers on the wire, never given a second meaning. */
const FACT = Object.freeze({ roles: 3, capabilities: 4, tags: 5 })
const EMPTY: Omit<Description, 'metadata'> = Object.freeze({
  roles: Object.freeze([]),
  capabilities: Object.freeze([]),
  tags: Object.freeze({}),
})
const EMPTY_BYTES = new Uint8Array(0)

/** Whether a field of a record is part of the description of its node. */
export const isFact = (tag: number): boolean => tag >= FACT.roles && tag <= FACT.tags

/**
 * The form that records carry: each list in order and without doubles, an empty one left out. Throws a TypeError unless all of it is text
 * that UTF-8 can carry.
 */
export function describedAs(description: Description): Pick<MemberRecord, 'metadata' | 'facts'> {
  for (const part of ['metadata', 'tags'] as const) {
    for (const [key, value] of metadataEntries(description[part])) {
      assertText(key, part)
      assertText(value, part)
    }
  }
  const facts: RecordField[] = []
  for (const part of ['roles', 'capabilities'] as const) {
    if (!Array.isArray(description[part])) throw new TypeError(`${part} must be a list of texts`)
    for (const name of description[part]) assertText(name, part)
    if (description[part].includes('')) throw new TypeError(`one of the ${part} is an empty text`)
    const names = [...new Set(description[part])].sort(compareText)
    if (names.length > 0) facts.push({ tag: FACT[part], bytes: textsToBytes(names) })
  }
  const tags = metadataEntries(description.tags)
  if (tags.some(([key]) => key === '')) throw new TypeError('the name of a tag is an empty text')
  if (tags.length > 0) facts.push({ tag: FACT.tags, bytes: textsToBytes(tags.flat()) })
  const metadata = metadataEntries(description.metadata)
  return facts.length === 0 ? { metadata } : { metadata, facts: Object.freeze(facts) }
}

/** The description in a record. */
export function descriptionOf({ metadata, facts = [] }: Pick<MemberRecord, 'metadata' | 'facts'>): Description {
  const texts = (tag: number): string[] | undefined => {
    const field = facts.find((fact) => fact.tag === tag)
    return field === undefined ? undefined : textsFrom(field.bytes)
  }
  const tags = texts(FACT.tags)
  return {
    metadata: Object.freeze(Object.fromEntries(metadata)),
    roles: Object.freeze(texts(FACT.roles) ?? EMPTY.roles),
    capabilities: Object.freeze(texts(FACT.capabilities) ?? EMPTY.capabilities),
    tags: tags === undefined ? EMPTY.tags : Object.freeze(Object.fromEntries(inPairs(tags))),
  }
}

/** Throws a MalformedError unless the field of a description is in the one form that it may have. */
export function checkFact({ tag, bytes }: RecordField): void {
  const texts = textsFrom(bytes)
  const names = tag === FACT.tags ? inPairs(texts).map(([key]) => key) : texts
  if (tag === FACT.tags && texts.length % 2 !== 0) throw new MalformedError('a tag has no value')
  for (const [i, name] of names.entries()) {
    const isInOrder = i === 0 ? name !== '' : compareText(names[i - 1] as string, name) < 0
    if (!isInOrder) throw new MalformedError('a description is not in order')
  }
  if (texts.length === 0) throw new MalformedError('a description has an empty field')
}

/** What a node says otherwise of itself than before. */
export function changedParts(before: MemberRecord, after: MemberRecord): DescribedPart[] {
  const parts: DescribedPart[] = compareMetadata(before.metadata, after.metadata) === 0 ? [] : ['metadata']
  const bytesOf = ({ facts = [] }: MemberRecord, tag: number): Uint8Array =>
    facts.find((fact) => fact.tag === tag)?.bytes ?? EMPTY_BYTES
  for (const part of ['roles', 'capabilities', 'tags'] as const) {
    const [a, b] = [bytesOf(before, FACT[part]), bytesOf(after, FACT[part])]
    if (a.length !== b.length || a.some((byte, i) => byte !== b[i])) parts.push(part)
  }
  return parts
}

/** Half of a surrogate pair would be another text at the others, and what they say of this node would never be what it said. */
function assertText(text: unknown, part: string): void {
  if (typeof text !== 'string') throw new TypeError(`${part} must be text, got ${JSON.stringify(text)}`)
  if (/\p{Surrogate}/u.test(text)) throw new TypeError(`${part} have half of a surrogate pair: ${JSON.stringify(text)}`)
}

function textsToBytes(texts: readonly string[]): Uint8Array {
  const writer = new ByteWriter(64)
  for (const text of texts) {
    const bytes = utf8Length(text)
    writer.varint(bytes).utf8(text, bytes)
  }
  return new Uint8Array(writer.written())
}

function textsFrom(bytes: Uint8Array): string[] {
  const reader = new ByteReader(bytes)
  const texts: string[] = []
  while (reader.remaining > 0) texts.push(reader.utf8(reader.varint()))
  return texts
}

function inPairs(texts: readonly string[]): MetadataEntries {
  return texts.flatMap((text, i) => (i % 2 === 0 ? [[text, texts[i + 1] ?? ''] as const] : []))
}
