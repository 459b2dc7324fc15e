import type { PeerAddress } from '@dsys/transport'
import type { IdConflict } from '../events.ts'
import { type ConflictEvidence, describeConflict } from '../evidence.ts'
import type { Effect } from './effects.ts'
import type { FrameHeader } from './message.ts'
import { isSameProcess, type MemberRecord } from './record.ts'
import { memberOf, type View } from './view.ts'

/** What the search for conflicts needs of the core around it. */
export interface ConflictContext {
  readonly self: PeerAddress
  readonly view: View
  readonly rememberMs: number
  readonly emit: (effect: Effect) => void
  readonly nextSeq: () => number
  /** Asks one life of a node for an ack, and tells it nothing. */
  readonly ask: (to: PeerAddress, seq: number) => void
  readonly tell: (to: PeerAddress, about: MemberRecord, nowMs: number) => void
}

interface Question {
  readonly generation: number
  readonly seq: number
}

/**
 * Finds processes that run with the id of another one. Those of the same generation differ in their nonce, which shows in their frames and in
 * what is said of them. An earlier generation is no conflict by itself, since its last frames may be late: it is asked once, and only a
 * process that still runs can answer.
 */
export class Conflicts {
  readonly #context: ConflictContext
  readonly #found = new Map<string, IdConflict>()
  readonly #asked = new Map<string, Question>()
  /** The nonce of which each node was told that it speaks as this node. */
  readonly #told = new Map<string, number>()

  constructor(context: ConflictContext) {
    this.#context = context
  }

  /** Those that were noticed lately, ordered by id. */
  list(nowMs: number): IdConflict[] {
    for (const [id, { lastSeenMs }] of this.#found)
      if (nowMs - lastSeenMs >= this.#context.rememberMs) this.#found.delete(id)
    return [...this.#found.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** A frame of a process whose generation is not an earlier one. */
  onFrame(from: PeerAddress, { nonce }: FrameHeader, nowMs: number): void {
    if (nonce === 0) return
    this.#compare({ ...from, nonce }, { kind: 'frames-of-two', from: from.id }, nowMs)
  }

  /** Somebody speaks of a node. */
  onRecord(record: MemberRecord, from: PeerAddress, nowMs: number): void {
    const { view, self, tell } = this.#context
    const known = view.get(record.id)?.record
    if (known === undefined) return
    if (!this.#compare(record, { kind: 'another-spoken-of', from: from.id }, nowMs)) return
    // What does not count is not passed on, so the process that counts would not hear of the other one.
    const passedOver = view.isNews(record) ? known : record
    const { id, generation, nonce = 0 } = passedOver
    if (id === self.id || this.#told.get(id) === nonce) return
    this.#told.set(id, nonce)
    tell({ id, generation }, passedOver, nowMs)
  }

  /** The node itself hears of a statement that it never made. */
  onForeignStatement(own: MemberRecord, incarnation: number, from: PeerAddress, nowMs: number): void {
    const evidence: ConflictEvidence = { kind: 'statement-not-made', from: from.id, incarnation }
    this.#report(own, 'same-generation', own.generation, evidence, nowMs)
  }

  /** A frame of an earlier generation: late, or a process that still runs. */
  onEarlierLife(from: PeerAddress): void {
    if (this.#asked.get(from.id)?.generation === from.generation) return
    const question = { generation: from.generation, seq: this.#context.nextSeq() }
    this.#asked.set(from.id, question)
    this.#context.ask(from, question.seq)
  }

  /** An earlier generation answers a ping. */
  onEarlierAck(seq: number, from: PeerAddress, nowMs: number): void {
    const question = this.#asked.get(from.id)
    const known = this.#context.view.get(from.id)
    if (question?.seq !== seq || question.generation !== from.generation || known === undefined) return
    const { id, generation } = from
    const laterGeneration = known.record.generation
    const evidence: ConflictEvidence = { kind: 'earlier-life-answered', from: id, generation, laterGeneration }
    this.#report(known.record, 'earlier-generation', generation, evidence, nowMs)
  }

  forget(id: string): void {
    this.#found.delete(id)
    this.#asked.delete(id)
    this.#told.delete(id)
  }

  #compare(heard: PeerAddress & { nonce?: number | undefined }, evidence: ConflictEvidence, nowMs: number): boolean {
    const known = this.#context.view.get(heard.id)?.record
    if (known?.generation !== heard.generation || isSameProcess(known, heard)) return false
    this.#report(known, 'same-generation', heard.generation, evidence, nowMs)
    return true
  }

  /** Each conflict is told once for each life of the node; that it goes on is only noted. */
  #report(
    known: MemberRecord,
    kind: IdConflict['kind'],
    otherGeneration: number,
    evidence: ConflictEvidence,
    nowMs: number,
  ): void {
    const { from } = evidence
    const how = describeConflict(evidence)
    const { id, generation } = known
    const before = this.#found.get(id)
    const isKnown =
      before?.kind === kind && before.generation === generation && before.otherGeneration === otherGeneration
    const firstSeenMs = isKnown ? before.firstSeenMs : nowMs
    const conflict = Object.freeze({ id, kind, generation, otherGeneration, how, from, firstSeenMs, lastSeenMs: nowMs })
    this.#found.set(id, conflict)
    const entry = this.#context.view.get(id)
    if (isKnown || entry === undefined) return
    const event = Object.freeze({
      type: 'MemberConflict' as const,
      member: memberOf(entry),
      why: how,
      evidence,
      conflict,
    })
    this.#context.emit({ type: 'event', event })
  }
}
