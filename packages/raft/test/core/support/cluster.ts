import type { LogEntry } from '@dsys/storage'
import type { RestoredState } from '../../../src/core/begin.ts'
import type { CoreConfig } from '../../../src/core/config.ts'
import { CONFIGURATION_KIND, type Configuration, simpleConfiguration } from '../../../src/core/configuration.ts'
import { encodeConfiguration } from '../../../src/core/configuration-codec.ts'
import type { PlacedConfiguration } from '../../../src/core/configurations.ts'
import type { Message } from '../../../src/core/messages.ts'
import { type Effects, RaftCore } from '../../../src/core/raft-core.ts'

export const ELECTION_TIMEOUT_MS = 100
export const HEARTBEAT_INTERVAL_MS = 10

const CONFIG: Omit<CoreConfig, 'id' | 'voters'> = {
  electionTimeoutMs: ELECTION_TIMEOUT_MS,
  heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
  maxAppendBytes: 1_000,
  maxInflightAppends: 8,
  maxInflightBytes: 1 << 20,
  maxUncommittedBytes: 1 << 20,
}

/** The configuration of the voters that a core has unless said otherwise. */
export const OF_THREE: PlacedConfiguration = { index: 0, configuration: simpleConfiguration(['n1', 'n2', 'n3']) }

export const NOTHING_STORED: RestoredState = {
  hardState: { term: 0, votedFor: undefined },
  snapshot: undefined,
  entries: [],
}

/** Entries from `firstIndex` on, one for each of the terms. */
export function entriesOf(terms: readonly number[], firstIndex = 1): LogEntry[] {
  return terms.map((term, i) => ({ index: firstIndex + i, term, kind: 1, data: new Uint8Array(0) }))
}

/** The entry that brings `configuration`. */
export function configurationEntry(index: number, term: number, configuration: Configuration): LogEntry {
  return { index, term, kind: CONFIGURATION_KIND, data: encodeConfiguration(configuration) }
}

/** A log in which the entries have these terms, stored by a node that is in `term`. */
export function stored(terms: readonly number[], term: number = terms.at(-1) ?? 0, votedFor?: string): RestoredState {
  return { hardState: { term, votedFor }, snapshot: undefined, entries: entriesOf(terms) }
}

/** One core of the voters n1 to n3, unless said otherwise, that a test drives by hand. */
export function coreOf(restored: RestoredState = NOTHING_STORED, config: Partial<CoreConfig> = {}): Driven {
  return new Driven(restored, config)
}

/** A core with a clock of its own and a disk that is as fast as the test wants it. */
export class Driven {
  readonly core: RaftCore
  readonly id: string
  nowMs = 0
  #lastWriteId = 0
  #durableId = 0

  constructor(restored: RestoredState, config: Partial<CoreConfig>) {
    const whole = { id: 'n1', voters: ['n1', 'n2', 'n3'], ...CONFIG, ...config }
    this.id = whole.id
    this.core = new RaftCore(whole, restored, 1, 0)
  }

  /** The effects of what has come; nothing becomes durable by that. */
  effects(): Effects {
    const effects = this.core.takeEffects()
    if (effects.write !== undefined) this.#lastWriteId = effects.write.id
    return effects
  }

  /** The messages that leave now. */
  messages(): Message[] {
    return this.effects().messages.map(({ message }) => message)
  }

  /** Takes effects and makes everything durable until nothing is left; returns all messages. */
  settle(): { to: string; message: Message }[] {
    const all: { to: string; message: Message }[] = []
    for (;;) {
      all.push(...this.effects().messages)
      if (this.#durableId === this.#lastWriteId) return all
      this.sync()
    }
  }

  /** All that was handed to the disk becomes durable. */
  sync(): void {
    this.#durableId = this.#lastWriteId
    this.core.durable(this.#durableId, this.nowMs)
  }

  step(from: string, message: Message): void {
    this.core.step(from, message, this.nowMs)
  }

  pass(ms: number): void {
    this.nowMs += ms
    this.core.tick(this.nowMs)
  }

  propose(...values: number[]): ReturnType<RaftCore['propose']> {
    return this.core.propose(values.map((value) => ({ kind: 1, data: Uint8Array.from([value]) })))
  }

  /** `ids` answer that they have the whole log, and that they know of the leader's newest round. Returns what is sent then. */
  have(...ids: string[]): { to: string; message: Message }[] {
    const { term, log } = this.core
    const sent = this.settle()
    const round = Math.max(0, ...sent.map(({ message }) => ('round' in message ? message.round : 0)))
    for (const from of ids) this.step(from, { type: 'append-accepted', term, matchIndex: log.lastIndex, round })
    return [...sent, ...this.settle()]
  }

  /** Who is in the group as this node sees it, in short: the voters, those that are left, the learners, the voters that are aimed at. */
  get members(): string {
    const { voters, outgoing, learners, target } = this.core.configuration.configuration
    const parts = [voters.join(' '), outgoing.join(' '), learners.join(' '), target?.voters.join(' ') ?? '']
    return parts.join('|')
  }

  /** The terms of the entries that are in the log. */
  get terms(): number[] {
    const { log } = this.core
    return Array.from({ length: log.lastIndex - log.baseIndex }, (_, i) => log.termAt(log.baseIndex + 1 + i) as number)
  }

  /** Wins the election of the next term with the votes of `voters`. Returns what is sent on becoming leader. */
  lead(...voters: string[]): { to: string; message: Message }[] {
    this.core.campaign(this.nowMs)
    this.settle()
    const term = this.core.term + 1
    for (const from of voters) this.step(from, { type: 'vote-response', term, preVote: true, granted: true })
    this.settle()
    for (const from of voters) this.step(from, { type: 'vote-response', term, preVote: false, granted: true })
    return this.settle()
  }
}

/** The message of `type` among `messages`, as that type. */
export function find<T extends Message['type']>(messages: readonly Message[], type: T): Extract<Message, { type: T }> {
  const found = messages.find((message) => message.type === type)
  if (found === undefined) throw new Error(`no ${type} among ${messages.map((each) => each.type).join(', ')}`)
  return found as Extract<Message, { type: T }>
}
