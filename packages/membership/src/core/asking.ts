import type { PeerAddress } from '@dsys/transport'
import type { CoreParts } from './parts.ts'
import { addressOf } from './parts.ts'
import type { AnswerBody } from './query-codec.ts'

/** So many frames of queries are sent at a time, so that a large cluster is not asked in one burst. */
const WAVE_FRAMES = 256
/** The time between two waves. */
const WAVE_GAP_MS = 10
/** How much longer than the one before it each pause is until those that did not answer are asked again. */
const PAUSE_GROWTH = 1.5

/** What is asked, and who. */
export interface Question {
  /** Counts the queries of this process, from 1. */
  readonly number: number
  readonly name: string
  readonly payload: Uint8Array
  readonly timeoutMs: number
  /** Ids of those who shall answer; this node may be among them. */
  readonly targets: readonly string[]
}

/** How a query came to its end: all have answered, its time was over, or this node fell silent. */
export type QueryEnd = 'complete' | 'deadline' | 'stopped'

interface Asked extends Question {
  readonly nonce: number
  readonly endMs: number
  /** Those that have not answered. */
  readonly waiting: Set<string>
  /** Who is asked in this round, and who of them is next. */
  round: readonly string[]
  at: number
  nextMs: number
  pauseMs: number
}

/** What it needs besides the core around it. */
export interface AskingParts extends Pick<CoreParts, 'self' | 'options' | 'view' | 'courier' | 'emit' | 'buggify'> {
  /** This node is asked as well. */
  readonly askSelf: (question: Question & { readonly nonce: number; readonly leftMs: number }, nowMs: number) => void
}

/**
 * The queries of this node. Each member is asked itself, and asked again until it has answered, it is gone, or the time is over: so
 * a lost frame costs time and no answer.
 */
export class Asking {
  readonly #parts: AskingParts
  readonly #asked = new Map<number, Asked>()

  constructor(parts: AskingParts) {
    this.#parts = parts
  }

  /** When `tick` is wanted next. While there is no connection nobody can be asked, and the end comes all the same. */
  deadlineMs(connected: boolean): number {
    let first = Number.POSITIVE_INFINITY
    for (const { endMs, nextMs } of this.#asked.values()) first = Math.min(first, endMs, connected ? nextMs : endMs)
    return first
  }

  begin(question: Question, nowMs: number): void {
    const { self, options, view } = this.#parts
    const nonce = view.get(self.id)?.record.nonce ?? options.nonce
    const { number, targets, timeoutMs } = question
    const asked: Asked = {
      ...question,
      nonce,
      endMs: nowMs + timeoutMs,
      waiting: new Set(targets),
      round: targets,
      at: 0,
      nextMs: nowMs,
      pauseMs: options.gossipIntervalMs,
    }
    this.#asked.set(number, asked)
    if (asked.waiting.has(self.id)) this.#parts.askSelf({ ...question, nonce, leftMs: timeoutMs }, nowMs)
    if (asked.waiting.size === 0) this.#end(asked, 'complete')
    else if (!this.#askAll(asked, nowMs)) this.#ask(asked, WAVE_FRAMES, nowMs)
  }

  /** Nobody waits for it any more. */
  cancel(number: number): void {
    this.#asked.delete(number)
  }

  /** An answer counts once, and only from those who were asked. */
  onAnswer({ nonce, number, result }: AnswerBody, from: PeerAddress): void {
    const asked = this.#asked.get(number)
    if (asked === undefined || asked.nonce !== nonce || !asked.waiting.delete(from.id)) return
    this.#parts.emit({ type: 'answer', number, from, result })
    if (asked.waiting.size === 0) this.#end(asked, 'complete')
  }

  /** What fell due while there was no connection is due now; it does not mean that this process was blocked. */
  reconnected(nowMs: number): void {
    for (const asked of this.#asked.values()) asked.nextMs = Math.max(asked.nextMs, nowMs)
  }

  tick(connected: boolean, nowMs: number): void {
    let room = WAVE_FRAMES
    for (const asked of [...this.#asked.values()]) {
      if (nowMs >= asked.endMs) this.#end(asked, 'deadline')
      else if (connected && nowMs >= asked.nextMs) room -= this.#ask(asked, room, nowMs)
    }
  }

  /** This node falls silent. */
  stop(): void {
    for (const asked of [...this.#asked.values()]) this.#end(asked, 'stopped')
  }

  /** One frame for all, where the transport can and all are asked; whoever missed it is asked again by itself. */
  #askAll(asked: Asked, nowMs: number): boolean {
    const { options, courier, view, buggify } = this.#parts
    if (!options.canBroadcast || buggify('membership.lost-broadcast')) return false
    for (const id of view.live.keys()) if (!asked.waiting.has(id)) return false
    courier.postToAll({ kind: 'query', ...bodyOf(asked, nowMs), rumors: [] })
    asked.at = asked.round.length
    this.#pause(asked, nowMs)
    return true
  }

  /** Asks up to `room` more. Returns how many it were. */
  #ask(asked: Asked, room: number, nowMs: number): number {
    const { view, courier } = this.#parts
    if (asked.at === asked.round.length) {
      asked.round = [...asked.waiting]
      asked.at = 0
      // Nobody who could answer is left; this node itself always could.
      if (asked.round.every((id) => id !== this.#parts.self.id && !view.live.has(id))) {
        this.#end(asked, 'complete')
        return 0
      }
    }
    let sent = 0
    while (asked.at < asked.round.length && sent < room) {
      const id = asked.round[asked.at++] as string
      const entry = view.live.get(id)
      if (entry === undefined || !asked.waiting.has(id)) continue
      sent += 1
      courier.post(addressOf(entry), { kind: 'query', ...bodyOf(asked, nowMs), rumors: [] })
    }
    if (asked.at < asked.round.length) asked.nextMs = nowMs + WAVE_GAP_MS
    else this.#pause(asked, nowMs)
    return sent
  }

  #pause(asked: Asked, nowMs: number): void {
    asked.nextMs = nowMs + asked.pauseMs
    asked.pauseMs *= PAUSE_GROWTH
  }

  #end(asked: Asked, end: QueryEnd): void {
    this.#asked.delete(asked.number)
    const { view, self, emit } = this.#parts
    const isThere = (id: string): boolean => id === self.id || view.live.has(id)
    const waiting = [...asked.waiting]
    const silent = waiting.filter(isThere)
    const absent = waiting.filter((id) => !isThere(id))
    emit({ type: 'query-ended', number: asked.number, end, silent, absent })
  }
}

const bodyOf = ({ nonce, number, name, payload, endMs }: Asked, nowMs: number) => {
  return { nonce, number, name, payload, leftMs: endMs - nowMs }
}
