import type { Clock, TimerHandle } from '@dsys/runtime'

interface Task {
  readonly callback: () => void
  cancelled: boolean
}

/**
 * A clock whose turns are shared: all that was deferred to the end of a turn of the event loop, by whichever group, runs in one callback,
 * and `afterTurn` once behind it. So a thousand groups that wake at one instant cost one callback, and what they send leaves together.
 */
export class HostTurns implements Clock {
  readonly #clock: Clock
  readonly #afterTurn: () => void
  #tasks: Task[] = []
  #handle: TimerHandle | undefined
  #running = false

  constructor(clock: Clock, afterTurn: () => void) {
    this.#clock = clock
    this.#afterTurn = afterTurn
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  wallMs(): number {
    return this.#clock.wallMs()
  }

  setTimer(delayMs: number, callback: () => void): TimerHandle {
    return this.#clock.setTimer(delayMs, callback)
  }

  afterIo(callback: () => void): TimerHandle {
    const task: Task = { callback, cancelled: false }
    this.#tasks.push(task)
    this.#deferred()
    return {
      cancel: () => {
        task.cancelled = true
      },
    }
  }

  /** `afterTurn` is wanted: behind this turn, if one runs, and otherwise behind the next. */
  wanted(): void {
    if (!this.#running) this.#deferred()
  }

  #deferred(): void {
    this.#handle ??= this.#clock.afterIo(() => this.#run())
  }

  /** What is deferred while this runs has a turn of its own, so that frames and timers get theirs between. */
  #run(): void {
    const tasks = this.#tasks
    this.#tasks = []
    this.#handle = undefined
    this.#running = true
    for (const task of tasks) if (!task.cancelled) this.#call(task.callback)
    this.#running = false
    this.#call(this.#afterTurn)
  }

  /** What one throws must reach the process, and must not cost the others their turn. */
  #call(callback: () => void): void {
    try {
      callback()
    } catch (error) {
      this.#clock.afterIo(() => {
        throw error
      })
    }
  }
}
