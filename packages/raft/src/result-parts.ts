import type { Codec } from '@dsys/runtime'
import { ByteWriter } from './bytes.ts'

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
