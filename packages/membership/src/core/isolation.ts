import type { ViewEvidence } from '../evidence.ts'
import type { ResolvedOptions } from '../options.ts'
import type { StaleReason, ViewStatus } from '../status.ts'
import type { SuspicionTimes } from './suspicion.ts'

/** So many must be silent before that says something about this node: one alone may just be dead. */
const LEAST_SILENT = 2

/** What the gate needs of the core around it. */
export interface IsolationContext {
  readonly options: Pick<
    ResolvedOptions,
    'isolationTimeoutMs' | 'isolationShare' | 'probesPerInterval' | 'indirectProbes' | 'removal' | 'observers'
  >
  /** Those who take part. */
  readonly view: { readonly live: ReadonlyMap<string, unknown> }
  readonly times: { now(): SuspicionTimes }
}

/** What came of the last question to one member. */
interface Asked {
  readonly answeredMs: number
  /** When the first question was asked to which there was no answer; `undefined` where the last one was answered. */
  readonly silentSinceMs: number | undefined
}

/** A time in which this node accuses nobody. */
interface Isolation {
  readonly sinceMs: number
  readonly because: 'disconnected' | 'nobody-answers' | 'not-running'
  /** When it ends; `undefined` until somebody has answered. */
  readonly opensMs: number | undefined
  /** When it ends although nobody has answered; infinite while that cannot be expected. */
  readonly givesUpMs: number
}

/**
 * Whether this node may accuse others. It may not while its own connection is down, nor while nearly all that it asks are silent at once: then
 * the silence says something about this node, and nothing about them. The gate opens once somebody has answered, and a time of grace after that.
 *
 * An answer is one to a question of this node: it shows that both ways work. Whoever is heard and does not answer shows only one of them. And
 * whoever still gets answers from some is not isolated, but on one side of a partition, and judges the other side as usual.
 */
export class IsolationGate {
  readonly #context: IsolationContext
  readonly #window: number
  /** The last members asked whose answer came, or is overdue; the latest last. */
  readonly #asked = new Map<string, Asked>()
  #connected = false
  #everConnected = false
  #answeredMs = Number.NEGATIVE_INFINITY
  /** When this node told that it is back and asked for what it missed. */
  #returnedMs = Number.NEGATIVE_INFINITY
  /** Nobody answered for too long: silence counts as death again, until that changes. */
  #gaveUp = false
  #isolation: Isolation | undefined
  #why = 'it has just begun'

  constructor(context: IsolationContext) {
    const { probesPerInterval, indirectProbes, removal, observers } = context.options
    this.#context = context
    // As many as are asked in one round of probes. By a cut, that is all whom this node observes: about as many as observe it.
    this.#window = removal === 'cut' ? observers : Math.max(LEAST_SILENT, probesPerInterval * (1 + indirectProbes))
    this.#isolation = isolation(0, 'disconnected')
  }

  get connected(): boolean {
    return this.#connected
  }

  get isShut(): boolean {
    return this.#isolation !== undefined
  }

  /** The connection is there, and somebody's answer would open the gate. */
  get isWaiting(): boolean {
    return this.#connected && this.#isolation !== undefined && this.#isolation.opensMs === undefined
  }

  /** Why it moved last. */
  get evidence(): ViewEvidence {
    const now = this.#isolation
    const because = now?.because ?? (this.#gaveUp ? 'gave-up' : 'caught-up')
    return Object.freeze({
      kind: 'view',
      because: because === 'not-running' ? 'disconnected' : because,
      how: this.#why,
    })
  }

  /** Until when nobody is accused, as far as is known by now. */
  shutUntilMs(): number {
    if (this.#isolation === undefined) return Number.NEGATIVE_INFINITY
    return this.#connected ? (this.#isolation.opensMs ?? this.#isolation.givesUpMs) : Number.POSITIVE_INFINITY
  }

  /** When `tick` has something to do; infinite when it has not. */
  deadlineMs(): number {
    return this.isShut ? this.shutUntilMs() : Number.POSITIVE_INFINITY
  }

  status(nowMs: number): ViewStatus {
    const now = this.#isolation
    if (now === undefined) return FRESH
    const because: StaleReason = now.opensMs === undefined ? now.because : 'catching-up'
    return Object.freeze({ state: 'stale', sinceMs: now.sinceMs, forMs: nowMs - now.sinceMs, because, why: this.#why })
  }

  /** The node begins. */
  begin(nowMs: number): void {
    if (this.#connected) return
    this.#isolation = isolation(nowMs, 'disconnected')
    this.#why = 'it has no connection yet'
  }

  /** The node takes no part any more: what it knows grows old. */
  end(nowMs: number): void {
    this.#connected = false
    this.#isolation = isolation(this.#isolation?.sinceMs ?? nowMs, 'not-running')
    this.#why = 'it takes no part any more'
  }

  lost(nowMs: number): void {
    this.#connected = false
    this.#isolation = isolation(this.#isolation?.sinceMs ?? nowMs, 'disconnected')
    this.#why = 'its connection is down'
  }

  /** The connection is there. True when it had been there before: then nobody is accused until somebody has answered. */
  regained(nowMs: number): boolean {
    const again = this.#everConnected
    const { sinceMs } = this.#isolation ?? { sinceMs: nowMs }
    this.#connected = true
    this.#everConnected = true
    this.#asked.clear()
    this.#gaveUp = false
    this.#isolation = again ? this.#waiting(sinceMs, nowMs) : undefined
    this.#why = again ? 'its connection is back, and it waits for an answer' : 'it has a connection'
    if (!again) return false
    this.#returnedMs = nowMs
    if (!this.#hasOthers) this.#catchUp(nowMs)
    return true
  }

  /** A question to `id` that was asked at `askedMs` has had its time. */
  silent(id: string, askedMs: number): void {
    const before = this.#asked.get(id)
    const answeredMs = before?.answeredMs ?? Number.NEGATIVE_INFINITY
    // It answered another question meanwhile.
    if (answeredMs >= askedMs) return
    this.#note(id, { answeredMs, silentSinceMs: before?.silentSinceMs ?? askedMs })
  }

  /**
   * `id` has answered a question of this node. True when this node was away for longer than since it last said that it is back: then it has to say so
   * again, and to ask for what it missed.
   */
  answered(id: string, nowMs: number): boolean {
    this.#answeredMs = nowMs
    // Who left, or died, between the question and its answer is not asked again: its answer would stand against all silence for ever.
    if (this.#context.view.live.has(id)) this.#note(id, { answeredMs: nowMs, silentSinceMs: undefined })
    if (this.#areSilent()) return false
    this.#gaveUp = false
    if (!this.isWaiting) return false
    this.#catchUp(nowMs)
    this.#why = `${id} has answered, and it catches up`
    if (nowMs < this.#returnedMs + this.#graceMs) return false
    this.#returnedMs = nowMs
    return true
  }

  /** It is not asked any more. */
  forget(id: string): void {
    this.#asked.delete(id)
  }

  /** Looks at the answers and silences so far. To be called before anybody is accused. */
  judge(nowMs: number): void {
    if (!this.#connected || this.#gaveUp || !this.#areSilent()) return
    const silent = [...this.#asked.values()].flatMap(({ silentSinceMs }) => silentSinceMs ?? [])
    // Who waits already goes on to do so, and not for longer. Whoever caught up has lost the others again.
    if (this.#isolation === undefined) this.#isolation = this.#waiting(Math.min(...silent), nowMs)
    else if (this.#isolation.opensMs === undefined) return
    else this.#isolation = { ...this.#isolation, opensMs: undefined }
    this.#why = `none of the ${silent.length} asked last has answered`
    if (silent.length < this.#asked.size)
      this.#why = `${silent.length} of the ${this.#asked.size} asked last have not answered`
  }

  /** Opens the gate when it is time. */
  tick(nowMs: number): void {
    const now = this.#isolation
    if (now === undefined || !this.#connected) return
    // Nobody is left whose answer could be told from a death.
    if (now.opensMs === undefined && !this.#hasOthers) this.#catchUp(nowMs)
    if (nowMs < this.shutUntilMs()) return
    this.#gaveUp = now.opensMs === undefined
    this.#isolation = undefined
    this.#why = this.#gaveUp
      ? `too few answered for ${Math.round(nowMs - now.sinceMs)} ms, and from now on whoever is silent is taken for dead`
      : 'it has caught up'
  }

  /** This node was blocked for `lateMs`: answers may still be on their way in. */
  excuse(lateMs: number, leastMs: number): void {
    const now = this.#isolation
    if (now === undefined) return
    const later = (atMs: number): number => Math.max(atMs + lateMs, leastMs)
    const opensMs = now.opensMs === undefined ? undefined : later(now.opensMs)
    this.#isolation = { ...now, opensMs, givesUpMs: later(now.givesUpMs) }
  }

  /**
   * Whether a suspicion that began at `sinceMs` may end in a death: somebody, whoever it is, has answered since, which shows that this node
   * would have heard a refutation. Where nobody else is left to answer, or none did for too long, it has to do without.
   */
  hasWitness(sinceMs: number): boolean {
    return this.#answeredMs >= sinceMs || this.#gaveUp || !this.#hasOthers
  }

  /** Whether an answer can be expected of others than the one that is in doubt. */
  get #hasOthers(): boolean {
    return this.#context.view.live.size >= LEAST_SILENT
  }

  /** How long nobody is accused after somebody has answered again. */
  get #graceMs(): number {
    return this.#context.times.now().minMs
  }

  #areSilent(): boolean {
    let silent = 0
    for (const { silentSinceMs } of this.#asked.values()) if (silentSinceMs !== undefined) silent += 1
    return silent >= LEAST_SILENT && silent >= this.#context.options.isolationShare * this.#asked.size
  }

  #note(id: string, asked: Asked): void {
    this.#asked.delete(id)
    this.#asked.set(id, asked)
    if (this.#asked.size <= this.#window) return
    for (const oldest of this.#asked.keys()) {
      this.#asked.delete(oldest)
      return
    }
  }

  #waiting(sinceMs: number, nowMs: number): Isolation {
    const givesUpMs = nowMs + this.#context.options.isolationTimeoutMs
    return { sinceMs, because: 'nobody-answers', opensMs: undefined, givesUpMs }
  }

  /** From now on it is only a matter of time. */
  #catchUp(nowMs: number): void {
    if (this.#isolation !== undefined) this.#isolation = { ...this.#isolation, opensMs: nowMs + this.#graceMs }
  }
}

const FRESH: ViewStatus = Object.freeze({ state: 'fresh' })

/** One that nothing ends but a connection. */
function isolation(sinceMs: number, because: Isolation['because']): Isolation {
  return { sinceMs, because, opensMs: undefined, givesUpMs: Number.POSITIVE_INFINITY }
}
