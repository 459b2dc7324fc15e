import type { Clock } from '@dsys/runtime'
import { counted, elapsed, hoursPerMinute, virtualHours } from './numbers.ts'
import type { Totals } from './runs/totals.ts'

/** Where the progress is shown. */
export interface Screen {
  /** Whether a line can be written over. */
  readonly isTty: boolean
  /** How wide a line may be, on a terminal. */
  readonly columns: number
  write(text: string): void
}

const REWRITE_MS = 200
const LINE_MS = 5_000
const CLEAR = '\r\u001b[K'

/** Where a run of many seeds stands, in one line. */
export function progressText(totals: Totals, planned: number, wallMs: number): string {
  const speed = hoursPerMinute(totals.virtualMs, wallMs)
  return [
    Number.isFinite(planned) ? `${totals.seeds}/${planned} seeds` : counted(totals.seeds, 'seed'),
    `${virtualHours(totals.virtualMs)} virtual hours`,
    counted(totals.faults, 'fault'),
    counted(totals.failed, 'violation'),
    `${speed.toFixed(speed >= 10 ? 0 : 1)} h/min`,
    elapsed(wallMs),
  ].join(' · ')
}

/** Shows a line that is written over on a terminal; elsewhere, as in a log, a new line every few seconds. */
export class ProgressLine {
  readonly #clock: Clock
  readonly #screen: Screen
  readonly #text: () => string
  #shownMs: number
  #isOnScreen = false

  constructor(clock: Clock, screen: Screen, text: () => string) {
    this.#clock = clock
    this.#screen = screen
    this.#text = text
    this.#shownMs = clock.monotonicMs()
  }

  /** Something has changed. The line is written anew when the last time is long enough ago. */
  update(): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#shownMs < (this.#screen.isTty ? REWRITE_MS : LINE_MS)) return
    this.#shownMs = nowMs
    if (!this.#screen.isTty) {
      this.#screen.write(`${this.#text()}\n`)
      return
    }
    // A line that wraps cannot be written over.
    this.#screen.write(`${CLEAR}${this.#text().slice(0, this.#screen.columns - 1)}`)
    this.#isOnScreen = true
  }

  /** Takes the line off the screen, so that something else can be written. */
  clear(): void {
    if (this.#isOnScreen) this.#screen.write(CLEAR)
    this.#isOnScreen = false
  }
}
