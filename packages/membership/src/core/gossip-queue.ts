import type { MemberRecord, Rumor } from './record.ts'
import { recordBytes, rumorBytes } from './record-codec.ts'

/** The length before each rumor takes at most this. */
const LENGTH_BYTES = 2

/** So many rumors that do not fit are passed over before a frame counts as full. */
const MAX_MISSES = 8

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
 *
 * It is divided by how often the news was told, the one that has waited longest in front. So a frame is filled without a look at the rest.
 */
export class GossipQueue {
  readonly #waiting = new Map<string, Waiting>()
  readonly #byTransmits: Map<string, Waiting>[] = []
  readonly #rumorOf: RumorOf

  constructor(rumorOf: RumorOf) {
    this.#rumorOf = rumorOf
  }

  get size(): number {
    return this.#waiting.size
  }

  add(record: MemberRecord): void {
    this.remove(record.id)
    this.#put(record.id, { record, recordBytes: recordBytes(record), transmits: 0 })
  }

  remove(id: string): void {
    const entry = this.#waiting.get(id)
    if (entry === undefined) return
    this.#waiting.delete(id)
    this.#byTransmits[entry.transmits]?.delete(id)
  }

  /**
   * Takes the rumors told least often, as many as fit in `maxBytes`. Each is taken `limit` times in all. `first` is put before them
   * and does not count.
   */
  take(nowMs: number, maxBytes: number, limit: number, first?: Rumor): Rumor[] {
    const rumors = first === undefined ? [] : [first]
    let bytes = first === undefined ? 0 : rumorBytes(first) + LENGTH_BYTES
    let misses = 0
    const taken: [string, Waiting][] = []
    for (const [id, entry] of this.#inOrder()) {
      if (first?.record.id === id) continue
      const rumor = this.#rumorOf(entry.record, nowMs)
      const size = rumorBytes(rumor, entry.recordBytes) + LENGTH_BYTES
      if (bytes + size > maxBytes) {
        misses += 1
        if (misses === MAX_MISSES) break
        continue
      }
      bytes += size
      rumors.push(rumor)
      taken.push([id, entry])
    }
    for (const [id, entry] of taken) {
      this.remove(id)
      entry.transmits += 1
      if (entry.transmits < limit) this.#put(id, entry)
    }
    return rumors
  }

  *#inOrder(): Generator<[string, Waiting]> {
    for (const part of this.#byTransmits) yield* part
  }

  #put(id: string, entry: Waiting): void {
    while (this.#byTransmits.length <= entry.transmits) this.#byTransmits.push(new Map())
    this.#byTransmits[entry.transmits]?.set(id, entry)
    this.#waiting.set(id, entry)
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
