import { createFailureDetector, type FailureDetector } from '@dsys/failure-detector'
import type { ResolvedOptions } from '../options.ts'

/** Of how many answers the times are remembered, for each peer; and how many are needed before they count. */
const ANSWERS = 16
/** Peers with a memory of their own. Of the others, what the last answers of anybody took is believed. */
const MAX_PEERS = 256
/** The threshold: a peer that is as it was misses one probe in 10^8, as far as its answers spread as the normal distribution says. */
const PHI = 8
/** Below this a difference is the coarseness of clocks. */
const MIN_DEVIATION_MS = 1
/** Two answers at the very time of each other would be one. */
const SHORTEST_MS = 0.001
const LONGEST_MS = 86_400_000

/** What is remembered of one peer. */
interface Memory {
  readonly detector: FailureDetector
  readonly answers: number
  /** Whether it has missed a ping since it is remembered. */
  readonly hasMissed: boolean
}

/**
 * How long the answer to a direct ping is waited for before helpers are asked: as long as the last answers of that peer took, with what
 * they spread, and `minProbeTimeoutMs` on top, since a peer may be busy for a moment. Never longer than `probeTimeoutMs`, and
 * exactly that after a ping that was not answered in time, until as many answers have come as are remembered.
 *
 * A phi accrual detector judges pauses between signs of life. Here its clock runs only while an answer is waited for, so what it takes for
 * pauses is what answers take.
 */
export class ProbeTimeouts {
  readonly #longestMs: number
  readonly #isOff: boolean
  /** Expects answers to take so long that the longest timeout holds until enough have been measured. */
  readonly #new: Memory
  #anybody: FailureDetector
  /** Whoever answered last is at the end. */
  readonly #peers = new Map<string, Memory>()

  constructor({ minProbeTimeoutMs, probeTimeoutMs }: Pick<ResolvedOptions, 'minProbeTimeoutMs' | 'probeTimeoutMs'>) {
    this.#longestMs = probeTimeoutMs
    this.#isOff = minProbeTimeoutMs >= probeTimeoutMs
    this.#anybody = createFailureDetector({
      threshold: PHI,
      maxSamples: ANSWERS,
      minStdDeviationMs: MIN_DEVIATION_MS,
      acceptablePauseMs: Math.min(minProbeTimeoutMs, LONGEST_MS),
      firstIntervalMs: Math.min(probeTimeoutMs, LONGEST_MS),
      lateIntervals: 'capped',
    }).heartbeat(0)
    this.#new = { detector: this.#anybody, answers: 0, hasMissed: false }
  }

  /** How many peers are remembered. */
  get size(): number {
    return this.#peers.size
  }

  timeoutMs(id: string): number {
    if (this.#isOff) return this.#longestMs
    const { lastHeartbeatMs, unavailableFromMs } = this.#judgeOf(id)
    return Math.min(this.#longestMs, (unavailableFromMs as number) - (lastHeartbeatMs as number))
  }

  /** Whoever has not been measured enough is taken to be like the others, as long as it misses nothing. */
  #judgeOf(id: string): FailureDetector {
    const memory = this.#peers.get(id)
    const isKnown = memory !== undefined && (memory.hasMissed || memory.answers >= ANSWERS)
    return isKnown ? memory.detector : this.#anybody
  }

  /** A direct ping of `id` was answered after `tookMs`. */
  answered(id: string, tookMs: number): void {
    if (this.#isOff) return
    const { detector, answers, hasMissed } = this.#peers.get(id) ?? this.#new
    this.#remember(id, { detector: after(detector, tookMs), answers: answers + 1, hasMissed })
    this.#anybody = after(this.#anybody, tookMs)
  }

  /** No answer came in time: what was measured of `id` holds no more. */
  missed(id: string): void {
    if (!this.#isOff) this.#remember(id, { ...this.#new, hasMissed: true })
  }

  forget(id: string): void {
    this.#peers.delete(id)
  }

  #remember(id: string, memory: Memory): void {
    this.#peers.delete(id)
    this.#peers.set(id, memory)
    if (this.#peers.size <= MAX_PEERS) return
    const [oldest] = this.#peers.keys()
    this.#peers.delete(oldest as string)
  }
}

function after(detector: FailureDetector, tookMs: number): FailureDetector {
  return detector.heartbeat((detector.lastHeartbeatMs as number) + Math.max(SHORTEST_MS, tookMs))
}
