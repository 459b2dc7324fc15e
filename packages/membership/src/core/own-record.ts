import { changedParts, type Description, describedAs } from './description.ts'
import type { CoreParts } from './parts.ts'
import { compareRecords, isLive, isSameProcess, MAX_INCARNATION, type MemberRecord } from './record.ts'
import { PROTOCOL_VERSIONS } from './versions.ts'
import type { Entry } from './view.ts'

/** Two processes that wait for a third one to go hardly ever take the same nonce. */
const NONCE_STEP = 2 ** 20

/** What this node says of itself. Nobody else makes a higher incarnation of it. */
export class OwnRecord {
  readonly #parts: CoreParts

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
      ...describedAs(options),
      nonce: options.nonce,
      versions: options.versions ?? PROTOCOL_VERSIONS,
    }
    apply(record, { nowMs, evidence: { kind: 'started' } })
  }

  /** Nothing happens where it says what it said before. */
  update(description: Description, nowMs: number): void {
    const { metadata, facts } = describedAs(description)
    const record = { ...this.#at(this.record.incarnation + 1), metadata, facts }
    if (changedParts(this.record, record).length === 0) return
    this.#parts.apply(record, { nowMs, evidence: { kind: 'announced' } })
    this.#parts.announce(record, nowMs)
  }

  leave(nowMs: number): MemberRecord {
    const record: MemberRecord = { ...this.#at(this.record.incarnation + 1), state: 'left' }
    this.#parts.apply(record, { nowMs, evidence: { kind: 'farewell', from: record.id } })
    return record
  }

  /** Others may have missed this node meanwhile: a higher incarnation refutes whatever they say. */
  returns(nowMs: number): void {
    this.#parts.announce(this.#restate(this.record.incarnation + 1, nowMs), nowMs)
  }

  /** Somebody speaks of this node. True when a later life of it has taken over. */
  hears(heard: MemberRecord, mayRefute: boolean, nowMs: number): boolean {
    const { self, apply, announce, emit, health } = this.#parts
    if (heard.generation > self.generation) {
      apply(heard, { nowMs, evidence: { kind: 'announced' } })
      return true
    }
    if (heard.generation < self.generation || !mayRefute) return false
    if (!isSameProcess(heard, this.record)) {
      if (!isLive(heard.state)) this.#replace(heard, nowMs)
      return false
    }
    if (compareRecords({ ...heard, nonce: this.record.nonce }, this.record) <= 0) return false
    emit({ type: 'count', what: 'refutation' })
    if (heard.state === 'suspect' || heard.state === 'dead') health.raise(1, 'refuted')
    const restated = this.#restate(heard.incarnation + 1, nowMs)
    // Whoever says that it lives is a double that gives no nonce, and would answer an announcement with one of its own, and so on, as fast as
    // the network is: it hears of this with the next gossip.
    if (heard.state !== 'alive') announce(restated, nowMs)
    return false
  }

  /** Another process that ran as this life, and counted, is dead or gone: from now on this one counts, under a nonce above that. */
  #replace({ nonce = 0 }: MemberRecord, nowMs: number): void {
    if (nonce < (this.record.nonce ?? 0)) return
    const record = this.#above(nonce)
    this.#parts.apply(record, { nowMs, evidence: { kind: 'took-over' } })
    this.#parts.announce(record, nowMs)
  }

  /** Nobody comes to the highest incarnation by steps of one. Whoever was brought there by a liar speaks on under another nonce. */
  #at(incarnation: number): MemberRecord {
    const own = this.record
    return incarnation > MAX_INCARNATION ? this.#above(own.nonce ?? 0) : { ...own, incarnation, state: 'alive' }
  }

  /** Under a nonce above `nonce`, incarnations begin anew. */
  #above(nonce: number): MemberRecord {
    const next = Math.min(nonce + 1 + this.#parts.random.integer(0, NONCE_STEP), Number.MAX_SAFE_INTEGER)
    return { ...this.record, incarnation: 0, state: 'alive', nonce: next }
  }

  /** Says again, above all that is said of this node, that it is alive. */
  #restate(incarnation: number, nowMs: number): MemberRecord {
    const record = this.#at(incarnation)
    this.#parts.apply(record, { nowMs, evidence: { kind: 'restated' } })
    return record
  }
}
