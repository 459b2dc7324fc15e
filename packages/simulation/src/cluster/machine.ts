import { MachineClock, type MachineClockOptions } from '../machine-clock.ts'
import type { Scheduler } from '../scheduler.ts'
import type { Trace } from '../trace.ts'
import type { CrashFate, FaultyDisk, FaultyNode, Restore } from '../world.ts'
import { SimLife } from './life.ts'
import type { MachineDisk } from './machine-disk.ts'

/** What runs on a machine. */
export interface MachineProgram {
  /** A life begins: makes its parts over `life.process` and starts them. Runs inside the life's first step. */
  start(life: SimLife): void
}

/** What a {@link SimMachine} is made of. */
export interface MachineParts {
  readonly id: string
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly program: MachineProgram
  readonly disk?: MachineDisk
}

/** Options of a {@link SimMachine}. */
export interface MachineOptions {
  readonly clock?: MachineClockOptions
  /** Whether faults may start a second process with the same id. Default false. */
  readonly impostors?: boolean
  /** Whether a machine that has lost its disk starts again with an empty one. Default false: it is gone for good. */
  readonly restartsEmpty?: boolean
}

/**
 * A machine with its clock, its disk, and one process on it at a time; a later one finds what the disk kept. Everything that
 * a fault can do to a node happens here.
 */
export class SimMachine implements FaultyNode {
  readonly id: string
  readonly clock: MachineClock
  /** A second process with the same id starts; absent unless {@link MachineOptions.impostors}. */
  readonly impostor?: () => Restore
  readonly disk?: FaultyDisk
  readonly #parts: MachineParts
  readonly #options: MachineOptions
  readonly #rate: number
  readonly #drifts: { readonly rate: number }[] = []
  readonly #slownesses: { readonly turnDelayMs: number }[] = []
  #generation = 0
  #life: SimLife | undefined
  #impostors: SimLife[] = []
  #lost = false
  #diskLost = false

  constructor(parts: MachineParts, options: MachineOptions = {}) {
    this.#parts = parts
    this.#options = options
    this.id = parts.id
    this.clock = new MachineClock(() => parts.scheduler.nowMs, options.clock)
    this.#rate = this.clock.rate
    if (options.impostors === true) this.impostor = () => this.#startImpostor()
    const faults = parts.disk?.faults
    if (faults !== undefined) this.disk = faults
  }

  /** The life that runs, perhaps paused. */
  get life(): SimLife | undefined {
    return this.#life?.alive ? this.#life : undefined
  }

  get running(): boolean {
    return this.life !== undefined
  }

  /** It is gone for good: nothing starts here any more. */
  get lost(): boolean {
    return this.#lost
  }

  /** Starts a life, unless one runs or the machine is gone for good. */
  restart(): void {
    if (this.running || this.#lost) return
    this.#life = this.#begin(false)
  }

  /**
   * Every process on it ends, between two steps or in the middle of one, and the disk keeps what `fate` says. Where none runs,
   * a loss of power still takes from the disk what the last process had not synced, and a lost disk is lost.
   */
  crash(fate: CrashFate): void {
    const lives = this.#lives()
    const isKill = fate.unsynced === 'kept' && fate.disk === 'kept'
    if (lives.length === 0 && isKill) return
    if (lives.length > 0) this.#note('crash', this.#generation)
    this.#life = undefined
    this.#impostors = []
    for (const life of lives) life.end()
    if (fate.disk === 'lost') {
      this.#diskLost = true
      if (this.#options.restartsEmpty !== true) this.#lost = true
    }
    this.#parts.disk?.crash(fate)
  }

  /** The disk is replaced by an empty one. Every process on it ends, as by a loss of power; then it can start again. */
  replaceDisk(): void {
    if (!this.#lost) this.crash({ unsynced: 'lost', disk: 'lost' })
    this.#lost = false
  }

  /** Every process on it ends, and nothing is noted or done besides. */
  end(): void {
    for (const life of this.#lives()) life.end()
  }

  /** Writes this machine off: every process on it ends, and nothing starts on it any more. */
  lose(): void {
    this.#lost = true
    this.crash({ unsynced: 'lost', disk: 'lost' })
  }

  /** The process that runs now does nothing until the end of this pause. A process that is started meanwhile is not paused. */
  pause(): Restore {
    const { life } = this
    if (life === undefined) return () => undefined
    this.#note('pause', life.generation)
    const resume = life.pause()
    return () => {
      this.#note('resume', life.generation)
      resume()
    }
  }

  slow(turnDelayMs: number): Restore {
    const slowness = { turnDelayMs }
    return this.#while(this.#slownesses, slowness, () => this.#applySlowness())
  }

  jumpWall(ms: number): void {
    this.#note('wall-jump', ms)
    this.clock.jumpWall(ms)
  }

  jumpForward(ms: number): void {
    this.#note('clock-jump', ms)
    this.clock.jumpForward(ms)
    this.#rearm()
  }

  drift(rate: number): Restore {
    return this.#while(this.#drifts, { rate }, () => {
      this.clock.setRate(this.#drifts.at(-1)?.rate ?? this.#rate)
      this.#rearm()
    })
  }

  #begin(impostor: boolean): SimLife {
    const { id, scheduler, program } = this.#parts
    const [generation, diskLost] = [++this.#generation, this.#diskLost]
    const life = new SimLife({ id, generation, impostor, diskLost, scheduler, clock: this.clock })
    this.#note(impostor ? 'impostor' : 'start', life.generation)
    life.onEnd(() => this.#ended(life))
    scheduler.after(0, () => life.process.input(() => program.start(life)))
    this.#applySlowness(life)
    return life
  }

  #ended(life: SimLife): void {
    this.#note('end', life.generation)
    if (this.#life !== life) return
    // It ended by itself, as a process that exits: the machine goes on, and keeps what was written.
    this.#life = undefined
    this.#parts.disk?.crash({ unsynced: 'kept', disk: 'kept' })
  }

  #startImpostor(): Restore {
    if (!this.running) return () => undefined
    const life = this.#begin(true)
    this.#impostors.push(life)
    return () => {
      life.end()
      this.#impostors = this.#impostors.filter((other) => other !== life)
    }
  }

  /** `item` is in `list` until the end; `apply` after each change. */
  #while<T>(list: T[], item: T, apply: () => void): Restore {
    list.push(item)
    apply()
    let ended = false
    return () => {
      if (ended) return
      ended = true
      list.splice(list.indexOf(item), 1)
      apply()
    }
  }

  #applySlowness(begun?: SimLife): void {
    const turnDelayMs = Math.max(0, ...this.#slownesses.map((slowness) => slowness.turnDelayMs))
    for (const life of begun === undefined ? this.#lives() : [begun]) life.process.turnDelayMs = turnDelayMs
  }

  #rearm(): void {
    for (const { process } of this.#lives()) process.rearm()
  }

  #lives(): SimLife[] {
    return [...(this.#life === undefined ? [] : [this.#life]), ...this.#impostors].filter(({ alive }) => alive)
  }

  #note(what: string, number: number): void {
    this.#parts.trace.add(this.#parts.scheduler.nowMs, this.id, what, '', number)
  }
}
