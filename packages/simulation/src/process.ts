import { type Clock, type QueuedTimer, type TimerHandle, TimerQueue } from '@dsys/runtime'
import type { MachineClock } from './machine-clock.ts'
import type { Scheduler } from './scheduler.ts'

/**
 * One life of a process on a simulated machine: its timers, the input that reaches it, and whether it runs at all.
 *
 * Everything that happens to the process goes through here, so it can be paused and killed between any two steps. After a
 * pause its timers fire first, then the input that waited is delivered, then what was deferred runs: that is what an event
 * loop does that was blocked.
 */
export class SimProcess {
  /** The clock port of this life. */
  readonly clock: Clock
  readonly #scheduler: Scheduler
  readonly #machine: MachineClock
  readonly #timers = new TimerQueue()
  #wakeUp: QueuedTimer | undefined
  #alive = true
  #paused = false
  #turnDelayMs = 0
  /** Set while what a pause held back is let go, one step at a time; timers in front of it fire first. */
  #mark: QueuedTimer | undefined
  #heldInput: (() => void)[] = []
  #heldDeferred: (() => void)[] = []

  constructor(scheduler: Scheduler, machine: MachineClock) {
    this.#scheduler = scheduler
    this.#machine = machine
    this.clock = {
      monotonicMs: () => machine.monotonicMs(),
      wallMs: () => machine.wallMs(),
      setTimer: (delayMs, callback) => this.#setTimer(delayMs, callback),
      afterIo: (callback) => this.#defer(callback),
    }
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#paused
  }

  /** How long each deferred call waits, as in a process whose turns are long. Default 0. */
  set turnDelayMs(ms: number) {
    this.#turnDelayMs = ms
  }

  /** Something from outside reaches the process now, a frame for instance; never after its end. */
  input(action: () => void): void {
    if (!this.#alive) return
    if (this.#holdsBack) this.#heldInput.push(action)
    else action()
  }

  /** It does nothing until {@link SimProcess.resume}. */
  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused || !this.#alive) return
    this.#paused = false
    // Also where an earlier pause still lets go what it held: timers that became due since come first again.
    if (this.#mark !== undefined) this.#timers.cancel(this.#mark)
    this.#mark = this.#timers.add(this.#machine.monotonicMs(), () => undefined)
    this.#scheduler.after(0, () => this.#letGo())
  }

  /** The life is over: nothing of it goes on. */
  kill(): void {
    this.#alive = false
    this.#heldInput = []
    this.#heldDeferred = []
    if (this.#wakeUp !== undefined) this.#scheduler.cancel(this.#wakeUp)
  }

  /** The machine's clock has changed: the next timer is due at another time. */
  rearm(): void {
    if (!this.#alive || this.#holdsBack) return
    const next = this.#timers.peek()
    if (this.#wakeUp !== undefined) this.#scheduler.cancel(this.#wakeUp)
    this.#wakeUp = next && this.#scheduler.at(this.#machine.simulationMs(next.dueMs), () => this.#wake())
  }

  #setTimer(delayMs: number, callback: () => void): TimerHandle {
    if (!(delayMs >= 0)) throw new RangeError(`delayMs must be 0 or more, got ${delayMs}`)
    const timer = this.#timers.add(this.#machine.monotonicMs() + delayMs, callback)
    if (this.#timers.peek() === timer) this.rearm()
    return { cancel: () => this.#timers.cancel(timer) }
  }

  #defer(callback: () => void): TimerHandle {
    let waits = true
    const run = (): void => {
      if (waits) callback()
      waits = false
    }
    this.#scheduler.after(this.#turnDelayMs, () => {
      if (!this.#alive) return
      if (this.#holdsBack) this.#heldDeferred.push(run)
      else run()
    })
    return {
      cancel: () => {
        waits = false
      },
    }
  }

  get #holdsBack(): boolean {
    return this.#paused || this.#mark !== undefined
  }

  #wake(): void {
    this.#wakeUp = undefined
    if (!this.#alive || this.#holdsBack) return
    const first = this.#timers.peek()
    if (first !== undefined && first.dueMs <= this.#machine.monotonicMs()) this.#timers.take()?.action()
    if (this.#wakeUp === undefined) this.rearm()
  }

  /** One step of what was held back; the next one is an event of its own, so what this one makes ready comes before it. */
  #letGo(): void {
    if (!this.#alive || this.#paused || this.#mark === undefined) return
    if (this.#mark.waits) this.#timers.take()?.action()
    else {
      const next = this.#heldInput.shift() ?? this.#heldDeferred.shift()
      if (next === undefined) {
        this.#mark = undefined
        this.rearm()
        return
      }
      next()
    }
    this.#scheduler.after(0, () => this.#letGo())
  }
}
