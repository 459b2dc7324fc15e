import type { HardState, LogEntry, LogWrite } from '@dsys/storage'
import { ByteReader, type ByteWriter } from './bytes.ts'

/** One change of one group, as it stands in the log. */
export type LogRecord =
  /** Group `group` is called `name`. */
  | { readonly type: 'group'; readonly group: number; readonly name: string }
  /** Where the group stood when a segment began. */
  | { readonly type: 'checkpoint'; readonly group: number; readonly hardState: HardState; readonly base: number }
  | { readonly type: 'write'; readonly group: number; readonly write: LogWrite }
  /** Entries up to and including `index` are forgotten. */
  | { readonly type: 'compact'; readonly group: number; readonly index: number }
  /** All entries are forgotten; the snapshot at `index` is the whole content. */
  | { readonly type: 'reset'; readonly group: number; readonly index: number }

const TYPE = Object.freeze({ group: 1, checkpoint: 2, write: 3, compact: 4, reset: 5 })

const HAS_HARD_STATE = 1
const HAS_VOTE = 2
const HAS_ENTRIES = 4

/** Bytes of an entry beside its data. */
const ENTRY_OVERHEAD = 13

function head(out: ByteWriter, type: number, group: number): void {
  out.u8(type)
  out.u32(group)
}

function putHardState(out: ByteWriter, { term, votedFor }: HardState): void {
  out.u64(term)
  if (votedFor !== undefined) out.text(votedFor)
}

const hardStateFlags = (state: HardState | undefined): number =>
  state === undefined ? 0 : HAS_HARD_STATE | (state.votedFor === undefined ? 0 : HAS_VOTE)

export function putGroup(out: ByteWriter, group: number, name: string): void {
  head(out, TYPE.group, group)
  out.text(name)
}

export function putCheckpoint(out: ByteWriter, group: number, hardState: HardState, base: number): void {
  head(out, TYPE.checkpoint, group)
  out.u8(hardStateFlags(hardState))
  putHardState(out, hardState)
  out.u64(base)
}

export function putWrite(out: ByteWriter, group: number, { hardState, entries }: LogWrite): void {
  const first = entries?.[0]
  head(out, TYPE.write, group)
  out.u8(hardStateFlags(hardState) | (first === undefined ? 0 : HAS_ENTRIES))
  if (hardState !== undefined) putHardState(out, hardState)
  if (entries === undefined || first === undefined) return
  out.u32(entries.length)
  out.u64(first.index)
  for (const entry of entries) {
    out.u64(entry.term)
    out.u8(entry.kind)
    out.u32(entry.data.length)
    out.bytes(entry.data)
  }
}

export function putCompact(out: ByteWriter, group: number, index: number): void {
  head(out, TYPE.compact, group)
  out.u64(index)
}

export function putReset(out: ByteWriter, group: number, index: number): void {
  head(out, TYPE.reset, group)
  out.u64(index)
}

/** About how many bytes a write takes, never too few. */
export function writeBytes({ hardState, entries }: LogWrite): number {
  let bytes = 32 + 3 * (hardState?.votedFor?.length ?? 0)
  for (const entry of entries ?? []) bytes += ENTRY_OVERHEAD + entry.data.length
  return bytes
}

function getHardState(input: ByteReader, flags: number): HardState {
  const term = input.u64()
  return { term, votedFor: flags & HAS_VOTE ? input.text() : undefined }
}

function getEntries(input: ByteReader): LogEntry[] {
  const count = input.u32()
  const first = input.u64()
  const entries: LogEntry[] = []
  for (let i = 0; i < count; i++) {
    const term = input.u64()
    const kind = input.u8()
    // A copy, so that one small entry does not keep a whole segment in memory.
    const data = Uint8Array.from(input.bytes(input.u32()))
    entries.push({ index: first + i, term, kind, data })
  }
  return entries
}

function getWrite(input: ByteReader): LogWrite {
  const flags = input.u8()
  return {
    ...(flags & HAS_HARD_STATE ? { hardState: getHardState(input, flags) } : {}),
    ...(flags & HAS_ENTRIES ? { entries: getEntries(input) } : {}),
  }
}

/** The records of a frame's payload. Throws RangeError when it is not made of records. */
export function readRecords(payload: Uint8Array): LogRecord[] {
  const input = new ByteReader(payload)
  const records: LogRecord[] = []
  while (input.remaining > 0) {
    const type = input.u8()
    const group = input.u32()
    switch (type) {
      case TYPE.group:
        records.push({ type: 'group', group, name: input.text() })
        break
      case TYPE.checkpoint: {
        const hardState = getHardState(input, input.u8())
        records.push({ type: 'checkpoint', group, hardState, base: input.u64() })
        break
      }
      case TYPE.write:
        records.push({ type: 'write', group, write: getWrite(input) })
        break
      case TYPE.compact:
        records.push({ type: 'compact', group, index: input.u64() })
        break
      case TYPE.reset:
        records.push({ type: 'reset', group, index: input.u64() })
        break
      default:
        throw new RangeError(`record type ${type} is not known to this release`)
    }
  }
  return records
}
