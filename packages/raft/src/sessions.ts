import type { Codec } from '@dsys/runtime'
import { ByteReader, MalformedError } from './bytes.ts'
import { ClientTable } from './client-table.ts'
import { type BatchResults, batchCodec, countOf, type Recorded } from './recorded.ts'
import { readResults, tableParts } from './result-parts.ts'

/** Sessions that are remembered; opening one more forgets the one that was used least lately. The same on every node. */
export const MAX_SESSIONS = 4_096
/** Proposals of a session of which the results are kept; one more gives up that of the lowest sequence. The same on every node. */
export const MAX_SESSION_RESULTS = 65_536
/** Results that these are together, as a batch has one for each of its commands. The same on every node. */
export const MAX_SESSION_BATCH_RESULTS = 1_048_576

/**
 * The version in the first byte of the tables in snapshots of version 1. Without clients it is 0, which is the first byte of a number
 * of sessions.
 */
const WHOLE_VERSION = 1

/** What the table knows of a command, or a batch, before it is applied. */
export type SessionLookup<Result> =
  | { readonly type: 'new' }
  /** It was applied before: with this result. */
  | { readonly type: 'applied'; readonly result: Recorded<Result> }
  /** It is below what its proposer wants to know, or what is kept: it will not be applied any more, and may have been. */
  | { readonly type: 'settled' }
  /** The session is not known (any more), so nobody can say whether it was applied before. */
  | { readonly type: 'unknown-session' }

const NEW = Object.freeze({ type: 'new' })

interface Session<Result> {
  /** The state of the table that it belongs to: what belongs to an earlier one is frozen, and is copied before it changes. */
  readonly epoch: number
  lastUsedIndex: number
  /** Commands below this sequence are settled: their results are forgotten. */
  settledBelow: number
  readonly results: Map<number, Recorded<Result>>
  /** How many results these are. */
  resultCount: number
}

/**
 * Which commands were applied, so that one that is proposed again is not applied again (dissertation §6.3). Part of the
 * replicated state: it depends on the log alone.
 */
export class SessionTable<Result> {
  /** In the order of last use: the first is the next to be forgotten. */
  readonly #sessions = new Map<number, Session<Result>>()
  /** The last one in that order. */
  #latest: number | undefined
  #epoch = 0
  /** The clients that number their commands themselves. */
  readonly clients: ClientTable<Result> = new ClientTable<Result>()

  get size(): number {
    return this.#sessions.size
  }

  /** Opens the session `id`, which is the index of the entry that opened it. */
  open(id: number): void {
    if (this.#sessions.size >= MAX_SESSIONS) {
      const oldest = this.#sessions.keys().next()
      if (!oldest.done) this.#sessions.delete(oldest.value)
    }
    this.#sessions.set(id, {
      epoch: this.#epoch,
      lastUsedIndex: id,
      settledBelow: 1,
      results: new Map(),
      resultCount: 0,
    })
    this.#latest = id
  }

  lookup(id: number, sequence: number): SessionLookup<Result> {
    const session = this.#sessions.get(id)
    if (session === undefined) return { type: 'unknown-session' }
    if (sequence < session.settledBelow) return { type: 'settled' }
    if (!session.results.has(sequence)) return NEW
    return { type: 'applied', result: session.results.get(sequence) as Recorded<Result> }
  }

  /** Notes the use of a known session by the entry at `index`, and that its proposer has settled what is below. */
  touch(id: number, index: number, settledBelow: number): void {
    const session = this.#own(id)
    if (session === undefined) return
    session.lastUsedIndex = index
    if (id !== this.#latest) {
      this.#sessions.delete(id)
      this.#sessions.set(id, session)
      this.#latest = id
    }
    if (settledBelow - session.settledBelow > session.results.size) {
      for (const sequence of session.results.keys()) if (sequence < settledBelow) forget(session, sequence)
    } else {
      for (let s = session.settledBelow; s < settledBelow; s++) forget(session, s)
    }
    session.settledBelow = Math.max(session.settledBelow, settledBelow)
  }

  record(id: number, sequence: number, result: Recorded<Result>): void {
    const session = this.#own(id)
    if (session === undefined) return
    keep(session, sequence, result)
    const { results } = session
    // Others are kept behind one whose proposer does not know what came of it: they must not be without number.
    while (
      results.size > MAX_SESSION_RESULTS ||
      (session.resultCount > MAX_SESSION_BATCH_RESULTS && results.size > 1)
    ) {
      const lowest = lowestOf(session)
      forget(session, lowest)
      session.settledBelow = lowest + 1
    }
  }

  /** The session for a change: a copy where it is frozen. */
  #own(id: number): Session<Result> | undefined {
    const session = this.#sessions.get(id)
    if (session === undefined || session.epoch === this.#epoch) return session
    const copy = { ...session, epoch: this.#epoch, results: new Map(session.results) }
    this.#sessions.set(id, copy)
    return copy
  }

  /** The sessions as they are now, in parts that are encoded one by one while the table goes on changing. */
  freeze(codec: Codec<Result>): FrozenSessions {
    this.#epoch++
    const { singles, batches } = tableParts([...this.#sessions], codec, (writer, id, session) => {
      writer.u53(id).u53(session.lastUsedIndex).u53(session.settledBelow)
    })
    return { sessions: singles, batches }
  }

  /** Adds what one of the parts has that {@link SessionTable.freeze} gave; they must come in order. Throws MalformedError. */
  addPart(part: Uint8Array, codec: Codec<Result>): void {
    this.#addPart(part, codec)
  }

  /** The same for a part of the results of batches, behind those of the sessions. */
  addBatchPart(part: Uint8Array, codec: Codec<Result>): void {
    this.#addPart(part, batchCodec(codec))
  }

  #addPart(part: Uint8Array, codec: Codec<Result> | Codec<BatchResults<Result>>): void {
    for (const reader = new ByteReader(part); !reader.done; ) {
      const id = reader.u53()
      const [lastUsedIndex, settledBelow] = [reader.u53(), reader.u53()]
      let session = this.#sessions.get(id)
      if (session === undefined) {
        session = { epoch: this.#epoch, lastUsedIndex, settledBelow, results: new Map(), resultCount: 0 }
        this.#sessions.set(id, session)
        this.#latest = id
      }
      for (const [sequence, result] of readResults<Recorded<Result>>(reader, codec)) keep(session, sequence, result)
      if (this.size > MAX_SESSIONS) throw new MalformedError(`there are more than ${MAX_SESSIONS} sessions`)
    }
  }

  /** Reads sessions and clients as snapshots of version 1 have them. */
  static decode<Result>(reader: ByteReader, codec: Codec<Result>): SessionTable<Result> {
    const table = new SessionTable<Result>()
    const version = reader.u8()
    if (version > WHOLE_VERSION) throw new MalformedError(`version ${version} of the sessions is not known`)
    const count = version === 0 ? (reader.u8() << 16) | (reader.u8() << 8) | reader.u8() : reader.u32()
    if (count > MAX_SESSIONS) throw new MalformedError(`${count} sessions are more than ${MAX_SESSIONS}`)
    for (let i = 0; i < count; i++) {
      const id = reader.u53()
      const lastUsedIndex = reader.u53()
      const settledBelow = reader.u53()
      const results = new Map<number, Recorded<Result>>(readResults(reader, codec))
      table.#sessions.set(id, { epoch: 0, lastUsedIndex, settledBelow, results, resultCount: results.size })
      table.#latest = id
    }
    if (version > 0) table.clients.restore(reader, codec)
    return table
  }
}

function keep<Result>(session: Session<Result>, sequence: number, result: Recorded<Result>): void {
  session.results.set(sequence, result)
  session.resultCount += countOf(result)
}

function forget(session: Session<unknown>, sequence: number): void {
  const { results } = session
  if (!results.has(sequence)) return
  session.resultCount -= countOf(results.get(sequence))
  results.delete(sequence)
}

/** The lowest sequence with a result, of which there must be one. Mostly it is the next one, as a node numbers what it proposes. */
function lowestOf({ results, settledBelow }: Session<unknown>): number {
  for (let sequence = settledBelow; sequence < settledBelow + results.size; sequence++)
    if (results.has(sequence)) return sequence
  let lowest = Number.POSITIVE_INFINITY
  for (const sequence of results.keys()) lowest = Math.min(lowest, sequence)
  return lowest
}

/** A table as it was at one moment, in parts: the sessions with the results of single commands, then those of batches. */
export interface FrozenSessions {
  readonly sessions: Iterable<Uint8Array>
  readonly batches: Iterable<Uint8Array>
}
