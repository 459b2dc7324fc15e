import type { Codec } from '@dsys/runtime'
import { crc32 } from '@dsys/runtime/bytes'
import type { SnapshotMeta, StoredSnapshot } from '@dsys/storage'
import { ByteReader, ByteWriter, MalformedError } from './bytes.ts'
import { WitnessMismatchError } from './errors.ts'
import type { SnapshotDecoder } from './machine.ts'
import { SessionTable } from './sessions.ts'
import type { Turns } from './turns.ts'

/**
 * The content of a snapshot: the version, then parts, each with its kind in one byte and its length in four: those of the tables
 * of sessions, with the results of batches behind them, and of clients likewise, those of the state, and the end. Behind the kind and length of the end stand the number of parts in eight bytes, and the
 * CRC-32 of all that comes before it in four.
 *
 * Version 1, which is still read, has the length of the tables in four bytes, the tables, and the state in one piece.
 */
const VERSION = 2
const WHOLE_VERSION = 1

/** All that the snapshot of a witness is: a version that nobody can read as a state. */
const WITNESS_VERSION = 255
const WITNESS_CONTENT = Uint8Array.of(WITNESS_VERSION)
export const WITNESS_CHECKSUM: number = crc32(WITNESS_CONTENT)

/** What a witness gets of a snapshot: the place in the log, and the configuration there. */
export const withoutContent = (meta: SnapshotMeta): StoredSnapshot => ({
  meta,
  sizeBytes: WITNESS_CONTENT.length,
  read: async (offset, maxBytes) => WITNESS_CONTENT.slice(offset, offset + maxBytes),
})

/** Numbers are never given a second meaning. */
const KIND = { end: 0, sessions: 1, clients: 2, state: 3, batches: 4, clientBatches: 5 } as const
const HEADER_BYTES = 5
const END_BYTES = 12
const CHECKSUM_BYTES = 4

const READ_BYTES = 256 * 1_024

/** The bytes of a snapshot that is stored. */
export async function* contentOf(snapshot: StoredSnapshot): AsyncGenerator<Uint8Array, void, undefined> {
  for (let offset = 0; offset < snapshot.sizeBytes; ) {
    const bytes = await snapshot.read(offset, READ_BYTES)
    if (bytes.length === 0) throw new MalformedError(`the stored snapshot ends at ${offset} of ${snapshot.sizeBytes}`)
    offset += bytes.length
    yield bytes
  }
}

/** The replicated state of one moment, to be encoded part by part. */
export interface FrozenReplica {
  readonly sessions: Iterable<Uint8Array>
  /** None where no session holds the results of a batch. */
  readonly batches: Iterable<Uint8Array>
  readonly clients: Iterable<Uint8Array>
  /** None where no client has the results of a batch. */
  readonly clientBatches: Iterable<Uint8Array>
  readonly state: Iterable<Uint8Array>
}

/** The replicated state as a snapshot holds it. */
export interface DecodedSnapshot<State, Result> {
  readonly sessions: SessionTable<Result>
  readonly state: State
  /** Of the content: by it two nodes know the same snapshot. */
  readonly checksum: number
}

/** Encodes a snapshot while it is being stored, some of it each turn of the event loop. */
export class ContentWriter implements AsyncIterable<Uint8Array> {
  readonly #replica: FrozenReplica | undefined
  readonly #turns: Turns
  #checksum = 0
  #sizeBytes = 0

  /** @param replica absent at a witness. */
  constructor(replica: FrozenReplica | undefined, turns: Turns) {
    this.#replica = replica
    this.#turns = turns
  }

  /** Of what was given out; once all was, of the whole. */
  get checksum(): number {
    return this.#checksum
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#replica === undefined) {
      yield this.#note(WITNESS_CONTENT)
      return
    }
    yield this.#note(Uint8Array.of(VERSION))
    let parts = 0
    for (const kind of ['sessions', 'batches', 'clients', 'clientBatches', 'state'] as const) {
      for (const part of this.#replica[kind]) {
        parts++
        yield this.#note(new ByteWriter(HEADER_BYTES).u8(KIND[kind]).u32(part.length).finish())
        if (part.length > 0) yield this.#note(part)
        await this.#turns.spent(part.length)
      }
    }
    yield this.#note(new ByteWriter(HEADER_BYTES + 8).u8(KIND.end).u32(END_BYTES).u53(parts).finish())
    this.#sizeBytes += CHECKSUM_BYTES
    yield new ByteWriter(CHECKSUM_BYTES).u32(this.#checksum).finish()
  }

  #note(bytes: Uint8Array): Uint8Array {
    this.#checksum = crc32(bytes, this.#checksum)
    this.#sizeBytes += bytes.length
    return bytes
  }
}

/**
 * Reads a snapshot as its bytes come, cut anywhere, some of it each turn of the event loop. Throws {@link MalformedError} when it is of another
 * version, cut, or not what it was, and what codec and decoder throw.
 */
export async function decodeContent<State, Result>(
  content: AsyncIterable<Uint8Array>,
  resultCodec: Codec<Result>,
  decoder: SnapshotDecoder<State>,
  turns: Turns,
): Promise<DecodedSnapshot<State, Result>> {
  const stream = new ByteStream(content)
  try {
    const version = (await stream.take(1))[0]
    if (version === WHOLE_VERSION) return await decodeWhole(stream, resultCodec, decoder)
    if (version === WITNESS_VERSION)
      throw new WitnessMismatchError('this node is made to hold data, and the snapshot is that of a witness')
    if (version !== VERSION) throw new MalformedError(`snapshot version ${version} is not ${VERSION}`)
    const parts = new PartReader(stream, turns)
    const sessions = new SessionTable<Result>()
    for await (const part of parts.of(KIND.sessions)) sessions.addPart(part, resultCodec)
    for await (const part of parts.of(KIND.batches)) sessions.addBatchPart(part, resultCodec)
    for await (const part of parts.of(KIND.clients)) sessions.clients.addPart(part, resultCodec)
    for await (const part of parts.of(KIND.clientBatches)) sessions.clients.addBatchPart(part, resultCodec)
    for await (const part of parts.of(KIND.state)) decoder.add(part)
    await parts.end()
    return { sessions, state: decoder.finish(), checksum: parts.checksum }
  } finally {
    await stream.close()
  }
}

/** Reads the snapshot of a witness. Throws WitnessMismatchError when it holds data. */
export async function checkNoContent(content: AsyncIterable<Uint8Array>): Promise<number> {
  const stream = new ByteStream(content)
  try {
    if ((await stream.take(1))[0] !== WITNESS_VERSION)
      throw new WitnessMismatchError('this node is made as a witness, and the snapshot holds data')
    return stream.checksum
  } finally {
    await stream.close()
  }
}

async function decodeWhole<State, Result>(
  stream: ByteStream,
  resultCodec: Codec<Result>,
  decoder: SnapshotDecoder<State>,
): Promise<DecodedSnapshot<State, Result>> {
  const reader = new ByteReader(await stream.rest())
  const sessions = SessionTable.decode(new ByteReader(reader.bytes()), resultCodec)
  decoder.add(reader.rest())
  return { sessions, state: decoder.finish(), checksum: stream.checksum }
}

/** The parts of a snapshot, in order. */
class PartReader {
  readonly #stream: ByteStream
  readonly #turns: Turns
  #next: { readonly kind: number; readonly length: number } | undefined
  #count = 0
  #checksum = 0

  constructor(stream: ByteStream, turns: Turns) {
    this.#stream = stream
    this.#turns = turns
  }

  get checksum(): number {
    return this.#checksum
  }

  /** The parts of one kind that come next. */
  async *of(kind: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let header = await this.#header(); header.kind === kind; header = await this.#header()) {
      const part = await this.#stream.take(header.length)
      this.#next = undefined
      this.#count++
      yield part
      await this.#turns.spent(part.length)
    }
  }

  async #header(): Promise<{ readonly kind: number; readonly length: number }> {
    if (this.#next === undefined) {
      const reader = new ByteReader(await this.#stream.take(HEADER_BYTES))
      this.#next = { kind: reader.u8(), length: reader.u32() }
    }
    return this.#next
  }

  /** Checks that this is the end, and that all of it is what it was. */
  async end(): Promise<void> {
    const { kind, length } = await this.#header()
    if (kind !== KIND.end || length !== END_BYTES) throw new MalformedError(`a part of kind ${kind} stands at the end`)
    const count = new ByteReader(await this.#stream.take(END_BYTES - CHECKSUM_BYTES)).u53()
    if (count !== this.#count) throw new MalformedError(`${this.#count} parts are there, of ${count}`)
    this.#checksum = this.#stream.checksum
    const stored = new ByteReader(await this.#stream.take(CHECKSUM_BYTES)).u32()
    if (stored !== this.#checksum) throw new MalformedError('the checksum of the snapshot does not match')
    if ((await this.#stream.rest()).length > 0) throw new MalformedError('bytes are left over behind a snapshot')
  }
}

/** Bytes that come in pieces, read in others. */
class ByteStream {
  readonly #source: AsyncIterator<Uint8Array>
  #piece: Uint8Array = new Uint8Array(0)
  #checksum = 0

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#source = content[Symbol.asyncIterator]()
  }

  /** CRC-32 of all that was taken. */
  get checksum(): number {
    return this.#checksum
  }

  /** The next `length` bytes: a view where they came in one piece. */
  async take(length: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    for (let missing = length; missing > 0; ) {
      if (this.#piece.length === 0 && !(await this.#pull())) throw new MalformedError('a snapshot ends too early')
      const piece = this.#piece.subarray(0, missing)
      this.#piece = this.#piece.subarray(piece.length)
      pieces.push(piece)
      missing -= piece.length
    }
    return this.#note(pieces)
  }

  async rest(): Promise<Uint8Array> {
    const pieces = [this.#piece]
    while (await this.#pull()) pieces.push(this.#piece)
    this.#piece = new Uint8Array(0)
    return this.#note(pieces)
  }

  /** Whoever gives the bytes need not go on. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }

  async #pull(): Promise<boolean> {
    const next = await this.#source.next()
    if (next.done !== true) this.#piece = next.value
    return next.done !== true
  }

  #note(pieces: readonly Uint8Array[]): Uint8Array {
    const [only] = pieces
    const bytes = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
    this.#checksum = crc32(bytes, this.#checksum)
    return bytes
  }
}
