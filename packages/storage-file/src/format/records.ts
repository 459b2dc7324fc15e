import { ByteReader, type ByteWriter, MalformedError, utf8Length } from '@dsys/runtime/bytes'
import type { HardState, LogEntry } from '@dsys/storage'

/**
 * What each record says of its group besides the change: so whoever reads a record behind damage knows term and vote, and by the
 * number whether records of the group are missing.
 */
export interface RecordHead {
  readonly group: number
  /** How many records of the group there were, with this one; a checkpoint does not count. `undefined` in format version 1. */
  readonly number: number | undefined
  /** As it is with this record. `undefined` where format version 1 does not say. */
  readonly hardState: HardState | undefined
}

/** Where the log of a group ends: the last index, and the term there. */
export interface LogEnd {
  readonly last: number
  readonly lastTerm: number
}

/** One change of one group, as it stands in the log. */
export type LogRecord =
  /** Group `group` is called `name`. */
  | { readonly type: 'group'; readonly group: number; readonly name: string }
  /** Where the group stands here. `end` is not known in format version 1. */
  | ({ readonly type: 'checkpoint'; readonly base: number; readonly end: LogEnd | undefined } & RecordHead)
  /** `end` where there are no entries, and the format is not version 1. */
  | ({ readonly type: 'write'; readonly entries: readonly LogEntry[]; readonly end: LogEnd | undefined } & RecordHead)
  /** Entries up to and including `index` are forgotten. */
  | ({ readonly type: 'compact'; readonly index: number } & RecordHead)
  /** All entries are forgotten; the snapshot at `index` is the whole content. `term` is its term. */
  | ({ readonly type: 'reset'; readonly index: number; readonly term: number | undefined } & RecordHead)
  /** The group was opened although damage took records of it: only its entries up to `kept` stay. */
  | ({ readonly type: 'salvage'; readonly kept: number } & RecordHead)
  /** Every group of which there is a record behind batch `since` has its checkpoint right before this. */
  | { readonly type: 'all-listed'; readonly since: number }

/** Numbers are never given a second meaning. 2 to 5 are those of format version 1. */
const TYPE = Object.freeze({
  group: 1,
  checkpoint1: 2,
  write1: 3,
  compact1: 4,
  reset1: 5,
  write: 6,
  checkpoint: 7,
  compact: 8,
  reset: 9,
  salvage: 10,
  allListed: 11,
})

const HAS_HARD_STATE = 1
const HAS_VOTE = 2
const HAS_ENTRIES = 4
const HAS_ABSTENTION = 8
const HAS_INCARNATION = 16

/** Bytes of an entry beside its data. */
const ENTRY_OVERHEAD = 13

/** About how many bytes a record takes besides its vote and entries, never too few. */
export const RECORD_BYTES = 80

/** A head that is to be written. */
export interface NewHead {
  readonly group: number
  readonly number: number
  readonly hardState: HardState
}

/** The length in UTF-8, then the text. */
export function putText(out: ByteWriter, text: string): void {
  const bytes = utf8Length(text)
  out.u32le(bytes).utf8(text, bytes)
}

export const getText = (input: ByteReader): string => input.utf8(input.u32le())

function putHead(out: ByteWriter, type: number, { group, number, hardState }: NewHead, moreFlags = 0): void {
  const { term, votedFor, abstention, incarnation } = hardState
  out.u8(type)
  out.u32le(group)
  out.u53le(number)
  const marks = (abstention === undefined ? 0 : HAS_ABSTENTION) | (incarnation === undefined ? 0 : HAS_INCARNATION)
  out.u8(HAS_HARD_STATE | (votedFor === undefined ? 0 : HAS_VOTE) | marks | moreFlags)
  out.u53le(term)
  if (votedFor !== undefined) putText(out, votedFor)
  if (abstention !== undefined) {
    out.u53le(abstention.throughIndex)
    out.u53le(abstention.term)
  }
  if (incarnation !== undefined) out.u53le(incarnation)
}

function putEnd(out: ByteWriter, { last, lastTerm }: LogEnd): void {
  out.u53le(last)
  out.u53le(lastTerm)
}

export function putGroup(out: ByteWriter, group: number, name: string): void {
  out.u8(TYPE.group)
  out.u32le(group)
  putText(out, name)
}

export function putCheckpoint(out: ByteWriter, head: NewHead, base: number, end: LogEnd): void {
  putHead(out, TYPE.checkpoint, head)
  out.u53le(base)
  putEnd(out, end)
}

/** @param end where the log ends, for a write without entries. */
export function putWrite(out: ByteWriter, head: NewHead, entries: readonly LogEntry[], end: LogEnd): void {
  const first = entries[0]
  putHead(out, TYPE.write, head, first === undefined ? 0 : HAS_ENTRIES)
  if (first === undefined) {
    putEnd(out, end)
    return
  }
  out.u32le(entries.length)
  out.u53le(first.index)
  for (const entry of entries) {
    out.u53le(entry.term)
    out.u8(entry.kind)
    out.u32le(entry.data.length)
    out.raw(entry.data)
  }
}

export function putCompact(out: ByteWriter, head: NewHead, index: number): void {
  putHead(out, TYPE.compact, head)
  out.u53le(index)
}

export function putReset(out: ByteWriter, head: NewHead, index: number, term: number): void {
  putHead(out, TYPE.reset, head)
  out.u53le(index)
  out.u53le(term)
}

export function putSalvage(out: ByteWriter, head: NewHead, kept: number): void {
  putHead(out, TYPE.salvage, head)
  out.u53le(kept)
}

export function putAllListed(out: ByteWriter, since: number): void {
  out.u8(TYPE.allListed)
  out.u32le(0)
  out.u53le(since)
}

/** About how many bytes a write takes, never too few. */
export function writeBytes({ votedFor }: HardState, entries: readonly LogEntry[]): number {
  return RECORD_BYTES + 3 * (votedFor?.length ?? 0) + entriesBytes(entries)
}

export function entriesBytes(entries: readonly LogEntry[]): number {
  let bytes = 0
  for (const entry of entries) bytes += ENTRY_OVERHEAD + entry.data.length
  return bytes
}

function getHardState(input: ByteReader, flags: number): HardState {
  const term = input.u53le()
  const votedFor = flags & HAS_VOTE ? getText(input) : undefined
  const abstention = flags & HAS_ABSTENTION ? { throughIndex: input.u53le(), term: input.u53le() } : undefined
  const incarnation = flags & HAS_INCARNATION ? input.u53le() : undefined
  return {
    term,
    votedFor,
    ...(abstention === undefined ? {} : { abstention }),
    ...(incarnation === undefined ? {} : { incarnation }),
  }
}

function getEntries(input: ByteReader): LogEntry[] {
  const count = input.u32le()
  const first = input.u53le()
  const entries: LogEntry[] = []
  for (let i = 0; i < count; i++) {
    const term = input.u53le()
    const kind = input.u8()
    // A copy, so that one small entry does not keep a whole segment in memory.
    const data = new Uint8Array(input.raw(input.u32le()))
    entries.push({ index: first + i, term, kind, data })
  }
  return entries
}

const getEnd = (input: ByteReader): LogEnd => ({ last: input.u53le(), lastTerm: input.u53le() })

function getRecord(type: number, group: number, input: ByteReader): LogRecord {
  const number = input.u53le()
  const flags = input.u8()
  const head = { group, number, hardState: getHardState(input, flags) }
  switch (type) {
    case TYPE.checkpoint:
      return { type: 'checkpoint', ...head, base: input.u53le(), end: getEnd(input) }
    case TYPE.write:
      return flags & HAS_ENTRIES
        ? { type: 'write', ...head, entries: getEntries(input), end: undefined }
        : { type: 'write', ...head, entries: [], end: getEnd(input) }
    case TYPE.compact:
      return { type: 'compact', ...head, index: input.u53le() }
    case TYPE.reset:
      return { type: 'reset', ...head, index: input.u53le(), term: input.u53le() }
    default:
      return { type: 'salvage', ...head, kept: input.u53le() }
  }
}

/** A record of format version 1, which says of the group no more than what it changes. */
function getFirstVersion(type: number, group: number, input: ByteReader): LogRecord {
  const head = { group, number: undefined, hardState: undefined }
  switch (type) {
    case TYPE.checkpoint1: {
      const hardState = getHardState(input, input.u8())
      return { type: 'checkpoint', ...head, hardState, base: input.u53le(), end: undefined }
    }
    case TYPE.write1: {
      const flags = input.u8()
      const hardState = flags & HAS_HARD_STATE ? getHardState(input, flags) : undefined
      const entries = flags & HAS_ENTRIES ? getEntries(input) : []
      return { type: 'write', ...head, hardState, entries, end: undefined }
    }
    case TYPE.compact1:
      return { type: 'compact', ...head, index: input.u53le() }
    default:
      return { type: 'reset', ...head, index: input.u53le(), term: undefined }
  }
}

/** The records of a frame's payload. Throws MalformedError when it is not made of records. */
export function readRecords(payload: Uint8Array): LogRecord[] {
  const input = new ByteReader(payload)
  const records: LogRecord[] = []
  while (input.remaining > 0) {
    const type = input.u8()
    const group = input.u32le()
    if (type === TYPE.group) records.push({ type: 'group', group, name: getText(input) })
    else if (type === TYPE.allListed) records.push({ type: 'all-listed', since: input.u53le() })
    else if (type >= TYPE.checkpoint1 && type <= TYPE.reset1) records.push(getFirstVersion(type, group, input))
    else if (type >= TYPE.write && type <= TYPE.salvage) records.push(getRecord(type, group, input))
    else throw new MalformedError(`record type ${type} is not known to this release`)
  }
  return records
}
