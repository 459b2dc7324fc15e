import type { Codec } from '@dsys/runtime'
import { type ByteReader, ByteWriter } from './bytes.ts'
import { batchCodec, ofKind, type Recorded } from './recorded.ts'

/** About so many bytes of a table are one part of a snapshot. */
const PART_BYTES = 64 * 1_024
/** What a result takes besides its own bytes. */
const RESULT_OVERHEAD_BYTES = 12

/** Whose results these are. Nothing of it may change any more. */
export interface OwnedResults<Result> {
  /** Writes all but the results. */
  readonly writeHead: (writer: ByteWriter) => void
  readonly results: ReadonlyMap<number, Result>
}

/** A table of results in parts: for each owner its head, the number of results and these. One that does not fit goes on in the next part, with its head. */
export function* encodeParts<Result>(
  owners: Iterable<OwnedResults<Result>>,
  codec: Codec<Result>,
): Generator<Uint8Array, void, undefined> {
  let part = new ByteWriter(PART_BYTES)
  for (const { writeHead, results } of owners) {
    const left = results.entries()
    let next = left.next()
    do {
      writeHead(part)
      const some: [sequence: number, result: Uint8Array][] = []
      for (let bytes = part.length; next.done !== true && bytes < PART_BYTES; next = left.next()) {
        const [sequence, result] = next.value
        const encoded = codec.encode(result)
        some.push([sequence, encoded])
        bytes += encoded.length + RESULT_OVERHEAD_BYTES
      }
      part.u32(some.length)
      for (const [sequence, encoded] of some) part.u53(sequence).bytes(encoded)
      if (part.length >= PART_BYTES) {
        yield part.finish()
        part = new ByteWriter(PART_BYTES)
      }
    } while (next.done !== true)
  }
  if (part.length > 0) yield part.finish()
}

/** Reads what stands behind a head: each sequence with its result. */
export function* readResults<Result>(
  reader: ByteReader,
  codec: Codec<Result>,
): Generator<[sequence: number, result: Result], void, undefined> {
  for (let left = reader.u32(); left > 0; left--) yield [reader.u53(), codec.decode(reader.bytes())]
}

/** Writes whose results these are, with all that is known of the owner besides. */
export type WriteHead<Id, Owner> = (writer: ByteWriter, id: Id, owner: Owner) => void

/** A table as it is now, in parts that are encoded one by one: its owners with the results of single commands, then those of batches. */
export function tableParts<Id, Owner extends { readonly results: ReadonlyMap<number, Recorded<Result>> }, Result>(
  owners: readonly (readonly [Id, Owner])[],
  codec: Codec<Result>,
  writeHead: WriteHead<Id, Owner>,
): { readonly singles: Iterable<Uint8Array>; readonly batches: Iterable<Uint8Array> } {
  return {
    singles: encodeParts(ownersOf<Id, Owner, Result>(owners, 'single', writeHead), codec as Codec<Recorded<Result>>),
    batches: encodeParts(
      ownersOf<Id, Owner, Result>(owners, 'batch', writeHead),
      batchCodec(codec) as Codec<Recorded<Result>>,
    ),
  }
}

/** Every owner with its results of one kind; of batches those only that have any. */
function* ownersOf<Id, Owner extends { readonly results: ReadonlyMap<number, Recorded<Result>> }, Result>(
  owners: readonly (readonly [Id, Owner])[],
  kind: 'single' | 'batch',
  writeHead: WriteHead<Id, Owner>,
): Generator<OwnedResults<Recorded<Result>>> {
  for (const [id, owner] of owners) {
    const results = ofKind(owner.results, kind)
    if (kind === 'batch' && results.size === 0) continue
    yield { writeHead: (writer) => writeHead(writer, id, owner), results }
  }
}
