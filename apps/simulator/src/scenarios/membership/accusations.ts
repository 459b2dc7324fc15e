import type { Evidence, MembershipEvent, MembershipPorts, ProbeEvidence } from '@dsys/membership'
import type { Verdict } from './verdict.ts'
import type { Transport } from './watched-transport.ts'

type Clock = MembershipPorts['clock']

/** What this check must know of the options. */
export interface AccusationOptions {
  readonly probeTimeoutMs: number
  readonly suspicionTimeoutMs: number
  readonly isolationTimeoutMs: number
}

/** No clock of the simulation is faster than this: what goes beyond is a jump. */
const FASTEST_RATE = 1.5

/**
 * Checks when one life accuses others on its own evidence: not while it has no connection, nor in the time of grace after
 * that, nor right after it was blocked itself, nor while it says that its view is stale, nor when nobody has answered it since the suspicion began.
 */
export class Accusations {
  readonly #name: string
  readonly #inner: Clock
  readonly #options: AccusationOptions
  readonly #verdict: Verdict
  readonly #suspectedMs = new Map<string, number>()
  #connected = true
  #reconnectedMs = Number.NEGATIVE_INFINITY
  #blockedUntilMs = Number.NEGATIVE_INFINITY
  readonly #worldMs: () => number
  #lastRead: { readonly nowMs: number; readonly worldMs: number }
  #answeredMs: number
  #stale = false
  /** It has waited long enough for answers; until its view is stale again it may do without. */
  #gaveUp = false

  /**
   * @param name of the accuser, for messages.
   * @param worldMs the time of the simulation, against which jumps of the clock show.
   */
  constructor(name: string, clock: Clock, worldMs: () => number, options: AccusationOptions, verdict: Verdict) {
    this.#name = name
    this.#inner = clock
    this.#worldMs = worldMs
    this.#lastRead = { nowMs: clock.monotonicMs(), worldMs: worldMs() }
    this.#options = options
    this.#verdict = verdict
    this.#answeredMs = clock.monotonicMs()
  }

  /** Somebody has answered a question of this life. */
  answered(): void {
    this.#answeredMs = this.#inner.monotonicMs()
  }

  /** What it says of its view. */
  view(isStale: boolean, gaveUp: boolean): void {
    this.#stale = isStale
    this.#gaveUp = gaveUp
  }

  /** The clock of the life, which notices here what time it loses. */
  get clock(): Clock {
    const inner = this.#inner
    return {
      monotonicMs: () => this.#read(),
      wallMs: () => inner.wallMs(),
      afterIo: (callback) => inner.afterIo(callback),
      setTimer: (delayMs, callback) => {
        const dueMs = inner.monotonicMs() + delayMs
        return inner.setTimer(delayMs, () => {
          const nowMs = this.#read()
          this.#lost(nowMs - dueMs, nowMs)
          callback()
        })
      },
    }
  }

  #read(): number {
    const nowMs = this.#inner.monotonicMs()
    const worldMs = this.#worldMs()
    const { nowMs: beforeMs, worldMs: worldBeforeMs } = this.#lastRead
    this.#lastRead = { nowMs, worldMs }
    this.#lost(nowMs - beforeMs - FASTEST_RATE * (worldMs - worldBeforeMs), nowMs)
    return nowMs
  }

  /** The membership has timers half a probe timeout apart that must be late by as much: what is lost shows in them from a whole one on. */
  #lost(lostMs: number, nowMs: number): void {
    if (lostMs > this.#options.probeTimeoutMs) this.#blockedUntilMs = nowMs
  }

  /** Follows the connection of `transport`. */
  follow(transport: Transport): void {
    let before = false
    transport.observe(({ type }) => {
      if (type === 'connected') {
        if (before) this.#reconnectedMs = this.#inner.monotonicMs()
        this.#connected = true
        before = true
      } else if (type === 'disconnected') {
        this.#connected = false
      }
    })
  }

  /** @param others how many others it sees alive or suspect after that. */
  event(event: MembershipEvent, others: number): void {
    if (event.type !== 'MemberSuspected' && event.type !== 'MemberDown') return
    const nowMs = this.#inner.monotonicMs()
    if (event.type === 'MemberSuspected') this.#suspectedMs.set(event.member.id, nowMs)
    const probes = ownProbes(event.evidence)
    if (probes === undefined) return
    const what = `${this.#name}: ${event.type} of ${event.member.id} (${event.why})`
    const { probeTimeoutMs, suspicionTimeoutMs } = this.#options
    this.#checkIsolation(event, others, what)
    if (!this.#connected) this.#verdict.broken('an isolated node accuses nobody', `${what}, without a connection`)
    const backMs = nowMs - this.#reconnectedMs
    if (backMs < suspicionTimeoutMs)
      this.#verdict.broken('an isolated node accuses nobody', `${what}, ${backMs} ms after it was connected again`)
    const awakeMs = nowMs - this.#blockedUntilMs
    // Where the transport says so after the block, nothing more is to be waited for; and a suspicion that began after it
    // may end as any other.
    const isFresh =
      event.type === 'MemberSuspected'
        ? probes.absent
        : (this.#suspectedMs.get(event.member.id) ?? 0) >= this.#blockedUntilMs
    if (awakeMs < probeTimeoutMs && !isFresh)
      this.#verdict.broken('a blocked node accuses nobody', `${what}, ${awakeMs} ms after it was blocked`)
  }

  #checkIsolation(event: MembershipEvent, others: number, what: string): void {
    const rule = 'an isolated node accuses nobody'
    if (this.#stale) this.#verdict.broken(rule, `${what}, while its view is stale`)
    if (event.type !== 'MemberDown' || others < 1 || this.#gaveUp) return
    const suspectedMs = this.#suspectedMs.get(event.member.id) ?? this.#answeredMs
    const silentMs = this.#inner.monotonicMs() - this.#answeredMs
    if (this.#answeredMs < suspectedMs && silentMs < this.#options.isolationTimeoutMs)
      this.#verdict.broken(rule, `${what}, and nobody has answered it for ${silentMs} ms`)
  }
}

/** The evidence that only whoever probed can give; hearsay has none. */
const ownProbes = (evidence: Evidence): ProbeEvidence | undefined =>
  'probes' in evidence ? evidence.probes : undefined
