import type { Random } from '@dsys/runtime'
import type { PeerAddress } from '@dsys/transport'
import type { IsolationGate } from '../isolation.ts'
import type { LocalHealth } from '../local-health.ts'
import { Rotation } from '../prober.ts'
import { isSameProcess } from '../record.ts'
import type { Entry, View } from '../view.ts'
import { Edge } from './edge.ts'
import type { ObserverRings } from './observer-rings.ts'

/** Each subject is probed once in so many turns. */
const TURNS_OF_SUBJECT = 2
/** One that was removed and does not answer, once in so many. */
const TURNS_OF_REMOVED = 8
/** So many of those that were removed are looked at in one turn. */
const REMOVED_IN_TURN = 16

/** What the observation needs of the core around it. */
export interface ObservationContext {
  readonly self: PeerAddress
  readonly random: Random
  readonly view: View
  readonly rings: ObserverRings
  readonly health: LocalHealth
  readonly probeIntervalMs: number
  readonly nextSeq: () => number
  readonly ping: (to: PeerAddress, seq: number, nowMs: number) => void
  readonly gate: IsolationGate
  /** `id` has answered a question of this node. */
  readonly answered: (id: string, nowMs: number) => void
  /** This node does not reach `subject` any more, or reaches it again. */
  readonly alert: (subject: string, generation: number, raised: boolean, nowMs: number) => void
}

interface Ping {
  readonly target: string
  readonly generation: number
  readonly nonce: number | undefined
  readonly sentMs: number
  readonly deadlineMs: number
}

interface Observed {
  edge: Edge
  probedMs: number
}

/** The members that this node observes: probes them without helpers, as it is the direct link that counts, and says when it loses them. */
export class Observation {
  readonly #context: ObservationContext
  readonly #observed = new Map<string, Observed>()
  readonly #pings = new Map<number, Ping>()
  /** Those that were removed. One of them may be this node's to observe. */
  readonly #removed: Rotation
  #subjects: readonly string[] = []
  #isOld = true

  constructor(context: ObservationContext) {
    this.#context = context
    this.#removed = new Rotation(context.random)
  }

  /** Members have come or gone. */
  changed(entry: Entry): void {
    this.#isOld = true
    const { id, state } = entry.record
    if (state === 'dead') this.#removed.add(id)
    else this.#removed.remove(id)
  }

  forget(id: string): void {
    this.#removed.remove(id)
    this.#observed.delete(id)
  }

  /** What is under way proves nothing any more. */
  drop(): void {
    this.#pings.clear()
  }

  deadlineMs(): number {
    let first = Number.POSITIVE_INFINITY
    for (const { deadlineMs } of this.#pings.values()) first = Math.min(first, deadlineMs)
    return first
  }

  /** Whether this node reaches `id` now, and observes it. */
  vouchesFor(id: string): boolean {
    return this.#observed.get(id)?.edge.isGood === true
  }

  /** Whether this node said that it does not reach the life `generation` of `id`, and would say so still. */
  isRaised(id: string, generation: number): boolean {
    const edge = this.#observed.get(id)?.edge
    return edge?.generation === generation && edge.isRaised
  }

  /** One turn of probes. */
  turn(nowMs: number): void {
    const { probeIntervalMs, view, health } = this.#context
    const turnMs = probeIntervalMs * health.multiplier
    if (this.#isOld) this.#renew(nowMs)
    if (view.live.size === 0) health.lower()
    for (let i = Math.min(REMOVED_IN_TURN, this.#removed.size); i > 0; i--) this.#lookAtRemoved(nowMs)
    for (const [id, observed] of this.#observed) {
      const entry = view.get(id)
      if (entry === undefined) continue
      if (observed.edge.generation !== entry.record.generation) observed.edge = new Edge(entry.record.generation)
      const isLost = !view.live.has(id) && observed.edge.isRaised && !observed.edge.answers
      // The turns of timers are not exact, so half a turn early is in time.
      const waitMs = (isLost ? TURNS_OF_REMOVED : TURNS_OF_SUBJECT) * turnMs - turnMs / 2
      if (nowMs - observed.probedMs >= waitMs) this.#probe(entry, observed, nowMs)
    }
  }

  #probe(entry: Entry, observed: Observed, nowMs: number): void {
    const { id, generation } = entry.record
    // Of a life that was removed any process may answer: it is the life that waits to come back, and one that runs now may be another one.
    const nonce = this.#context.view.live.has(id) ? entry.record.nonce : undefined
    const seq = this.#context.nextSeq()
    const deadlineMs = nowMs + this.#context.probeIntervalMs * this.#context.health.multiplier
    observed.probedMs = nowMs
    this.#pings.set(seq, { target: id, generation, nonce, sentMs: nowMs, deadlineMs })
    this.#context.ping({ id, generation }, seq, nowMs)
  }

  onAck(seq: number, from: PeerAddress, nonce: number | undefined, nowMs: number): void {
    const ping = this.#pings.get(seq)
    if (ping?.target !== from.id || !isSameProcess(ping, { generation: from.generation, nonce })) return
    this.#pings.delete(seq)
    this.#context.health.lower()
    this.#context.answered(ping.target, nowMs)
    this.#record(ping, true, nowMs)
  }

  /** Judges those whose time to answer is over. */
  tick(nowMs: number): void {
    const { gate, view } = this.#context
    const failed: Ping[] = []
    for (const [seq, ping] of this.#pings) {
      if (nowMs < ping.deadlineMs) continue
      this.#pings.delete(seq)
      failed.push(ping)
      if (view.live.has(ping.target)) gate.silent(ping.target, ping.sentMs)
    }
    gate.judge(nowMs)
    if (!gate.isShut) for (const ping of failed) this.#record(ping, false, nowMs)
  }

  #record({ target, generation }: Ping, answered: boolean, nowMs: number): void {
    const edge = this.#observed.get(target)?.edge
    if (edge?.generation !== generation || !edge.record(answered)) return
    this.#context.alert(target, generation, edge.isRaised, nowMs)
  }

  /** Who is observed by the rings as they are now; and nothing is said any more of all others. */
  #renew(nowMs: number): void {
    const { rings, self, alert } = this.#context
    this.#isOld = false
    this.#subjects = rings.subjectsOf(self.id)
    const subjects = new Set(this.#subjects)
    for (const id of this.#subjects) this.#observe(id, nowMs)
    for (const [id, { edge }] of this.#observed) {
      if (subjects.has(id) || this.#isMine(id)) continue
      this.#observed.delete(id)
      if (edge.isRaised) alert(id, edge.generation, false, nowMs)
    }
  }

  #lookAtRemoved(nowMs: number): void {
    const id = this.#removed.next(() => true)
    if (id !== undefined && !this.#observed.has(id) && this.#isMine(id)) this.#observe(id, nowMs)
  }

  #isMine(removed: string): boolean {
    const { view, rings, self } = this.#context
    return view.dead.has(removed) && rings.observersOf(removed).includes(self.id)
  }

  #observe(id: string, nowMs: number): void {
    const { view, random, probeIntervalMs } = this.#context
    const entry = view.get(id)
    if (entry === undefined || this.#observed.has(id)) return
    // Those that are new at the same time are not all probed at the same time.
    const probedMs = nowMs - random.float() * TURNS_OF_SUBJECT * probeIntervalMs
    this.#observed.set(id, { edge: new Edge(entry.record.generation), probedMs })
  }
}
