import { type Clock, type QueuedTimer, type TimerHandle, TimerQueue } from '@dsys/runtime'
import type { MachineClock } from './machine-clock.ts'
import type { Scheduler } from './scheduler.ts'

/** Something that a slow process has not got round to. */
interface Waiting {
  readonly kind: 'input' | 'deferred'
  readonly run: () => void
  dueMs: number
  timer: QueuedTimer
}

/**
 * One life of a process on a simulated machine: its timers, the input that reaches it, and whether it runs at all.
 *
 * Everything that happens to the process goes through here, so it can be paused and killed between any two steps. After a
 * pause its timers fire first, then the input that waited is delivered, then what was deferred runs: that is what an event
 * loop does that was blocked. A slow process is blocked a little all the time: its timers fire when they are due, and input
 * waits until it gets round to it.
 */
export class SimProcess {
  /** The clock port of this life. */
  readonly clock: Clock
  /**
   * The clock of what the operating system does for this life, a disk for instance: time goes on in it during a pause, and its
   * timers end as input of the process, which waits where frames wait.
   */
  readonly deviceClock: Clock
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
  /** What waits since the process is slow, in the order of its coming. */
  readonly #waiting = new Set<Waiting>()
  #waitingInput = 0
  /** Nothing that comes later is due earlier, or it would overtake what waits. */
  #lastDueMs = 0

  constructor(scheduler: Scheduler, machine: MachineClock) {
    this.#scheduler = scheduler
    this.#machine = machine
    this.clock = {
      monotonicMs: () => machine.monotonicMs(),
      wallMs: () => machine.wallMs(),
      setTimer: (delayMs, callback) => this.#setTimer(delayMs, callback),
      afterIo: (callback) => this.#defer(callback),
    }
    this.deviceClock = { ...this.clock, setTimer: (delayMs, callback) => this.#setDeviceTimer(delayMs, callback) }
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#paused
  }

  /**
   * How long input and deferred calls wait, in their order, as in a process whose turns are long; timers fire on time. What waits
   * when this becomes less waits no longer than what comes then. Default 0.
   */
  set turnDelayMs(ms: number) {
    if (!(ms >= 0)) throw new RangeError(`turnDelayMs must be 0 or more, got ${ms}`)
    this.#turnDelayMs = ms
    this.#hurry()
  }

  /**
   * Something from outside reaches the process, a frame for instance; never after its end. It happens at once, unless the process
   * is paused or slow.
   */
  input(action: () => void): void {
    if (!this.#alive) return
    if (this.#turnDelayMs > 0 || this.#waitingInput > 0) this.#wait('input', action)
    else this.#take(action)
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
    for (const { timer } of this.#waiting) this.#scheduler.cancel(timer)
    this.#waiting.clear()
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
    if (this.#turnDelayMs > 0 || this.#waitingInput > 0) this.#wait('deferred', run)
    else this.#scheduler.after(0, () => this.#takeDeferred(run))
    return {
      cancel: () => {
        waits = false
      },
    }
  }

  #setDeviceTimer(delayMs: number, callback: () => void): TimerHandle {
    let waits = true
    const timer = this.#scheduler.after(delayMs, () =>
      this.input(() => {
        if (waits) callback()
      }),
    )
    return {
      cancel: () => {
        waits = false
        this.#scheduler.cancel(timer)
      },
    }
  }

  #take(action: () => void): void {
    if (this.#holdsBack) this.#heldInput.push(action)
    else action()
  }

  #takeDeferred(run: () => void): void {
    if (!this.#alive) return
    if (this.#holdsBack) this.#heldDeferred.push(run)
    else run()
  }

  /** The process is slow: it gets round to this in a while, after all that waits already. */
  #wait(kind: Waiting['kind'], run: () => void): void {
    const dueMs = Math.max(this.#scheduler.nowMs + this.#turnDelayMs, this.#lastDueMs)
    const waiting: Waiting = { kind, run, dueMs, timer: this.#scheduler.at(dueMs, () => this.#getRoundTo(waiting)) }
    this.#lastDueMs = dueMs
    this.#waiting.add(waiting)
    if (kind === 'input') this.#waitingInput++
  }

  #getRoundTo(waiting: Waiting): void {
    this.#waiting.delete(waiting)
    if (waiting.kind === 'deferred') {
      this.#takeDeferred(waiting.run)
      return
    }
    this.#waitingInput--
    this.#take(waiting.run)
  }

  /** What waits is due no later than what comes from now on. */
  #hurry(): void {
    const latestMs = this.#scheduler.nowMs + this.#turnDelayMs
    this.#lastDueMs = Math.min(this.#lastDueMs, latestMs)
    for (const waiting of this.#waiting) {
      if (waiting.dueMs <= latestMs) continue
      this.#scheduler.cancel(waiting.timer)
      waiting.dueMs = latestMs
      waiting.timer = this.#scheduler.at(latestMs, () => this.#getRoundTo(waiting))
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
