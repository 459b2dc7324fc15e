import type { PeerAddress } from '@dsys/transport'
import { compareEntries, type DigestEntry, type DigestRange } from './digest.ts'
import { digestEntryBytes } from './digest-codec.ts'
import { inParts } from './gossip-queue.ts'
import type { CoreParts } from './parts.ts'
import { compareText } from './record.ts'
import { textBytes } from './record-codec.ts'

/** What a range takes besides its entries, at the most: two ids and some numbers. */
const RANGE_BYTES = 800

/**
 * Push/pull that costs what differs. A summary of one size asks; who finds buckets that differ answers with what it knows in them; that is
 * compared entry by entry, and each side sends what it knows better. Each message is caused by one of the step before, and the fourth
 * causes none: however two views or two versions differ, an exchange ends.
 */
export class DigestSync {
  readonly #parts: CoreParts

  constructor(parts: CoreParts) {
    this.#parts = parts
  }

  begin(to: PeerAddress): void {
    const { courier, view } = this.#parts
    courier.post(to, { kind: 'digest', sums: view.digest.summary(), rumors: [] })
  }

  onDigest(sums: readonly number[], from: PeerAddress): void {
    const { view, courier } = this.#parts
    const own = view.digest.summary()
    const ranges = own.flatMap((sum, bucket) => (sum === sums[bucket] ? [] : this.#rangesOf(bucket)))
    let part: DigestRange[] = []
    let bytes = 0
    const send = (): void => courier.post(from, { kind: 'digest-answer', ranges: part, rumors: [] })
    for (const range of ranges) {
      const size = rangeBytes(range)
      if (bytes + size > courier.roomBytes && part.length > 0) {
        send()
        part = []
        bytes = 0
      }
      part.push(range)
      bytes += size
    }
    if (part.length > 0) send()
  }

  onAnswer(ranges: readonly DigestRange[], from: PeerAddress, nowMs: number): void {
    const { view } = this.#parts
    const push: string[] = []
    const pull: string[] = []
    for (const { bucket, after, until, entries } of ranges) {
      const theirs = new Map(entries.map((entry) => [entry.id, entry]))
      for (const own of view.digest.bucket(bucket)) {
        if (compareText(own.id, after) <= 0 || (until !== '' && compareText(own.id, until) > 0)) continue
        const other = theirs.get(own.id)
        theirs.delete(own.id)
        if (other?.hash === own.hash) continue
        const order = other === undefined ? 1 : compareEntries(own, other)
        if (order >= 0) push.push(own.id)
        if (order <= 0) pull.push(own.id)
      }
      pull.push(...theirs.keys())
    }
    this.#push(push, from, nowMs)
    this.#pull(pull, from)
  }

  onDelta(pull: readonly string[], from: PeerAddress, nowMs: number): void {
    this.#push(pull, from, nowMs)
  }

  #push(ids: readonly string[], to: PeerAddress, nowMs: number): void {
    if (ids.length === 0) return
    const { view, courier } = this.#parts
    const rumors = ids.flatMap((id) => {
      const entry = view.get(id)
      return entry === undefined ? [] : [view.rumor(entry, nowMs)]
    })
    for (const part of inParts(rumors, courier.roomBytes)) {
      if (part.length > 0) courier.post(to, { kind: 'sync-delta', pull: [], rumors: part })
    }
  }

  #pull(ids: readonly string[], to: PeerAddress): void {
    const { courier } = this.#parts
    let part: string[] = []
    let bytes = 0
    const send = (): void => courier.post(to, { kind: 'sync-delta', pull: part, rumors: [] })
    for (const id of ids) {
      const size = textBytes(id)
      if (bytes + size > courier.roomBytes && part.length > 0) {
        send()
        part = []
        bytes = 0
      }
      part.push(id)
      bytes += size
    }
    if (part.length > 0) send()
  }

  /** The whole bucket, in ranges that fit a frame. */
  #rangesOf(bucket: number): DigestRange[] {
    const { view, courier } = this.#parts
    const ranges: DigestRange[] = []
    let entries: DigestEntry[] = []
    let bytes = RANGE_BYTES
    let after = ''
    for (const entry of view.digest.bucket(bucket)) {
      const size = digestEntryBytes(entry)
      if (bytes + size > courier.roomBytes && entries.length > 0) {
        const until = (entries.at(-1) as DigestEntry).id
        ranges.push({ bucket, after, until, entries })
        after = until
        entries = []
        bytes = RANGE_BYTES
      }
      entries.push(entry)
      bytes += size
    }
    ranges.push({ bucket, after, until: '', entries })
    return ranges
  }
}

function rangeBytes({ after, until, entries }: DigestRange): number {
  return entries.reduce((sum, entry) => sum + digestEntryBytes(entry), 6 + textBytes(after) + textBytes(until))
}
