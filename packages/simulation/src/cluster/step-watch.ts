import { drainMicrotasks } from '@dsys/runtime'
import type { Scheduler, Turns } from '../scheduler.ts'
import { RealWorldError, UnhandledRejectionError } from './errors.ts'
import { type RealCall, standBefore } from './real-calls.ts'
import { afterMicrotasks, onUnhandledRejection } from './real-world.ts'

/**
 * Deviation: module state, since what it is about there is once in a thread: its globals, and which simulation is at work in it.
 */
const thread: {
  /** The simulation whose step, or a promise that it made ready, runs right now. */
  current: StepWatch | undefined
  /** The one that was at work last, until it is at rest: nothing tells in which step of the process a rejection was made. */
  last: StepWatch | undefined
  guards: number
  moves: number
  endGuard: () => void
  endListening: () => void
} = {
  current: undefined,
  last: undefined,
  guards: 0,
  moves: 0,
  endGuard: () => undefined,
  endListening: () => undefined,
}

/**
 * Watches over the steps of one simulation: which part of what happens in this thread is its own, and what of that touches the real
 * world or fails with nobody to see it.
 *
 * A window is open while a step runs, and until no promise is ready any more; then nothing of the simulation can run before the next
 * step. What a test runner, another test or another cluster does is outside of it.
 */
export class StepWatch implements Turns {
  readonly #scheduler: Scheduler
  readonly #strict: boolean
  #guards = false
  #broken: Error | undefined

  /** @param strict whether the time and the chance of the process are guarded. */
  constructor(scheduler: Scheduler, strict: boolean) {
    this.#scheduler = scheduler
    this.#strict = strict
  }

  /** Puts the guards up. They do nothing while no window is open. */
  begin(): void {
    if (!this.#strict || this.#guards) return
    this.#guards = true
    if (thread.guards++ === 0) thread.endGuard = standBefore((call, before) => thread.current?.told(call, before))
  }

  /** Takes the guards down, where no other simulation needs them. */
  end(): void {
    if (!this.#guards) return
    this.#guards = false
    if (--thread.guards === 0) thread.endGuard()
  }

  /** Whether something has come up that {@link StepWatch.during} will throw. */
  get broken(): boolean {
    return this.#broken !== undefined
  }

  /** Moves time by `move`, and throws what came up meanwhile. */
  async during(move: () => Promise<void>): Promise<void> {
    if (thread.moves++ === 0) thread.endListening = onUnhandledRejection(rejected)
    try {
      await move()
    } catch (error) {
      // What was found first is the reason for the rest.
      throw this.#broken ?? error
    } finally {
      if (--thread.moves === 0) thread.endListening()
      if (thread.last === this) thread.last = undefined
    }
    const broken = this.#broken
    this.#broken = undefined
    if (broken !== undefined) throw broken
  }

  drain(): Promise<void> {
    return outside(drainMicrotasks)
  }

  async take(step: () => void): Promise<void> {
    thread.current = this
    thread.last = this
    try {
      step()
    } finally {
      thread.current = undefined
    }
    const drained = outside(drainMicrotasks)
    thread.current = this
    afterMicrotasks(() => {
      if (thread.current === this) thread.current = undefined
    })
    await drained
    if (thread.last === this) thread.last = undefined
  }

  /** A guarded function is called in a window of this simulation. */
  told(call: RealCall, before: unknown): void {
    if (!this.#strict || this.#broken !== undefined) return
    const error = new RealWorldError(call, this.#scheduler.actor)
    Error.captureStackTrace(error, before as () => unknown)
    this.#broken = error
  }

  /** Nobody handles a rejection of this simulation. */
  rejected(reason: unknown): void {
    this.#broken ??= new UnhandledRejectionError(reason, this.#scheduler.actor)
  }
}

/** What the simulations themselves need of the real world: another one may be in the middle of a step. */
export function outside<T>(action: () => T): T {
  const { current } = thread
  thread.current = undefined
  try {
    return action()
  } finally {
    thread.current = current
  }
}

function rejected(reason: unknown, isAlone: boolean): void {
  if (thread.last !== undefined) thread.last.rejected(reason)
  // It is of no simulation, and without this listener the process would have ended over it.
  else if (isAlone) throw reason
}
