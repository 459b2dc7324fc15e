import { type Clock, Deadlines, Pending, type Random } from '@dsys/runtime'
import {
  type AppliedEntry,
  BATCH_KIND,
  COMMAND_KIND,
  commandBytes,
  type EncodedCommand,
  isBatch,
  OPEN_SESSION_KIND,
  writeCommand,
} from './applier.ts'
import { batchBytes } from './batches.ts'
import { ByteWriter } from './bytes.ts'
import {
  clientError,
  commandKey,
  decodeClientCommand,
  encodeClientCommand,
  OPEN_CLIENT_KIND,
  type OwnEntry,
  openingKey,
} from './client-commands.ts'
import type { ClientLookup } from './client-table.ts'
import { NoLeaderError, OutcomeUnknownError, OverloadedError } from './errors.ts'
import type { RaftMetrics } from './metrics.ts'
import type { CallOptions, ProposeOptions } from './options.ts'
import { BatchResults } from './recorded.ts'
import type { SessionLookup } from './sessions.ts'
import type { ForwardedItem } from './wire.ts'

const DEFAULT_TIMEOUT_MS = 5_000
const NONCE_BYTES = 16
/** The request that opens the session has this number; commands begin at 1. */
const OPENING_SEQUENCE = 0

interface Proposal {
  readonly sequence: number
  readonly command: EncodedCommand
  /** The entry of a client; other commands go under the session of this node. */
  readonly own: OwnEntry | undefined
  /** What of it counts against `maxPendingBytes`. */
  readonly bytes: number
  readonly pending: Pending<unknown>
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
  readonly maxPendingBytes: number
  /** A proposal that shows no effect is handed over again after this long, then after twice as long, and so on. */
  readonly resendAfterMs: number
  readonly metrics: RaftMetrics
}

/** Where to look up what became of proposals: the {@link Applier}. */
export interface AppliedTables<Result> {
  lookup(sessionId: number, sequence: number): SessionLookup<Result>
  lookupClient(client: string, sequence: number): ClientLookup<Result>
}

/**
 * The proposals that callers of this node wait for. They go to whoever leads, again and again, under one session, so that
 * each is applied at most once. They are settled by the entries that this node applies, and by nothing else.
 */
export class Proposals<Result> {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #random: Random
  readonly #config: ProposalsConfig
  /** In the order of their sequences. */
  readonly #waiting = new Map<number, Proposal>()
  /** Of their commands, all together. */
  #waitingBytes = 0
  /** Those of `#waiting` that are to be handed to a leader. */
  #unsent: Proposal[] = []
  /** Those of `#waiting` that are of clients, by the key of their entry; more than one caller may wait for the same. */
  readonly #byKey = new Map<string, Proposal[]>()
  /** When the first of `#unsent` came. */
  #unsentSinceMs = 0
  /** The proposal whose way is measured from the call to its result; one at a time. */
  #measured: { readonly pending: Pending<unknown>; readonly sequence: number; readonly sinceMs: number } | undefined
  #nextSequence = 1
  #session: ProposerSession | undefined

  constructor(clock: Clock, random: Random, config: ProposalsConfig) {
    this.#clock = clock
    this.#deadlines = new Deadlines(clock)
    this.#random = random
    this.#config = config
  }

  get size(): number {
    return this.#waiting.size
  }

  /** The bytes of the commands that wait. */
  get bytes(): number {
    return this.#waitingBytes
  }

  /** Takes a command; the promise is settled when its entry is applied here, or by the deadline. */
  add(command: Uint8Array, options: ProposeOptions): Promise<Result> {
    return this.#addCommand(command, options) as Promise<Result>
  }

  /** Takes a batch, which is one proposal with one sequence: its results come together, or not at all. */
  addBatch(commands: readonly Uint8Array[], options: ProposeOptions): Promise<Result[]> {
    return this.#addCommand(commands, options) as Promise<Result[]>
  }

  #addCommand(command: EncodedCommand, { client, ...options }: ProposeOptions): Promise<unknown> {
    return this.#add(command, client === undefined ? undefined : encodeClientCommand(client, command), options)
  }

  /** Asks for a new client; the promise has its id. */
  addClient(options: CallOptions): Promise<string> {
    const data = this.#nonce()
    const own = { kind: OPEN_CLIENT_KIND, data, key: openingKey(data) }
    return this.#add(data, own, options) as Promise<string>
  }

  #nonce(): Uint8Array {
    return new ByteWriter().text(this.#config.proposer).raw(this.#random.bytes(NONCE_BYTES)).finish()
  }

  #add(command: EncodedCommand, own: OwnEntry | undefined, options: CallOptions): Promise<unknown> {
    const { group, metrics } = this.#config
    const bytes = isBatch(command) ? batchBytes(command) : command.length
    const overload = this.#overload(bytes)
    if (overload !== undefined) {
      metrics.overloaded('proposals')
      return Promise.reject(new OverloadedError(group, overload))
    }
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const sequence = this.#nextSequence++
    const pending = new Pending<unknown>({
      clock: this.#deadlines,
      timeoutMs,
      signal: options.signal,
      onTimeout: () =>
        proposal.attempts === 0
          ? new NoLeaderError(group, timeoutMs)
          : new OutcomeUnknownError(group, `it was not seen to be applied within ${timeoutMs} ms`),
    })
    const proposal: Proposal = { sequence, command, own, bytes, pending, attempts: 0, resendMs: 0 }
    this.#waiting.set(sequence, proposal)
    this.#waitingBytes += bytes
    if (own !== undefined) this.#byKey.set(own.key, [...(this.#byKey.get(own.key) ?? []), proposal])
    if (this.#unsent.length === 0) this.#begunToWait(proposal)
    this.#unsent.push(proposal)
    return pending.promise
  }

  /** What waits already, where `bytes` more would be too much. */
  #overload(bytes: number): string | undefined {
    const { maxPending, maxPendingBytes } = this.#config
    if (this.#waiting.size >= maxPending) return `${maxPending} proposals`
    const room = maxPendingBytes - this.#waitingBytes
    return bytes > room ? `proposals of ${this.#waitingBytes} bytes, of ${maxPendingBytes} at the most,` : undefined
  }

  /** The first of those that will go together: the time is taken once for all of them. */
  #begunToWait({ sequence, pending }: Proposal): void {
    this.#unsentSinceMs = this.#clock.monotonicMs()
    if (this.#measured === undefined || this.#measured.pending.settled)
      this.#measured = { pending, sequence, sinceMs: this.#unsentSinceMs }
  }

  /** The result of a proposal is here. */
  #measure(sequence: number): void {
    if (this.#measured?.sequence !== sequence) return
    this.#config.metrics.proposalSettled(this.#clock.monotonicMs() - this.#measured.sinceMs)
    this.#measured = undefined
  }

  /** It takes no room any more. */
  #leaves({ sequence, bytes }: Proposal): void {
    if (this.#waiting.delete(sequence)) this.#waitingBytes -= bytes
  }

  /** Nobody waits for it any more. */
  #forget(proposal: Proposal): void {
    this.#leaves(proposal)
    if (proposal.own === undefined) return
    const { key } = proposal.own
    const left = this.#byKey.get(key)?.filter((other) => other !== proposal) ?? []
    if (left.length === 0) this.#byKey.delete(key)
    else this.#byKey.set(key, left)
  }

  /** What should be handed to the leader now. Every item counts as handed over. */
  take(nowMs: number): ForwardedItem[] {
    this.#dropSettled()
    if (this.#unsent.length === 0) return []
    const ready: Proposal[] = []
    const withoutSession: Proposal[] = []
    for (const proposal of this.#unsent) {
      if (proposal.pending.settled) continue
      if (proposal.own === undefined && this.#session?.id === undefined) {
        withoutSession.push(proposal)
        continue
      }
      proposal.attempts++
      proposal.resendMs = nowMs + this.#patienceMs(proposal.attempts)
      ready.push(proposal)
    }
    this.#unsent = withoutSession
    if (ready.length > 0) this.#config.metrics.handedOver(nowMs - this.#unsentSinceMs)
    const items = this.#encode(ready)
    if (withoutSession.length > 0) items.push(...this.#takeOpening(nowMs))
    return items
  }

  /** Those under the session in one block of memory: entries that are next to each other in the log are forgotten together. */
  #encode(proposals: readonly Proposal[]): ForwardedItem[] {
    const sessionId = this.#session?.id ?? 0
    const settledBelow = this.#settledBelow()
    let bytes = 0
    for (const { own, command } of proposals) if (own === undefined) bytes += commandBytes(command)
    const block = Buffer.allocUnsafe(bytes)
    let at = 0
    return proposals.map(({ sequence, own, command }) => {
      if (own !== undefined) return { sequence, kind: own.kind, data: own.data }
      const begin = at
      at = writeCommand(block, begin, sessionId, sequence, settledBelow, command)
      return { sequence, kind: isBatch(command) ? BATCH_KIND : COMMAND_KIND, data: block.subarray(begin, at) }
    })
  }

  #openSession(): ProposerSession {
    if (this.#session === undefined) {
      this.#session = { nonce: this.#nonce(), id: undefined, resendMs: undefined, attempts: 0 }
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
    for (const proposal of this.#waiting.values()) {
      if (!proposal.pending.settled) return
      this.#forget(proposal)
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
        this.#forget(proposal)
        this.#config.metrics.overloaded('entries')
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
    for (const proposal of this.#waiting.values()) if (proposal.pending.settled) this.#forget(proposal)
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
    switch (entry.type) {
      case 'command':
        if (session !== undefined && entry.sessionId === session.id) this.#settle(entry.sequence, entry.outcome)
        break
      case 'session-opened':
        if (session === undefined || session.id !== undefined) break
        if (Buffer.compare(entry.nonce, session.nonce) === 0) session.id = entry.sessionId
        break
      case 'client-command':
        this.#settleOwn(commandKey(entry.client, entry.sequence), entry.outcome)
        break
      case 'client-opened':
        this.#settleOwn(openingKey(entry.nonce), { type: 'applied', result: entry.client })
    }
  }

  /** This node's state was replaced by a snapshot: what was applied on the way is in its tables. */
  restored(tables: AppliedTables<Result>): void {
    const id = this.#session?.id
    // The opening may have been on the way too; a second session costs nothing.
    if (id === undefined) this.#session = undefined
    for (const { sequence, own } of [...this.#waiting.values()]) {
      if (own !== undefined) this.#lookUpOwn(own, tables)
      else if (id !== undefined) {
        const outcome = tables.lookup(id, sequence)
        if (outcome.type !== 'new') this.#settle(sequence, outcome)
      }
    }
  }

  #lookUpOwn({ kind, key, data }: OwnEntry, tables: AppliedTables<Result>): void {
    // Which client an opening gave is not in the table; it is asked for again.
    if (kind === OPEN_CLIENT_KIND) return
    const { client, sequence } = decodeClientCommand(data)
    const outcome = tables.lookupClient(client, sequence)
    // The snapshot may be older than the client. One that is forgotten is so behind it too: the command, which comes again, will tell.
    if (outcome.type === 'applied') this.#settleOwn(key, outcome)
  }

  #settleOwn(key: string, outcome: Exclude<ClientLookup<unknown>, { type: 'new' }>): void {
    const waiting = this.#byKey.get(key)
    if (waiting === undefined) return
    this.#byKey.delete(key)
    for (const proposal of waiting) {
      const { sequence, pending } = proposal
      this.#leaves(proposal)
      this.#measure(sequence)
      if (outcome.type !== 'applied') pending.reject(clientError(this.#config.group, key, outcome))
      else if (isBatch(proposal.command) === outcome.result instanceof BatchResults)
        pending.resolve(given(outcome.result))
      else pending.reject(new RangeError(`client.sequence ${key.split(' ')[1]} was used for another command before`))
    }
  }

  #settle(sequence: number, outcome: Exclude<SessionLookup<Result>, { type: 'new' }>): void {
    if (outcome.type === 'unknown-session') {
      this.#sessionLost()
      return
    }
    const proposal = this.#waiting.get(sequence)
    if (proposal === undefined) return
    this.#leaves(proposal)
    this.#measure(sequence)
    if (outcome.type === 'applied') proposal.pending.resolve(given(outcome.result))
    else {
      const why =
        'the group has forgotten what came of it, as too many later proposals of this node were applied meanwhile'
      proposal.pending.reject(new OutcomeUnknownError(this.#config.group, why))
    }
  }

  /** The group has forgotten our session: what was handed over under it cannot be told from a duplicate any more. */
  #sessionLost(): void {
    this.#session = undefined
    for (const proposal of this.#waiting.values()) {
      if (proposal.attempts === 0 || proposal.own !== undefined) continue
      this.#leaves(proposal)
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
    this.#waitingBytes = 0
    this.#byKey.clear()
    this.#unsent = []
  }
}

/** What a caller gets: a copy of the list, which the tables keep. */
const given = (recorded: unknown): unknown => (recorded instanceof BatchResults ? [...recorded.results] : recorded)
