import { compareText, type MemberRecord, STATES } from './record.ts'
import { recordHash } from './record-codec.ts'

/** Into so many buckets nodes are divided by their ids. The same on all nodes of a version. */
export const BUCKETS = 64

/** What a digest says of one node: enough to see who knows more. */
export interface DigestEntry extends Pick<MemberRecord, 'id' | 'generation' | 'incarnation' | 'state'> {
  /** 0: the record has none. */
  readonly nonce: number
  /** Of the whole record. */
  readonly hash: number
}

/** All nodes of one bucket whose ids are above `after` and not above `until`. An empty text is no limit. */
export interface DigestRange {
  readonly bucket: number
  readonly after: string
  readonly until: string
  readonly entries: readonly DigestEntry[]
}

/**
 * A summary of a view of any size: one number for each bucket. It is kept up to date with each change, so it costs nothing to
 * make. Equal views have equal summaries; that different ones do has a chance of one in 2^32 for each bucket, until the next change in it.
 */
export class Digest {
  readonly #sums = new Uint32Array(BUCKETS)
  readonly #entries: readonly Map<string, DigestEntry>[] = Array.from({ length: BUCKETS }, () => new Map())

  /** The sum of the hashes in each bucket. */
  summary(): number[] {
    return [...this.#sums]
  }

  set(record: MemberRecord): void {
    const { id, generation, incarnation, state, nonce = 0 } = record
    const bucket = bucketOf(id)
    this.remove(id)
    const hash = recordHash(record)
    this.#entries[bucket]?.set(id, { id, generation, incarnation, state, nonce, hash })
    this.#add(bucket, hash)
  }

  remove(id: string): void {
    const bucket = bucketOf(id)
    const before = this.#entries[bucket]?.get(id)
    if (before === undefined) return
    this.#entries[bucket]?.delete(id)
    this.#add(bucket, -before.hash)
  }

  /** What is known in one bucket, ordered by id. */
  bucket(bucket: number): DigestEntry[] {
    return [...(this.#entries[bucket]?.values() ?? [])].sort((a, b) => compareText(a.id, b.id))
  }

  /** A sum, and no XOR: with that, two records that change alike would hide each other. Overflow is cut off, which addition allows. */
  #add(bucket: number, hash: number): void {
    this.#sums[bucket] = (this.#sums[bucket] as number) + hash
  }
}

/** Above 0 where `a` says more than `b`: the merge rule, as far as a digest knows it. 0 may still be two different records. */
export function compareEntries(a: DigestEntry, b: DigestEntry): number {
  if (a.generation !== b.generation) return a.generation - b.generation
  if (a.nonce !== b.nonce) return a.nonce - b.nonce
  if (a.incarnation !== b.incarnation) return a.incarnation - b.incarnation
  return STATES.indexOf(a.state) - STATES.indexOf(b.state)
}

/** The bucket of an id; the same on every machine and in every version. */
export function bucketOf(id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return ((hash ^ (hash >>> 15)) >>> 0) % BUCKETS
}
