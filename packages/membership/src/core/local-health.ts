import type { LocalHealthStatus } from '../status.ts'

/** What speaks against the own health. */
export type HealthProblem = 'missed-answers' | 'refuted' | 'late-timer'

const WORDS: Readonly<Record<HealthProblem, string>> = Object.freeze({
  'missed-answers': 'probes and helpers that did not answer',
  refuted: 'it had to refute what others said of it',
  'late-timer': 'its own timers were late',
})

/**
 * How far this node is to be trusted when it misses others (Lifeguard, LHA-Probe): what speaks against itself makes it slower to
 * judge, as its multiplier scales how long a probe takes and how often one begins. Each probe that succeeds takes one back.
 */
export class LocalHealth {
  readonly #max: number
  readonly #changed: (multiplier: number) => void
  #multiplier = 1
  #last: HealthProblem | undefined

  /** @param max the largest multiplier; 1 leaves everything as it is. */
  constructor(max: number, changed: (multiplier: number) => void) {
    this.#max = max
    this.#changed = changed
  }

  /** From 1, healthy, to the largest one. */
  get multiplier(): number {
    return this.#multiplier
  }

  raise(by: number, problem: HealthProblem): void {
    if (by <= 0) return
    this.#last = problem
    this.#set(this.#multiplier + by)
  }

  /** A probe has succeeded, or there is nobody to be unjust to. */
  lower(): void {
    this.#set(this.#multiplier - 1)
  }

  status(): LocalHealthStatus {
    const isHealthy = this.#multiplier === 1 || this.#last === undefined
    const because = isHealthy ? 'healthy' : WORDS[this.#last as HealthProblem]
    return Object.freeze({ multiplier: this.#multiplier, maxMultiplier: this.#max, because })
  }

  #set(multiplier: number): void {
    const bounded = Math.min(this.#max, Math.max(1, multiplier))
    if (bounded === this.#multiplier) return
    this.#multiplier = bounded
    this.#changed(bounded)
  }
}
