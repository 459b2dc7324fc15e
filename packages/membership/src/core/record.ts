import type { VersionRange } from './versions.ts'

/** What the cluster says of one life of a node. `dead` was declared by others, `left` by the node itself. */
export type MemberState = 'alive' | 'suspect' | 'dead' | 'left'

/** Free text facts about a node. */
export type Metadata = Readonly<Record<string, string>>

/** Metadata as records carry it: ordered by key, so that equal metadata is equal entry by entry. */
export type MetadataEntries = readonly (readonly [key: string, value: string])[]

/** One statement about a node: what nodes merge and gossip. */
export interface MemberRecord {
  readonly id: string
  /** Which life of the node. */
  readonly generation: number
  /** Which statement of that life: only the node itself makes a higher one, to refute or to change its metadata. */
  readonly incarnation: number
  readonly state: MemberState
  readonly metadata: MetadataEntries
  /** Which process says so: drawn at its start. Two processes that wrongly run as one life differ in it. */
  readonly nonce?: number | undefined
  /** What the node speaks. Where it is not said, the first version that could say so. */
  readonly versions?: VersionRange | undefined
  /** What else the node says of itself, by ascending tags; see description.ts. */
  readonly facts?: readonly RecordField[] | undefined
  /** What a later version says of the node, by ascending tags: kept, and passed on unread. */
  readonly unknown?: readonly RecordField[] | undefined
}

/** A field of a record as it travels. */
export interface RecordField {
  readonly tag: number
  readonly bytes: Uint8Array
}

/** A record on its way, with what does not take part in the merge. */
export interface Rumor {
  readonly record: MemberRecord
  /** Who suspected the member or declared it dead by what they saw themselves, the first one first. At most {@link MAX_ACCUSERS}. */
  readonly accusers?: readonly string[] | undefined
  /** For `dead` and `left`: how long ago it happened, so that all forget it at about the same time. */
  readonly ageMs: number
}

/** In this order, and so its position in here is the rank of a state; also its number on the wire. */
export const STATES: readonly MemberState[] = Object.freeze(['alive', 'suspect', 'dead', 'left'])

/** So many accusers of one member travel together; more of them would change nothing. */
export const MAX_ACCUSERS = 4

/** Incarnations stay far below the largest safe integer, so a member can always go one above what is said of it. */
export const MAX_INCARNATION: number = 2 ** 48

/** Whether a member in this state takes part: is probed, gossiped to, counted. */
export function isLive(state: MemberState): boolean {
  return state === 'alive' || state === 'suspect'
}

/** Whether both are of one process: of one generation, and not known to differ in the nonce. */
export function isSameProcess(a: ProcessName, b: ProcessName): boolean {
  return a.generation === b.generation && (a.nonce === undefined || b.nonce === undefined || a.nonce === b.nonce)
}

type ProcessName = Pick<MemberRecord, 'generation' | 'nonce'>

/**
 * The order of the merge rule: generation, then incarnation, then rank (alive < suspect < dead < left).
 *
 * The nonce comes before the incarnation. Only two processes that wrongly run as one life differ in it: then one of them counts, the same
 * for all nodes, and neither can outbid the other. The rest of what a record says comes last, and decides nothing between statements that
 * are as they should be.
 */
export function compareRecords(a: MemberRecord, b: MemberRecord): number {
  if (a.generation !== b.generation) return a.generation - b.generation
  const nonces = (a.nonce ?? 0) - (b.nonce ?? 0)
  if (nonces !== 0) return nonces
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation
  if (a.state !== b.state) return STATES.indexOf(a.state) - STATES.indexOf(b.state)
  return compareMetadata(a.metadata, b.metadata) || compareFields(a, b)
}

function compareFields(a: MemberRecord, b: MemberRecord): number {
  const versions = (a.versions?.max ?? 0) - (b.versions?.max ?? 0) || (a.versions?.min ?? 0) - (b.versions?.min ?? 0)
  if (versions !== 0) return versions
  // By their bytes, so that who knows a field and who does not agree on the order.
  const [fieldsA, fieldsB] = [bytesOf(a), bytesOf(b)]
  for (let i = 0; i < Math.min(fieldsA.length, fieldsB.length); i++) {
    const [fieldA, fieldB] = [fieldsA[i] as RecordField, fieldsB[i] as RecordField]
    const order = fieldA.tag - fieldB.tag || compareBytes(fieldA.bytes, fieldB.bytes)
    if (order !== 0) return order
  }
  return fieldsA.length - fieldsB.length
}

const bytesOf = ({ facts = [], unknown = [] }: MemberRecord): readonly RecordField[] => [...facts, ...unknown]

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = (a[i] as number) - (b[i] as number)
    if (order !== 0) return order
  }
  return a.length - b.length
}

/**
 * The merge rule. It takes the greater of two records of one node in a total order; a maximum is commutative, associative and
 * idempotent, so the outcome does not depend on the order, number or delay of the messages.
 */
export function mergeRecords(a: MemberRecord, b: MemberRecord): MemberRecord {
  return compareRecords(a, b) >= 0 ? a : b
}

/** Orders by UTF-16 code units, entry by entry; 0 means equal. */
export function compareMetadata(a: MetadataEntries, b: MetadataEntries): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [keyA, valueA] = a[i] as readonly [string, string]
    const [keyB, valueB] = b[i] as readonly [string, string]
    const order = compareText(keyA, keyB) || compareText(valueA, valueB)
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** The order of strings that is the same on every machine. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** The form of `metadata` that records carry. Throws a TypeError unless every value is a string. */
export function metadataEntries(metadata: Metadata): MetadataEntries {
  const entries = Object.entries(metadata).map(([key, value]) => {
    if (typeof value !== 'string') throw new TypeError(`metadata ${JSON.stringify(key)} must be a string`)
    return Object.freeze([key, value] as const)
  })
  return Object.freeze(entries.sort((a, b) => compareText(a[0], b[0])))
}
