import type { PeerAddress } from '@dsys/transport'
import type { Evidence } from '../../evidence.ts'
import type { MemberAlerts } from '../../status.ts'
import type { IsolationGate } from '../isolation.ts'
import type { Message } from '../message.ts'
import { addressOf, type CoreParts } from '../parts.ts'
import { compareText, isLive, type MemberRecord } from '../record.ts'
import type { Entry } from '../view.ts'
import { AlertBook, type AlertStatement, compareStatements } from './alert-book.ts'
import type { AlertsBody } from './alert-codec.ts'
import { AlertNews, statementsInParts } from './alert-news.ts'
import { Obituaries } from './obituaries.ts'
import { Observation } from './observation.ts'
import { ObserverRings } from './observer-rings.ts'
import { Quarantine } from './quarantine.ts'
import { type Case, judge, type Verdict } from './verdict.ts'

/** Far below the largest safe integer. */
const MAX_VERSION = 2 ** 48
/** So many turns of probes the outcome must stay the same before anybody is removed. */
const SETTLED_TURNS = 2
/** Whoever vouches says so again in this part of `reinforceAfterMs`, and is believed for so many times `reinforceAfterMs`. */
const VOUCH_AGAIN = 0.5
const VOUCH_LASTS = 2
const MAX_GOSSIP_BYTES = 4_096

/** Who is to be removed, since when it has been these, and since when anybody. */
interface Candidates {
  readonly key: string
  readonly sinceMs: number
  readonly firstMs: number
}

/**
 * Removes members by what many observers say, all that fail together at once, and only when it is clear who they are (Rapid). Each member is observed by a
 * few others, the same ones for all nodes. They tell everybody whom they do not reach, and every node judges by these alerts.
 */
export class CutDetector {
  readonly #parts: CoreParts
  readonly #gate: IsolationGate
  readonly #rings: ObserverRings
  readonly #observation: Observation
  readonly #book = new AlertBook()
  readonly #news = new AlertNews()
  readonly #quarantine: Quarantine
  readonly #obituaries = new Obituaries()
  /** Since when alerts about a member stand without a pause. */
  readonly #openMs = new Map<string, number>()
  #cases: readonly Case[] = []
  #verdict: Verdict = { out: [], doubted: [] }
  #isOld = false
  /** Whom the last judgement would remove. */
  #candidates: Candidates | undefined
  #version = 0
  /** When the connection went; `undefined` while it is there. */
  #deafSinceMs: number | undefined
  #nextGossipMs = 0
  #nextCompareMs = Number.POSITIVE_INFINITY

  constructor(parts: CoreParts, gate: IsolationGate, nextSeq: () => number) {
    const { options, self, random, view, health, courier } = parts
    this.#parts = parts
    this.#gate = gate
    this.#rings = new ObserverRings(options.observers)
    this.#rings.add(self.id)
    this.#quarantine = new Quarantine(options.readmitAfterMs, options.rememberDeadMs)
    this.#observation = new Observation({
      ...{ self, random, view, health, rings: this.#rings, probeIntervalMs: options.probeIntervalMs },
      nextSeq,
      gate,
      answered: parts.answered,
      ping: (to, seq, nowMs) => courier.send(to, { kind: 'ping', seq, generation: to.generation }, nowMs),
      alert: (subject, generation, raised, nowMs) => this.#state(subject, generation, raised, nowMs),
    })
  }

  deadlineMs(): number {
    const gossipMs =
      this.#news.size > 0 && this.#parts.view.live.size > 0 ? this.#nextGossipMs : Number.POSITIVE_INFINITY
    return Math.min(this.#observation.deadlineMs(), gossipMs, this.#nextCompareMs)
  }

  /** The view has changed. */
  changed(record: MemberRecord, nowMs: number): void {
    const { self, view } = this.#parts
    const entry = view.get(record.id)
    if (record.id === self.id || entry === undefined) return
    if (isLive(record.state)) this.#rings.add(record.id)
    else this.#rings.remove(record.id)
    this.#observation.changed(entry)
    this.#book.renew(record.id, record.generation)
    this.#isOld = true
    if (record.state === 'dead') this.#quarantine.remove(record, nowMs)
    if (record.state === 'left') this.#quarantine.forget(record.id)
  }

  forget(id: string): void {
    this.#rings.remove(id)
    this.#observation.forget(id)
    this.#book.forget(id)
    this.#news.forget(id)
    this.#quarantine.forget(id)
    this.#openMs.delete(id)
    this.#isOld = true
  }

  /** The connection has gone or come back: what is under way proves nothing, and nobody was heard in between. */
  drop(nowMs: number): void {
    this.#observation.drop()
    // What fell due while there was no connection is due now; it does not mean that this process was blocked.
    this.#nextGossipMs = Math.max(this.#nextGossipMs, nowMs)
    this.#nextCompareMs = Math.max(this.#nextCompareMs, nowMs)
    if (this.#deafSinceMs !== undefined) this.#heardNobodyFor(nowMs - this.#deafSinceMs)
    this.#deafSinceMs = this.#gate.connected ? undefined : nowMs
  }

  /** This node was blocked for `lostMs`. */
  excuse(lostMs: number): void {
    this.#observation.drop()
    this.#quarantine.excuse(lostMs)
    this.#heardNobodyFor(lostMs)
  }

  /** That nothing was said meanwhile proves nothing: alerts were not withdrawn here, and nobody could vouch. */
  #heardNobodyFor(lostMs: number): void {
    // By now the others may have forgotten what they withdrew meanwhile: what stands they tell again.
    if (lostMs >= this.#withdrawnKeptForMs) {
      this.#book.keepOnly(this.#parts.self.id)
      this.#news.keepOnly(this.#parts.self.id)
      this.#isOld = true
    }
    this.#book.excuse(lostMs)
    if (this.#candidates !== undefined) this.#candidates = later(this.#candidates, lostMs)
    for (const [id, openMs] of this.#openMs) this.#openMs.set(id, openMs + lostMs)
  }

  onAck(seq: number, from: PeerAddress, nonce: number | undefined, nowMs: number): void {
    this.#observation.onAck(seq, from, nonce, nowMs)
  }

  /** Whether a death of which others tell is to be seen here first: only of whom that is to be expected, it is believed at once. */
  doubtsDeathOf(id: string): boolean {
    return !this.#verdict.out.includes(id) && !this.#verdict.doubted.includes(id)
  }

  /** Somebody speaks of this node. */
  onRumorOfSelf(record: MemberRecord, from: PeerAddress, nowMs: number): void {
    const { self, view } = this.#parts
    const isDeath = record.state === 'dead' && record.generation === self.generation
    if (isDeath && view.live.has(from.id)) this.#obituaries.heard(from.id, nowMs)
  }

  /** Since when the others have gone on without this node. */
  get removedSinceMs(): number | undefined {
    return this.#obituaries.sinceMs
  }

  /** Whether what a member says of itself comes too early after its removal. */
  holdsBack(record: MemberRecord): boolean {
    return this.#quarantine.holdsBack(record)
  }

  onAlerts({ question, sum, statements }: AlertsBody, from: PeerAddress, nowMs: number): void {
    for (const statement of statements) this.#hear(statement, nowMs)
    if (question === 'all') this.#tellAll(from, 'nothing')
    else if (question === 'compare' && sum !== this.#book.sum()) this.#tellAll(from, 'all')
  }

  #hear(statement: AlertStatement, nowMs: number): void {
    const { view, self } = this.#parts
    const subject = view.get(statement.subject)?.record
    // What was said of an earlier life, or by one, counts for nobody who knows the later one.
    if (subject === undefined || statement.subjectGeneration < subject.generation) return
    if (statement.observer === self.id) {
      this.#hearOwn(statement, nowMs)
      return
    }
    const observer = view.get(statement.observer)?.record
    if (observer === undefined || observer.state === 'left' || statement.generation < observer.generation) return
    if (this.#book.merge(statement, nowMs)) this.#spread(statement, nowMs)
  }

  /**
   * Nobody else speaks for this node. But what it said of one that it forgot meanwhile may still go round, and so may what an earlier process said under the same
   * generation: others hold that for newer than all this one says, and an alert would remove its subject. Where it is not what this node says now, it says so above that.
   */
  #hearOwn(heard: AlertStatement, nowMs: number): void {
    const { self, options } = this.#parts
    const { generation, subject, subjectGeneration, version, raised } = heard
    const said = this.#book.get(subject, self.id)
    const isOld =
      generation !== self.generation || (said !== undefined && compareStatements(said.statement, heard) >= 0)
    // Nobody comes to the highest version by steps of one: a liar has said so, and above it there is nothing that could be said.
    if (isOld || version >= MAX_VERSION) return
    this.#version = Math.max(this.#version, version)
    const isRaised = this.#observation.isRaised(subject, subjectGeneration)
    if (raised && !isRaised) this.#state(subject, subjectGeneration, false, nowMs)
    // Another process that runs as this life may contradict at once, and both would go on as fast as the network is.
    else if (isRaised && (said === undefined || nowMs - said.sinceMs >= options.syncIntervalMs))
      this.#state(subject, subjectGeneration, true, nowMs)
  }

  #spread(statement: AlertStatement, nowMs: number): void {
    this.#isOld = true
    if (this.#news.size === 0) this.#nextGossipMs = Math.max(this.#nextGossipMs, nowMs)
    this.#news.add(statement)
  }

  /** This node says of `subject` that it does not reach it, or that it does. */
  #state(subject: string, subjectGeneration: number, raised: boolean, nowMs: number): void {
    const { self, options, courier } = this.#parts
    this.#version += 1
    const { id: observer, generation } = self
    const statement = { observer, generation, subject, subjectGeneration, version: this.#version, raised }
    this.#book.merge(statement, nowMs)
    this.#spread(statement, nowMs)
    if (raised && options.canBroadcast)
      courier.postToAll(this.#message({ question: 'nothing', sum: 0, statements: [statement] }))
  }

  tick(nowMs: number): void {
    const { options, random, view, courier } = this.#parts
    this.#observation.tick(nowMs)
    this.#forgetWithdrawn(nowMs)
    if (nowMs >= this.#nextCompareMs) {
      this.#nextCompareMs = nowMs + options.syncIntervalMs * (0.75 + random.float() / 2)
      const [peer] = view.sampleLive(1, random)
      if (peer !== undefined)
        courier.post(addressOf(peer), this.#message({ question: 'compare', sum: this.#book.sum(), statements: [] }))
    }
    if (nowMs < this.#nextGossipMs || this.#news.size === 0) return
    this.#nextGossipMs = nowMs + options.gossipIntervalMs
    for (const peer of view.sampleLive(options.gossipFanout, random)) {
      const statements = this.#news.take(Math.min(courier.roomBytes, MAX_GOSSIP_BYTES), courier.retransmits)
      if (statements.length === 0) break
      courier.post(addressOf(peer), this.#message({ question: 'nothing', sum: 0, statements }))
    }
  }

  /**
   * Whoever has missed that an alert was withdrawn, and tells of the alert still, is contradicted by those who remember. Nobody tells of it for longer than the dead are
   * remembered: so many alerts as take a member out have made it a dead one, of whom all is forgotten then.
   */
  #forgetWithdrawn(nowMs: number): void {
    const beforeMs = nowMs - this.#withdrawnKeptForMs
    this.#book.forgetWithdrawn(beforeMs, (observer, subject) => this.#news.has(observer, subject))
  }

  get #withdrawnKeptForMs(): number {
    const { rememberDeadMs, reinforceAfterMs } = this.#parts.options
    return Math.max(rememberDeadMs, VOUCH_LASTS * reinforceAfterMs)
  }

  #tellAll(to: PeerAddress, question: 'nothing' | 'all'): void {
    const { courier } = this.#parts
    const parts = statementsInParts(this.#book.all(), courier.roomBytes)
    for (const [i, statements] of parts.entries()) {
      const body = { question: i === parts.length - 1 ? question : 'nothing', sum: 0, statements } as const
      courier.post(to, this.#message(body))
    }
  }

  #message(body: AlertsBody): Message {
    return { kind: 'alerts', ...body, rumors: [] }
  }

  /** One turn of probes, and of judgement. */
  startProbes(nowMs: number): void {
    const { options, random, self } = this.#parts
    if (this.#nextCompareMs === Number.POSITIVE_INFINITY)
      this.#nextCompareMs = nowMs + options.syncIntervalMs * (0.5 + random.float() / 2)
    this.#observation.turn(nowMs)
    this.#obituaries.count(this.#rings.observersOf(self.id), options.readmitAfterMs, nowMs)
    const isOpen = this.#cases.some(({ subject }) => this.#parts.view.live.has(subject))
    if (!this.#isOld && !isOpen && !this.#quarantine.isWaitedFor) return
    this.#isOld = false
    this.#cases = this.#openCases(nowMs)
    this.#verdict = judge(this.#cases, options)
    this.#vouch(nowMs)
    this.#readmit(nowMs)
    this.#remove(nowMs)
  }

  #openCases(nowMs: number): Case[] {
    const cases: Case[] = []
    const subjects = new Set<string>()
    for (const subject of this.#book.subjects()) {
      const one = this.#caseOf(subject, nowMs)
      if (one === undefined) continue
      cases.push(one)
      subjects.add(subject)
    }
    for (const id of this.#openMs.keys()) if (!subjects.has(id)) this.#openMs.delete(id)
    return cases
  }

  #caseOf(subject: string, nowMs: number): Case | undefined {
    const { view, options } = this.#parts
    const entry = view.get(subject)
    if (entry === undefined || entry.record.state === 'left') return undefined
    const observers = this.#rings.observersOf(subject)
    const alerting = new Set<string>()
    const vouching = new Set<string>()
    for (const observer of observers) {
      const held = this.#book.get(subject, observer)
      if (held?.statement.subjectGeneration !== entry.record.generation) continue
      if (held.statement.generation !== view.get(observer)?.record.generation) continue
      if (held.statement.raised) alerting.add(observer)
      else if (nowMs - held.sinceMs < VOUCH_LASTS * options.reinforceAfterMs) vouching.add(observer)
    }
    if (alerting.size === 0) return undefined
    const openMs = this.#openMs.get(subject) ?? nowMs
    this.#openMs.set(subject, openMs)
    return { subject, observers, alerting, vouching, isRipe: nowMs - openMs >= options.reinforceAfterMs }
  }

  /** Says of those who are in doubt for long that this node reaches them, again and again. */
  #vouch(nowMs: number): void {
    const { view, self, options } = this.#parts
    const againMs = options.reinforceAfterMs * VOUCH_AGAIN
    for (const { subject } of this.#cases) {
      const entry = view.live.get(subject)
      if (entry === undefined || nowMs - (this.#openMs.get(subject) ?? nowMs) < againMs) continue
      const said = this.#book.get(subject, self.id)
      const isSaid = said !== undefined && !said.statement.raised && nowMs - said.sinceMs < againMs
      if (!isSaid && this.#observation.vouchesFor(subject)) this.#state(subject, entry.record.generation, false, nowMs)
    }
  }

  #readmit(nowMs: number): void {
    for (const id of [...this.#verdict.out, ...this.#verdict.doubted]) this.#quarantine.unreachable(id, nowMs)
    for (const record of this.#quarantine.admit(nowMs)) {
      if (this.#parts.view.isNews(record)) this.#parts.apply(record, { nowMs, evidence: { kind: 'reached-again' } })
    }
  }

  #remove(nowMs: number): void {
    const { view, self, options } = this.#parts
    const { out, doubted } = this.#verdict
    const cases = new Map(this.#cases.map((one) => [one.subject, one]))
    const isUnclear = doubted.some((id) => view.live.has(id) && cases.get(id)?.isRipe === false)
    // Whoever is not reached by others itself does not know enough.
    const isToBlame = out.includes(self.id) || doubted.includes(self.id)
    const candidates = out.filter((id) => view.live.has(id))
    if (candidates.length === 0 || isToBlame || this.#gate.isShut) {
      this.#candidates = undefined
      return
    }
    const key = candidates.join('\n')
    const before = this.#candidates
    const firstMs = before?.firstMs ?? nowMs
    this.#candidates = { key, firstMs, sinceMs: before?.key === key ? before.sinceMs : nowMs }
    const isSettled = nowMs - this.#candidates.sinceMs >= SETTLED_TURNS * options.probeIntervalMs
    // It ends, however much others change meanwhile.
    const overdueMs = nowMs - firstMs - options.reinforceAfterMs
    const isClear = !isUnclear || overdueMs >= options.reinforceAfterMs
    if (!isClear || !(isSettled || overdueMs >= 0)) return
    this.#candidates = undefined
    for (const id of candidates) {
      const entry = view.live.get(id)
      const one = cases.get(id)
      if (entry === undefined || one === undefined) continue
      const alerting = alertingOf(one)
      this.#declareDead(entry, { kind: 'cut', observers: one.observers, alerting }, nowMs)
    }
  }

  #declareDead(entry: Entry, evidence: Extract<Evidence, { kind: 'cut' }>, nowMs: number): void {
    const record: MemberRecord = { ...entry.record, state: 'dead' }
    const { apply, announce } = this.#parts
    if (apply(record, { nowMs, evidence, accusers: evidence.alerting })) announce(record, nowMs)
  }

  /** Those that some of their observers do not reach, ordered by id. */
  alerts(): MemberAlerts[] {
    const alerts = this.#cases.map((one) => {
      return Object.freeze({ id: one.subject, observers: one.observers, alerting: alertingOf(one) })
    })
    return alerts.sort((a, b) => compareText(a.id, b.id))
  }

  /** Whom this node observes. */
  subjects(): string[] {
    return this.#rings.subjectsOf(this.#parts.self.id)
  }

  /** Who observes `id`, ordered by id. */
  observersOf(id: string): string[] {
    return this.#rings.observersOf(id).sort(compareText)
  }

  /** How much longer its observers must reach a member that was removed, and says that it is alive, until it is let in again. */
  readmittedAfterMs(id: string, nowMs: number): number | undefined {
    return this.#quarantine.waitMs(id, nowMs)
  }
}

const later = ({ key, sinceMs, firstMs }: Candidates, byMs: number): Candidates => {
  return { key, sinceMs: sinceMs + byMs, firstMs: firstMs + byMs }
}

/** In the order of the rings. */
const alertingOf = ({ observers, alerting }: Case): string[] => observers.filter((observer) => alerting.has(observer))
