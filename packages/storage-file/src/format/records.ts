import { ByteReader, type ByteWriter, MalformedError, utf8Length } from '@dsys/runtime/bytes'
import type { HardState, LogEntry, LogWrite } from '@dsys/storage'

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

/** The length in UTF-8, then the text. */
export function putText(out: ByteWriter, text: string): void {
  const bytes = utf8Length(text)
  out.u32le(bytes).utf8(text, bytes)
}

export const getText = (input: ByteReader): string => input.utf8(input.u32le())

function head(out: ByteWriter, type: number, group: number): void {
  out.u8(type)
  out.u32le(group)
}

function putHardState(out: ByteWriter, { term, votedFor }: HardState): void {
  out.u53le(term)
  if (votedFor !== undefined) putText(out, votedFor)
}

const hardStateFlags = (state: HardState | undefined): number =>
  state === undefined ? 0 : HAS_HARD_STATE | (state.votedFor === undefined ? 0 : HAS_VOTE)

export function putGroup(out: ByteWriter, group: number, name: string): void {
  head(out, TYPE.group, group)
  putText(out, name)
}

export function putCheckpoint(out: ByteWriter, group: number, hardState: HardState, base: number): void {
  head(out, TYPE.checkpoint, group)
  out.u8(hardStateFlags(hardState))
  putHardState(out, hardState)
  out.u53le(base)
}

export function putWrite(out: ByteWriter, group: number, { hardState, entries }: LogWrite): void {
  const first = entries?.[0]
  head(out, TYPE.write, group)
  out.u8(hardStateFlags(hardState) | (first === undefined ? 0 : HAS_ENTRIES))
  if (hardState !== undefined) putHardState(out, hardState)
  if (entries === undefined || first === undefined) return
  out.u32le(entries.length)
  out.u53le(first.index)
  for (const entry of entries) {
    out.u53le(entry.term)
    out.u8(entry.kind)
    out.u32le(entry.data.length)
    out.raw(entry.data)
  }
}

export function putCompact(out: ByteWriter, group: number, index: number): void {
  head(out, TYPE.compact, group)
  out.u53le(index)
}

export function putReset(out: ByteWriter, group: number, index: number): void {
  head(out, TYPE.reset, group)
  out.u53le(index)
}

/** About how many bytes a write takes, never too few. */
export function writeBytes({ hardState, entries }: LogWrite): number {
  let bytes = 32 + 3 * (hardState?.votedFor?.length ?? 0)
  for (const entry of entries ?? []) bytes += ENTRY_OVERHEAD + entry.data.length
  return bytes
}

function getHardState(input: ByteReader, flags: number): HardState {
  const term = input.u53le()
  return { term, votedFor: flags & HAS_VOTE ? getText(input) : undefined }
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

function getWrite(input: ByteReader): LogWrite {
  const flags = input.u8()
  return {
    ...(flags & HAS_HARD_STATE ? { hardState: getHardState(input, flags) } : {}),
    ...(flags & HAS_ENTRIES ? { entries: getEntries(input) } : {}),
  }
}

/** The records of a frame's payload. Throws MalformedError when it is not made of records. */
export function readRecords(payload: Uint8Array): LogRecord[] {
  const input = new ByteReader(payload)
  const records: LogRecord[] = []
  while (input.remaining > 0) {
    const type = input.u8()
    const group = input.u32le()
    switch (type) {
      case TYPE.group:
        records.push({ type: 'group', group, name: getText(input) })
        break
      case TYPE.checkpoint: {
        const hardState = getHardState(input, input.u8())
        records.push({ type: 'checkpoint', group, hardState, base: input.u53le() })
        break
      }
      case TYPE.write:
        records.push({ type: 'write', group, write: getWrite(input) })
        break
      case TYPE.compact:
        records.push({ type: 'compact', group, index: input.u53le() })
        break
      case TYPE.reset:
        records.push({ type: 'reset', group, index: input.u53le() })
        break
      default:
        throw new MalformedError(`record type ${type} is not known to this release`)
    }
  }
  return records
}
