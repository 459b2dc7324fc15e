import type { Codec } from '@dsys/runtime'
import { decodeBatch, encodeBatch } from './batches.ts'

/** The results of the commands of a batch, in their order. The batch has one sequence, and they are one result. */
export class BatchResults<Result> {
  readonly results: readonly Result[]

  constructor(results: readonly Result[]) {
    this.results = results
  }
}

/** What came of a command, or of a batch of them. */
export type Recorded<Result> = Result | BatchResults<Result>

/** How many results that is. */
export const countOf = (recorded: Recorded<unknown>): number =>
  recorded instanceof BatchResults ? recorded.results.length : 1

/** Those that came of single commands, or those of batches. */
export function ofKind<Result>(
  results: ReadonlyMap<number, Recorded<Result>>,
  kind: 'single' | 'batch',
): ReadonlyMap<number, Recorded<Result>> {
  return new Map([...results].filter(([, recorded]) => recorded instanceof BatchResults === (kind === 'batch')))
}

/** The results of a batch, each behind its length, as its commands are. */
export function batchCodec<Result>(codec: Codec<Result>): Codec<BatchResults<Result>> {
  return {
    encode: ({ results }) => encodeBatch(results.map((result) => codec.encode(result))),
    decode: (bytes) => new BatchResults(decodeBatch(bytes, 0).map((result) => codec.decode(result))),
  }
}
