import type { CoreParts } from './parts.ts'
import { compareRecords, type MemberRecord, type Metadata, metadataEntries } from './record.ts'
import { PROTOCOL_VERSIONS } from './versions.ts'
import type { Entry } from './view.ts'

/** What this node says of itself. Nobody else makes a higher incarnation of it. */
export class OwnRecord {
  readonly #parts: CoreParts
  #warnedOfTwin = false

  constructor(parts: CoreParts) {
    this.#parts = parts
  }

  get record(): MemberRecord {
    const { view, self } = this.#parts
    return (view.get(self.id) as Entry).record
  }

  begin(nowMs: number): void {
    const { self, options, apply } = this.#parts
    const record: MemberRecord = {
      ...self,
      incarnation: 0,
      state: 'alive',
      metadata: metadataEntries(options.metadata),
      nonce: options.nonce,
      versions: options.versions ?? PROTOCOL_VERSIONS,
    }
    apply(record, { nowMs, why: 'this node has started' })
  }

  update(metadata: Metadata, nowMs: number): void {
    const own = this.record
    const record = { ...own, incarnation: own.incarnation + 1, metadata: metadataEntries(metadata) }
    this.#parts.apply(record, { nowMs, why: 'its metadata changed' })
    this.#parts.announce(record, nowMs)
  }

  leave(nowMs: number): MemberRecord {
    const own = this.record
    const record: MemberRecord = { ...own, incarnation: own.incarnation + 1, state: 'left' }
    this.#parts.apply(record, { nowMs, why: 'this node leaves' })
    return record
  }

  /** Others may have missed this node meanwhile: a higher incarnation refutes whatever they say. */
  returns(nowMs: number): void {
    this.#parts.announce(this.#restate(this.record.incarnation + 1, nowMs), nowMs)
  }

  /** Somebody speaks of this node. True when a later life of it has taken over. */
  hears(record: MemberRecord, mayRefute: boolean, nowMs: number): boolean {
    const { self, apply, announce, emit } = this.#parts
    if (compareRecords(record, this.record) <= 0) return false
    if (record.generation > self.generation) {
      apply(record, { nowMs, why: 'a later life of this node has announced itself' })
      return true
    }
    if (!mayRefute) return false
    if (record.state === 'alive') this.#warnOfTwin(record)
    emit({ type: 'count', what: 'refutation' })
    const restated = this.#restate(record.incarnation + 1, nowMs)
    // A double would answer an announcement with one of its own, and so on, as fast as the network is: it hears of this with
    // the next gossip.
    if (record.state !== 'alive') announce(restated, nowMs)
    return false
  }

  #warnOfTwin({ incarnation }: MemberRecord): void {
    if (this.#warnedOfTwin) return
    this.#warnedOfTwin = true
    const message =
      'somebody else speaks as this life of this node: two processes share an id, or a generation was used twice'
    this.#parts.emit({ type: 'warning', message, fields: { ...this.#parts.self, incarnation } })
  }

  /** Says again, above all that is said of this node, that it is alive. */
  #restate(incarnation: number, nowMs: number): MemberRecord {
    const record: MemberRecord = { ...this.record, incarnation, state: 'alive' }
    this.#parts.apply(record, { nowMs, why: 'this node refuted what was said of it' })
    return record
  }
}
