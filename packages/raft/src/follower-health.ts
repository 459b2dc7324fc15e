import { createFailureDetector, type FailureDetector } from '@dsys/failure-detector'
import type { Progress } from './core/progress.ts'

/** Of how many heartbeats the times are remembered. */
const SAMPLES = 16
/** From this phi on a follower is taken to be unreachable: one that lives is so once in 10^8 heartbeats. */
export const UNREACHABLE_PHI = 8

/** A detector expects no longer intervals than a day; a group that beats more seldom is judged by that. */
const LONGEST_MS = 86_400_000

/** What a leader has of its core to judge its followers by. */
export interface Leading {
  readonly term: number
  readonly sleep: unknown
  readonly progress: ReadonlyMap<string, Pick<Progress, 'heardMs'>> | undefined
}

interface Watched {
  readonly heardMs: number | undefined
  readonly countedMs: number
  readonly detector: FailureDetector
}

/**
 * How far a leader believes its followers to be there, by phi accrual over the answers to its heartbeats. It is for people, and for choosing
 * a successor where the caller names none: consensus decides by terms, logs and majorities alone.
 *
 * Answers to appends come as traffic has them, so what counts is whether anything was heard since the last heartbeat was due: a steady pace.
 */
export class FollowerHealth {
  readonly #heartbeatIntervalMs: number
  readonly #followers = new Map<string, Watched>()
  #term = 0

  constructor(heartbeatIntervalMs: number) {
    this.#heartbeatIntervalMs = Math.min(heartbeatIntervalMs, LONGEST_MS)
  }

  /** To be called when time is kept. For `lostMs` before that this process stood still, and listened to nobody. */
  observe({ term, sleep, progress }: Leading, nowMs: number, lostMs: number): void {
    // Of an earlier term nothing is known here, and in sleep silence means nothing.
    if (progress === undefined || sleep !== undefined || term !== this.#term) this.#followers.clear()
    this.#term = term
    if (progress === undefined || sleep !== undefined) return
    for (const [id, { heardMs }] of progress) this.#observe(id, heardMs, nowMs, lostMs)
    for (const id of this.#followers.keys()) if (!progress.has(id)) this.#followers.delete(id)
  }

  #observe(id: string, heardMs: number | undefined, nowMs: number, lostMs: number): void {
    const known = this.#followers.get(id)
    if (known === undefined) {
      const detector = this.#begin(nowMs)
      const begun = heardMs === undefined ? detector : detector.heartbeat(nowMs)
      this.#followers.set(id, { heardMs, countedMs: nowMs, detector: begun })
      return
    }
    const excused = lostMs > 0 ? known.detector.excuse(nowMs, lostMs) : known.detector
    const counts = heardMs !== known.heardMs && nowMs - known.countedMs >= this.#heartbeatIntervalMs / 2
    if (counts) this.#followers.set(id, { heardMs, countedMs: nowMs, detector: excused.heartbeat(nowMs) })
    else if (excused !== known.detector) this.#followers.set(id, { ...known, detector: excused })
  }

  #begin(watchedSinceMs: number): FailureDetector {
    return createFailureDetector({
      threshold: UNREACHABLE_PHI,
      maxSamples: SAMPLES,
      firstIntervalMs: this.#heartbeatIntervalMs,
      minStdDeviationMs: this.#heartbeatIntervalMs / 4,
      acceptablePauseMs: this.#heartbeatIntervalMs,
      lateIntervals: 'capped',
      watchedSinceMs,
    })
  }

  /** What speaks against the follower `id`; `undefined` where it is not judged: nobody leads here, or the group sleeps. */
  phi(id: string, nowMs: number): number | undefined {
    return this.#followers.get(id)?.detector.suspicion(nowMs)
  }

  /** That of all followers that are judged. */
  all(nowMs: number): Map<string, number> {
    return new Map([...this.#followers].map(([id, { detector }]) => [id, detector.suspicion(nowMs)]))
  }
}
