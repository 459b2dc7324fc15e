import { type Clock, Deadlines, Pending, type Random } from '@dsys/runtime'
import { type AppliedEntry, COMMAND_KIND, encodeCommand, OPEN_SESSION_KIND } from './applier.ts'
import { ByteWriter } from './bytes.ts'
import { NoLeaderError, OutcomeUnknownError, OverloadedError } from './errors.ts'
import type { CallOptions } from './options.ts'
import type { SessionLookup } from './sessions.ts'
import type { ForwardedItem } from './wire.ts'

const DEFAULT_TIMEOUT_MS = 5_000
const NONCE_BYTES = 16
/** The request that opens the session has this number; commands begin at 1. */
const OPENING_SEQUENCE = 0

interface Proposal<Result> {
  readonly sequence: number
  readonly command: Uint8Array
  readonly pending: Pending<Result>
  /** How often it was handed to a leader: once it was, its outcome is out of our hands. */
  attempts: number
  /** When to hand it over again if it shows no effect. */
  resendMs: number
}

/** The session under which this node proposes. Its id is the index of the entry that opened it. */
interface ProposerSession {
  readonly nonce: Uint8Array
  id: number | undefined
  /** The opening is on its way, to be sent again at this time; `undefined` when it is to be sent now. */
  resendMs: number | undefined
  attempts: number
}

/** What the proposals of a node need to know. */
export interface ProposalsConfig {
  readonly group: string
  /** Names this life of this node and no other, so that sessions never meet, even if all draw the same from a seed. */
  readonly proposer: string
  readonly maxPending: number
  /** A proposal that shows no effect is handed over again after this long, then after twice as long, and so on. */
  readonly resendAfterMs: number
}

/**
 * The proposals that callers of this node wait for. They go to whoever leads, again and again, under one session, so that
 * each is applied at most once. They are settled by the entries that this node applies, and by nothing else.
 */
export class Proposals<Result> {
  readonly #deadlines: Deadlines
  readonly #random: Random
  readonly #config: ProposalsConfig
  /** In the order of their sequences. */
  readonly #waiting = new Map<number, Proposal<Result>>()
  /** Those of `#waiting` that are to be handed to a leader. */
  #unsent: Proposal<Result>[] = []
  #nextSequence = 1
  #session: ProposerSession | undefined

  constructor(clock: Clock, random: Random, config: ProposalsConfig) {
    this.#deadlines = new Deadlines(clock)
    this.#random = random
    this.#config = config
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Takes a command; the promise is settled when its entry is applied here, or by the deadline. */
  add(command: Uint8Array, options: CallOptions): Promise<Result> {
    const { group, maxPending } = this.#config
    if (this.#waiting.size >= maxPending) return Promise.reject(new OverloadedError(group, `${maxPending} proposals`))
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const sequence = this.#nextSequence++
    const pending = new Pending<Result>({
      clock: this.#deadlines,
      timeoutMs,
      signal: options.signal,
      onTimeout: () =>
        proposal.attempts === 0
          ? new NoLeaderError(group, timeoutMs)
          : new OutcomeUnknownError(group, `it was not seen to be applied within ${timeoutMs} ms`),
    })
    const proposal: Proposal<Result> = { sequence, command, pending, attempts: 0, resendMs: 0 }
    this.#waiting.set(sequence, proposal)
    this.#unsent.push(proposal)
    return pending.promise
  }

  /** What should be handed to the leader now. Every item counts as handed over. */
  take(nowMs: number): ForwardedItem[] {
    this.#dropSettled()
    if (this.#unsent.length === 0) return []
    const session = this.#openSession()
    if (session.id === undefined) return this.#takeOpening(nowMs)
    const id = session.id
    const settledBelow = this.#settledBelow()
    const items: ForwardedItem[] = []
    for (const proposal of this.#unsent) {
      if (proposal.pending.settled) continue
      proposal.attempts++
      proposal.resendMs = nowMs + this.#patienceMs(proposal.attempts)
      const data = encodeCommand(id, proposal.sequence, settledBelow, proposal.command)
      items.push({ sequence: proposal.sequence, kind: COMMAND_KIND, data })
    }
    this.#unsent = []
    return items
  }

  #openSession(): ProposerSession {
    if (this.#session === undefined) {
      const nonce = new ByteWriter().text(this.#config.proposer).raw(this.#random.bytes(NONCE_BYTES)).finish()
      this.#session = { nonce, id: undefined, resendMs: undefined, attempts: 0 }
    }
    return this.#session
  }

  #takeOpening(nowMs: number): ForwardedItem[] {
    const session = this.#openSession()
    if (session.resendMs !== undefined) return []
    session.attempts++
    session.resendMs = nowMs + this.#patienceMs(session.attempts)
    return [{ sequence: OPENING_SEQUENCE, kind: OPEN_SESSION_KIND, data: session.nonce }]
  }

  #patienceMs(attempts: number): number {
    return this.#config.resendAfterMs * 2 ** Math.min(attempts - 1, 6)
  }

  /** Proposals below this are settled for good: answered, or given up by their callers. */
  #settledBelow(): number {
    const first = this.#waiting.keys().next()
    return first.done ? this.#nextSequence : first.value
  }

  /** Callers that gave up leave at the front first; what is behind an unsettled one is forgotten when its turn comes. */
  #dropSettled(): void {
    for (const [sequence, proposal] of this.#waiting) {
      if (!proposal.pending.settled) return
      this.#waiting.delete(sequence)
    }
  }

  /** The leader is this node and took none of these: they count as never handed over if this was their first attempt. */
  returned(sequences: readonly number[], overloaded: boolean): void {
    for (const sequence of sequences) {
      if (sequence === OPENING_SEQUENCE && this.#session !== undefined) this.#session.resendMs = undefined
      const proposal = this.#waiting.get(sequence)
      if (proposal === undefined || proposal.pending.settled) continue
      proposal.attempts--
      if (overloaded && proposal.attempts === 0) {
        this.#waiting.delete(sequence)
        proposal.pending.reject(new OverloadedError(this.#config.group, 'entries'))
      } else {
        this.#unsent.push(proposal)
      }
    }
  }

  /**
   * Another node did not take these. They stay handed over, as a copy of the frame may still reach a leader, and are
   * handed over again at `resendMs`.
   */
  refused(sequences: readonly number[], resendMs: number): void {
    for (const sequence of sequences) {
      if (sequence === OPENING_SEQUENCE && this.#session?.id === undefined && this.#session !== undefined) {
        this.#session.resendMs = resendMs
      }
      const proposal = this.#waiting.get(sequence)
      if (proposal !== undefined) proposal.resendMs = resendMs
    }
  }

  /** Another leader, or the same in another term: everything may be lost, so it is handed over again. */
  leaderChanged(): void {
    if (this.#session !== undefined) this.#session.resendMs = undefined
    this.#unsent = [...this.#waiting.values()].filter((proposal) => !proposal.pending.settled)
  }

  /** Hands over again what was long without effect, and forgets callers that gave up. */
  resendOverdue(nowMs: number): void {
    const session = this.#session
    if (session?.resendMs !== undefined && session.id === undefined && nowMs >= session.resendMs) {
      session.resendMs = undefined
    }
    // Those that gave up take no room, also where a more patient one waits before them.
    for (const [sequence, proposal] of this.#waiting) if (proposal.pending.settled) this.#waiting.delete(sequence)
    this.#unsent = this.#unsent.filter((proposal) => !proposal.pending.settled)
    const queued = new Set(this.#unsent)
    for (const proposal of this.#waiting.values()) {
      if (proposal.attempts === 0 || queued.has(proposal)) continue
      if (nowMs >= proposal.resendMs) this.#unsent.push(proposal)
    }
  }

  /** This node has applied an entry: perhaps one of ours. */
  applied(entry: AppliedEntry<Result>): void {
    const session = this.#session
    if (session === undefined) return
    if (entry.type === 'session-opened') {
      if (session.id === undefined && Buffer.compare(entry.nonce, session.nonce) === 0) session.id = entry.sessionId
    } else if (entry.sessionId === session.id) {
      this.#settle(entry.sequence, entry.outcome)
    }
  }

  /** This node's state was replaced by a snapshot: what was applied on the way is in its session table. */
  restored(lookup: (sessionId: number, sequence: number) => SessionLookup<Result>): void {
    const id = this.#session?.id
    if (id === undefined) {
      // The opening may have been on the way too; a second session costs nothing.
      this.#session = undefined
      return
    }
    for (const sequence of [...this.#waiting.keys()]) {
      const outcome = lookup(id, sequence)
      if (outcome.type !== 'new') this.#settle(sequence, outcome)
    }
  }

  #settle(sequence: number, outcome: Exclude<SessionLookup<Result>, { type: 'new' }>): void {
    if (outcome.type === 'unknown-session') {
      this.#sessionLost()
      return
    }
    const proposal = this.#waiting.get(sequence)
    if (proposal === undefined) return
    this.#waiting.delete(sequence)
    if (outcome.type === 'applied') proposal.pending.resolve(outcome.result)
    else proposal.pending.reject(new OutcomeUnknownError(this.#config.group, 'it was settled before'))
  }

  /** The group has forgotten our session: what was handed over under it cannot be told from a duplicate any more. */
  #sessionLost(): void {
    this.#session = undefined
    for (const [sequence, proposal] of this.#waiting) {
      if (proposal.attempts === 0) continue
      this.#waiting.delete(sequence)
      proposal.pending.reject(
        new OutcomeUnknownError(this.#config.group, 'the group has forgotten the session of this node'),
      )
    }
    this.#unsent = [...this.#waiting.values()]
  }

  /** Ends the waiting of everybody. */
  rejectAll(error: (attempts: number) => Error): void {
    for (const proposal of this.#waiting.values()) proposal.pending.reject(error(proposal.attempts))
    this.#waiting.clear()
    this.#unsent = []
  }
}
