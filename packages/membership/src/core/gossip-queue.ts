import type { MemberRecord, Rumor } from './record.ts'
import { recordBytes, rumorBytes } from './record-codec.ts'

/** The length before each rumor takes at most this. */
const LENGTH_BYTES = 2

interface Waiting {
  readonly record: MemberRecord
  readonly recordBytes: number
  transmits: number
}

/** Turns a record into a rumor as of now. */
export type RumorOf = (record: MemberRecord, nowMs: number) => Rumor

/**
 * The news that still has to be told, one entry for each node: news of a node takes the place of older news of it. So the queue
 * is never longer than the view.
 */
export class GossipQueue {
  readonly #waiting = new Map<string, Waiting>()
  readonly #rumorOf: RumorOf

  constructor(rumorOf: RumorOf) {
    this.#rumorOf = rumorOf
  }

  get size(): number {
    return this.#waiting.size
  }

  add(record: MemberRecord): void {
    // Deleted first, so that the newest stands last and those told equally often go out oldest first.
    this.#waiting.delete(record.id)
    this.#waiting.set(record.id, { record, recordBytes: recordBytes(record), transmits: 0 })
  }

  remove(id: string): void {
    this.#waiting.delete(id)
  }

  /**
   * Takes the rumors told least often, as many as fit in `maxBytes`. Each is taken `limit` times in all. `first` is put before them
   * and does not count.
   */
  take(nowMs: number, maxBytes: number, limit: number, first?: Rumor): Rumor[] {
    const rumors = first === undefined ? [] : [first]
    let bytes = first === undefined ? 0 : rumorBytes(first) + LENGTH_BYTES
    const order = [...this.#waiting.entries()].sort(([, a], [, b]) => a.transmits - b.transmits)
    for (const [id, entry] of order) {
      if (first?.record.id === id) continue
      const rumor = this.#rumorOf(entry.record, nowMs)
      const size = rumorBytes(rumor, entry.recordBytes) + LENGTH_BYTES
      if (bytes + size > maxBytes) continue
      bytes += size
      rumors.push(rumor)
      entry.transmits += 1
      if (entry.transmits >= limit) this.#waiting.delete(id)
    }
    return rumors
  }
}

/** Cuts `rumors` into parts of at most `maxBytes`, at least one part. */
export function inParts(rumors: readonly Rumor[], maxBytes: number): Rumor[][] {
  let part: Rumor[] = []
  const parts = [part]
  let bytes = 0
  for (const rumor of rumors) {
    const size = rumorBytes(rumor) + LENGTH_BYTES
    if (bytes + size > maxBytes && part.length > 0) {
      part = []
      parts.push(part)
      bytes = 0
    }
    bytes += size
    part.push(rumor)
  }
  return parts
}
