import { deepEqual, equal, ok } from 'node:assert/strict'
import type { GroupLog, LogEntry, LogStorage, SnapshotMeta } from '../log-storage.ts'
import type { Case } from './runner.ts'

/**
 * What a log storage can be put through. Cases that need more than the adapter declares are skipped by name.
 *
 * - `crash`: the place can lose power.
 * - `crash-points`: it can lose power in the middle of any one operation.
 * - `torn-writes`: a write can be cut at any byte by a loss of power.
 * - `damage`: what is stored can be damaged, bit by bit.
 * - `failure`: writes can be made to fail.
 * - `read-errors`: a read can be made to fail.
 * - `full`: there can be no more room.
 */
export type LogStorageFeature = 'crash' | 'crash-points' | 'torn-writes' | 'damage' | 'failure' | 'read-errors' | 'full'

/** Where one case keeps its logs: a directory, a simulated disk, a database. Empty at first. */
export interface LogStoragePlace extends AsyncDisposable {
  /**
   * A storage over what is durable here, not started yet. Called again only after the one before was stopped, or after `crash`.
   * Ends what `failWrites`, `failRead` and `fill` began.
   */
  open(): Promise<LogStorage> | LogStorage
  /** Loses power, unless it is lost already, and brings it back: what was not durable is gone, and the storage that was open is dead. For `crash`. */
  crash?(): Promise<void> | void
  /**
   * Power is lost in the middle of the operation that comes after `operations` further ones, and stays lost until `crash`. Resolves
   * when it is lost. What an operation is, is the adapter's to say: the smallest step between which a crash makes a difference. For `crash-points`.
   */
  crashAfter?(operations: number): Promise<void>
  /**
   * Of the next write to the medium exactly the first `bytes` bytes are there, and power is lost, until `crash`. Resolves when it is lost; the
   * bytes are there whatever `crash` does to the rest. For `torn-writes`.
   */
  tearNextWrite?(bytes: number): Promise<void>
  /** How many bytes are stored here. For `damage`. */
  storedBytes?(): number
  /** Turns over one bit of byte number `byte`; doing it twice changes nothing. No storage is open meanwhile. For `damage`. */
  flipBit?(byte: number, bit: number): void
  /** Makes every later write and sync of the open storage fail. For `failure`. */
  failWrites?(): Promise<void> | void
  /** The read that comes after `reads` further ones fails. For `read-errors`. */
  failRead?(reads: number): void
  /** Only `bytes` more bytes fit. For `full`. */
  fill?(bytes: number): void
}

/** How the suite makes places. */
export interface LogStorageFactory {
  readonly create: () => Promise<LogStoragePlace>
  /** What the adapter can be put through. Cases that need more are skipped. */
  readonly supports?: readonly LogStorageFeature[]
}

/** One case of the suite for log storages. */
export type LogCase = Case<LogStoragePlace, LogStorageFeature>

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const entry = (index: number, term: number, text = `entry ${index} of term ${term}`): LogEntry => ({
  index,
  term,
  kind: 1,
  data: bytes(text),
})

export const run = (from: number, to: number, term: number): LogEntry[] =>
  Array.from({ length: to - from + 1 }, (_, i) => entry(from + i, term))

export const meta = (index: number, term: number, context = ''): SnapshotMeta => ({
  index,
  term,
  context: bytes(context),
})

/** Entries as plain data, so that a Buffer equals a Uint8Array of the same bytes. */
export const plain = (entries: readonly LogEntry[]): unknown =>
  entries.map(({ index, term, kind, data }) => ({ index, term, kind, data: [...data] }))

export async function contentOf(log: GroupLog): Promise<string> {
  const snapshot = log.snapshot()
  ok(snapshot, 'there must be a snapshot')
  const parts: Uint8Array[] = []
  let offset = 0
  for (;;) {
    const part = await snapshot.read(offset, 7)
    if (part.length === 0) break
    ok(part.length <= 7, 'read must not give more than maxBytes')
    parts.push(part)
    offset += part.length
  }
  equal(offset, snapshot.sizeBytes)
  return Buffer.concat(parts).toString()
}

export async function started(place: LogStoragePlace): Promise<LogStorage> {
  const storage = await place.open()
  await storage.start()
  return storage
}

/** Runs `body` on group `g`, then stops the storage. */
export async function session(
  place: LogStoragePlace,
  body: (log: GroupLog, storage: LogStorage) => Promise<void>,
): Promise<void> {
  const storage = await started(place)
  try {
    await body(await storage.openGroup('g'), storage)
  } finally {
    await storage.stop()
  }
}

/** Asserts what a new storage recovers for group `g`. */
export async function expectEntries(place: LogStoragePlace, entries: readonly LogEntry[]): Promise<void> {
  await session(place, async (log) => deepEqual(plain(log.recovered.entries), plain(entries)))
}
