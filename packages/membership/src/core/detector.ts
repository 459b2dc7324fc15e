import type { Buggify, Random } from '@dsys/runtime'
import type { Destination, PeerAddress } from '@dsys/transport'
import type { Evidence, HelperEvidence, ProbeEvidence } from '../evidence.ts'
import type { ResolvedOptions } from '../options.ts'
import type { MembershipTopology } from '../topology.ts'
import type { Effect } from './effects.ts'
import type { IsolationGate } from './isolation.ts'
import type { LocalHealth } from './local-health.ts'
import type { MessageBody } from './message.ts'
import { ProbeTimeouts } from './probe-timeouts.ts'
import { type Probe, type Relay, Rotation } from './prober.ts'
import { compareText, isSameProcess } from './record.ts'
import { SuspectDeadlines } from './suspect-deadlines.ts'
import type { SuspicionTimes } from './suspicion.ts'
import { type Entry, freshTally, type ProbeTally, type View } from './view.ts'

/** Relays under way for others; beyond this a helper says at once that it is busy. */
const MAX_RELAYS = 256
/** A helper answers within this part of its probe timeout, so that its answer arrives before the probe ends. */
const RELAY_PART = 0.75
/** Failed probes in a row that make a suspicion although no helper said that it tried: then the fault may be ours. */
const SILENT_FAILURES = 3

/** What the detector needs of the core around it. */
export interface DetectorContext {
  readonly options: ResolvedOptions & { readonly silentFailures?: number | undefined }
  readonly self: PeerAddress
  readonly random: Random
  readonly buggify: Buggify | undefined
  readonly view: View
  readonly gate: IsolationGate
  readonly health: LocalHealth
  readonly emit: (effect: Effect) => void
  readonly send: (to: PeerAddress, body: MessageBody, nowMs: number) => void
  readonly times: () => SuspicionTimes
  readonly accuse: (entry: Entry, state: 'suspect' | 'dead', evidence: Evidence, nowMs: number) => void
  /** This node has seen for itself what others suspect. */
  readonly confirm: (entry: Entry, nowMs: number) => void
  /** `id` has answered a question of this node. */
  readonly answered: (id: string, nowMs: number) => void
}

/**
 * Finds out who does not answer (SWIM §3 and §4.1): direct ping, then through helpers, then suspicion, then death. Judges only
 * in `tick`, and nobody while the gate is shut.
 */
export class Detector {
  readonly rotation: Rotation
  readonly timeouts: ProbeTimeouts
  readonly suspicions: SuspectDeadlines
  readonly #context: DetectorContext
  readonly #probes = new Map<number, Probe>()
  readonly #relays = new Map<number, Relay>()
  #seq = 0
  /** When a tick is wanted though nothing else is due; infinite while nobody is judged. */
  #wakeMs = Number.POSITIVE_INFINITY

  constructor(context: DetectorContext) {
    this.#context = context
    this.rotation = new Rotation(context.random)
    this.timeouts = new ProbeTimeouts(context.options)
    this.suspicions = new SuspectDeadlines(context.view.suspects, context.times, (entry) => this.#endOf(entry))
  }

  /** A number for a ping that is not a probe. */
  nextSeq(): number {
    this.#seq += 1
    return this.#seq
  }

  /** The connection has gone, or is back: what is under way proves nothing. */
  drop(): void {
    this.#probes.clear()
    this.#relays.clear()
    this.#wakeMs = Number.POSITIVE_INFINITY
    this.suspicions.moved()
  }

  /** This node was cut off: that probes failed meanwhile says nothing of those who were probed. */
  forgive(): void {
    this.#probes.clear()
    for (const entry of this.#context.view.live.values()) entry.tally = freshTally()
  }

  /** It takes part no more. */
  forget(id: string): void {
    this.rotation.remove(id)
    this.#context.gate.forget(id)
  }

  /**
   * Whoever is heard by a node that is cut off may answer as well, and is asked out of turn; unless that was done a moment ago, since what was
   * asked before may have been lost. The cut detector asks by itself.
   */
  onHeard(from: PeerAddress, nowMs: number): void {
    const { view, options, gate } = this.#context
    if (!gate.isWaiting || options.removal === 'cut') return
    const entry = view.live.get(from.id)
    if (entry?.record.generation !== from.generation) return
    for (const probe of this.#probes.values()) {
      if (probe.target !== from.id) continue
      if (nowMs < probe.startMs + options.probeTimeoutMs) return
      this.#probes.delete(probe.seq)
    }
    this.#startProbe(entry, nowMs)
  }

  startProbes(nowMs: number): void {
    const { options, view, health } = this.#context
    if (view.live.size === 0) health.lower()
    const probed = new Set([...this.#probes.values()].map((probe) => probe.target))
    for (let i = 0; i < options.probesPerInterval; i++) {
      const id = this.rotation.next((candidate) => !probed.has(candidate) && view.live.has(candidate))
      const entry = id === undefined ? undefined : view.live.get(id)
      if (entry === undefined) return
      probed.add(entry.record.id)
      this.#startProbe(entry, nowMs)
    }
  }

  #startProbe(entry: Entry, nowMs: number): void {
    const { options, send, emit, health } = this.#context
    const { id, generation, nonce, incarnation } = entry.record
    const seq = this.nextSeq()
    const timeoutMs = this.timeouts.timeoutMs(id)
    const endMs = nowMs + options.probeIntervalMs * health.multiplier
    this.#probes.set(seq, {
      seq,
      target: id,
      generation,
      nonce,
      incarnation,
      startMs: nowMs,
      directDeadlineMs: nowMs + timeoutMs * health.multiplier,
      // Whoever is not known to answer sooner has all the time that there is.
      earliestEndMs: timeoutMs < options.probeTimeoutMs ? nowMs + options.probeTimeoutMs * health.multiplier : endMs,
      endMs,
      indirect: false,
      absent: false,
      helpers: new Map(),
    })
    emit({ type: 'count', what: 'probe' })
    send({ id, generation }, { kind: 'ping', seq, generation }, nowMs)
  }

  /** An ack counts only from the life of the node that was pinged, and where two processes run as that life, from the one that counts. */
  onAck(seq: number, from: PeerAddress, nonce: number | undefined, nowMs: number): void {
    const process = { generation: from.generation, nonce }
    const probe = this.#probes.get(seq)
    if (probe !== undefined && probe.target === from.id && isSameProcess(probe, process)) {
      this.timeouts.answered(from.id, nowMs - probe.startMs)
      this.#succeed(probe)
      this.#context.answered(from.id, nowMs)
      return
    }
    const relay = this.#relays.get(seq)
    if (relay !== undefined && relay.target === from.id && isSameProcess(relay, process)) {
      relay.reached = true
      this.#context.answered(from.id, nowMs)
      // An answer may come as late as the helper has time for.
      if (this.#context.buggify?.('membership.late-help') !== true) this.#answer(relay, nowMs)
    }
  }

  /** That a helper is busy says something of the helper alone. */
  onPingAnswer(seq: number, from: PeerAddress, answer: 'reached' | 'failed' | 'busy', nowMs: number): void {
    const probe = this.#probes.get(seq)
    if (probe?.helpers.has(from.id) !== true) return
    if (answer === 'reached') this.#succeed(probe)
    else {
      probe.helpers.set(from.id, answer)
      this.#hasten(probe, nowMs)
    }
    this.#context.answered(from.id, nowMs)
  }

  /**
   * Where no helper is to answer any more, and the transport met nobody, no answer is to come: the next tick may judge. Where it said nothing, and
   * helpers have tried in vain, a peer that is known to answer sooner than that has all of `probeTimeoutMs`.
   */
  #hasten(probe: Probe, nowMs: number): void {
    const { helpers, absent, earliestEndMs } = probe
    const answers = [...helpers.values()]
    if (answers.includes('asked')) return
    if (absent) probe.endMs = Math.min(probe.endMs, nowMs)
    else if (answers.includes('failed')) probe.endMs = Math.min(probe.endMs, Math.max(earliestEndMs, nowMs))
  }

  #succeed(probe: Probe): void {
    this.#probes.delete(probe.seq)
    this.suspicions.moved()
    this.#context.health.lower()
    const entry = this.#context.view.get(probe.target)
    if (entry !== undefined && isSameProcess(entry.record, probe)) entry.tally = freshTally()
  }

  onPingRequest(origin: PeerAddress, originSeq: number, target: Destination, nowMs: number): void {
    const { options, view, send, buggify } = this.#context
    if (this.#relays.size >= MAX_RELAYS || buggify?.('membership.relays-full') === true) {
      send(origin, { kind: 'ping-busy', seq: originSeq }, nowMs)
      return
    }
    const seq = this.nextSeq()
    const generation = target.generation ?? 0
    const deadlineMs = nowMs + options.probeTimeoutMs * RELAY_PART
    const known = view.get(target.id)?.record
    const nonce = known?.generation === generation ? known.nonce : undefined
    this.#relays.set(seq, { seq, origin, originSeq, target: target.id, generation, nonce, deadlineMs, reached: false })
    send({ id: target.id, generation }, { kind: 'ping', seq, generation }, nowMs)
  }

  #answer({ seq, origin, originSeq, reached }: Relay, nowMs: number): void {
    this.#relays.delete(seq)
    this.#context.send(origin, { kind: 'ping-answer', seq: originSeq, reached }, nowMs)
  }

  /** The transport met nobody at `peer`: no need to wait for an answer, but others are still asked. */
  onAbsent(peer: Destination, nowMs: number): void {
    const isMeant = (one: { target: string; generation: number }): boolean =>
      one.target === peer.id && (peer.generation === undefined || peer.generation === one.generation)
    for (const probe of this.#probes.values()) {
      if (!isMeant(probe)) continue
      probe.absent = true
      if (!probe.indirect) this.#askHelpers(probe, nowMs)
      this.#hasten(probe, nowMs)
    }
    for (const relay of this.#relays.values()) if (isMeant(relay)) this.#answer(relay, nowMs)
  }

  #askHelpers(probe: Probe, nowMs: number): void {
    const { options, view, random, send, buggify } = this.#context
    probe.indirect = true
    const most =
      buggify?.('membership.one-helper') === true ? Math.min(1, options.indirectProbes) : options.indirectProbes
    const fits = ({ record }: Entry): boolean => record.state === 'alive' && record.id !== probe.target
    for (const { record } of view.sampleLive(most, random, fits)) {
      probe.helpers.set(record.id, 'asked')
      const { seq, target, generation } = probe
      send({ id: record.id, generation: record.generation }, { kind: 'ping-request', seq, target, generation }, nowMs)
    }
  }

  /**
   * The event loop was blocked for `lateMs`: answers may still be on their way in, so everything under way is given that time on
   * top, and never less than one more probe timeout.
   */
  extend(lateMs: number, nowMs: number): void {
    const leastMs = nowMs + this.#context.options.probeTimeoutMs
    const later = (deadlineMs: number): number => Math.max(deadlineMs + lateMs, leastMs)
    for (const probe of this.#probes.values()) {
      probe.directDeadlineMs = later(probe.directDeadlineMs)
      probe.earliestEndMs = later(probe.earliestEndMs)
      probe.endMs = Math.max(probe.endMs + lateMs, probe.directDeadlineMs)
    }
    for (const relay of this.#relays.values()) relay.deadlineMs = later(relay.deadlineMs)
    for (const { suspicion } of this.#context.view.suspects.values()) {
      suspicion?.excuse(lateMs, leastMs)
    }
    this.suspicions.moved()
  }

  /**
   * To be called after each input. That time was lost shows by a tick that comes late, so while anybody is judged one is due within half a
   * `probeTimeoutMs`, however far apart all else is planned. Input does not put it off: it may come before the late timer.
   */
  watch(nowMs: number): void {
    const { options, view } = this.#context
    if (this.#probes.size + this.#relays.size + view.suspects.size === 0) this.#wakeMs = Number.POSITIVE_INFINITY
    else if (this.#wakeMs === Number.POSITIVE_INFINITY) this.#wakeMs = nowMs + options.probeTimeoutMs / 2
  }

  tick(nowMs: number): void {
    this.#wakeMs = Number.POSITIVE_INFINITY
    this.suspicions.moved()
    for (const relay of this.#relays.values()) if (nowMs >= relay.deadlineMs) this.#answer(relay, nowMs)
    const { gate } = this.#context
    const failed = [...this.#probes.values()].filter(({ endMs }) => nowMs >= endMs)
    for (const probe of failed) this.#missed(probe)
    gate.judge(nowMs)
    for (const probe of failed) this.#fail(probe, nowMs)
    for (const probe of this.#probes.values()) {
      if (probe.indirect || nowMs < probe.directDeadlineMs) continue
      this.timeouts.missed(probe.target)
      this.#askHelpers(probe, nowMs)
    }
    if (gate.isShut) return
    for (const entry of this.#context.view.suspects.values()) {
      if (entry.suspicion !== undefined && nowMs >= this.#endOf(entry)) {
        const suspectedForMs = Math.round(nowMs - entry.suspicion.startedMs)
        this.#context.accuse(entry, 'dead', this.#notRefuted(entry, suspectedForMs), nowMs)
      }
    }
  }

  /** Everybody who was asked, and has not answered in time. */
  #missed({ target, helpers, startMs }: Probe): void {
    const { gate, view } = this.#context
    const silent = [...helpers].flatMap(([id, answer]) => (answer === 'asked' ? [id] : []))
    for (const id of [target, ...silent]) if (view.live.has(id)) gate.silent(id, startMs)
  }

  #fail(probe: Probe, nowMs: number): void {
    const { options, view, gate, health, emit, accuse, confirm } = this.#context
    this.#probes.delete(probe.seq)
    const entry = view.live.get(probe.target)
    if (entry === undefined || !isSameProcess(entry.record, probe)) return
    emit({ type: 'count', what: 'probe-failed' })
    const { tally, record } = entry
    tally.failed += 1
    tally.helpers = answersOf(probe)
    tally.absent = probe.absent
    health.raise(missedAnswers(probe), 'missed-answers')
    if (gate.isShut) return
    // Since the probe began, the member has spoken for itself.
    if (record.incarnation !== probe.incarnation) return
    const nobodyTried = probe.helpers.size > 0 && ![...probe.helpers.values()].includes('failed')
    if (nobodyTried && tally.failed < (options.silentFailures ?? SILENT_FAILURES)) return
    if (record.state === 'alive') accuse(entry, 'suspect', evidence(entry), nowMs)
    else confirm(entry, nowMs)
  }

  /** When the next tick is wanted; infinite when nothing is under way. */
  deadlineMs(): number {
    let first = this.#wakeMs
    for (const relay of this.#relays.values()) first = Math.min(first, relay.deadlineMs)
    for (const probe of this.#probes.values()) {
      first = Math.min(first, probe.indirect ? probe.endMs : Math.min(probe.directDeadlineMs, probe.endMs))
    }
    return Math.min(first, this.suspicions.firstMs())
  }

  /** The probes of this node, and its pings for others, that wait for an answer. */
  underWay(nowMs: number): Pick<MembershipTopology, 'probing' | 'helping'> {
    const probing = [...this.#probes.values()].map((probe) => {
      return { id: probe.target, forMs: Math.round(nowMs - probe.startMs), helpers: answersOf(probe) }
    })
    const helping = [...this.#relays.values()].map(({ target, origin }) => ({ id: target, askedBy: origin.id }))
    return {
      probing: probing.sort((a, b) => compareText(a.id, b.id)),
      helping: helping.sort((a, b) => compareText(a.id, b.id) || compareText(a.askedBy, b.askedBy)),
    }
  }

  /** How long a suspected node has to refute; infinite while nobody is judged. */
  refutesWithinMs(id: string, nowMs: number): number | undefined {
    const entry = this.#context.view.suspects.get(id)
    return entry === undefined ? undefined : Math.max(0, this.#endOf(entry) - nowMs)
  }

  #notRefuted({ tally, accusers }: Entry, suspectedForMs: number): Evidence {
    if (tally.failed === 0) return { kind: 'not-refuted', suspectedForMs, probes: undefined, accusers }
    const others = accusers.filter((id) => id !== this.#context.self.id)
    return { kind: 'not-refuted', suspectedForMs, probes: probesOf(tally), accusers: others }
  }

  /** When the suspicion of a member ends, as far as is known by now. */
  #endOf({ suspicion, accusers, tally }: Entry): number {
    const { gate, times, options } = this.#context
    // The cut detector sees for itself who is there: a suspicion of which others told lasts until it is refuted or confirmed.
    if (options.removal === 'cut') return Number.POSITIVE_INFINITY
    if (suspicion === undefined) return Number.POSITIVE_INFINITY
    // What others have seen is theirs to answer for.
    if (tally.failed > 0 && !gate.hasWitness(suspicion.startedMs)) return Number.POSITIVE_INFINITY
    const confirmations = Math.max(0, accusers.length - 1)
    return Math.max(suspicion.deadlineMs(times(), confirmations), gate.shutUntilMs())
  }
}

/**
 * What a failed probe says against the prober itself: each helper, where none of them even said that it failed or is busy; and where there was none to
 * ask, the missing ack. That the transport met nobody shows that it reaches others. So does one answer in time: then whoever is silent may as well be
 * dead, and a node among many dead ones must not grow slower with each of them.
 */
function missedAnswers({ helpers, absent }: Probe): number {
  if (helpers.size === 0) return absent ? 0 : 1
  return [...helpers.values()].every((answer) => answer === 'asked') ? helpers.size : 0
}

const answersOf = ({ helpers }: Probe): HelperEvidence[] =>
  [...helpers].map(([id, answer]) => ({ id, answer: answer === 'asked' ? 'none' : answer }))

/** What speaks against a member whose probe has failed. */
const evidence = ({ tally }: Entry): Evidence => ({ kind: 'unreachable', probes: probesOf(tally) })

/** As it is now: the tally goes on. */
const probesOf = ({ failed, helpers, absent }: ProbeTally): ProbeEvidence => ({ failed, helpers, absent })
