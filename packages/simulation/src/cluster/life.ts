import type { MachineClock } from '../machine-clock.ts'
import { SimProcess } from '../process.ts'
import type { Scheduler } from '../scheduler.ts'
import type { Restore } from '../world.ts'

/** What a {@link SimLife} is made of. */
export interface LifeParts {
  readonly id: string
  readonly generation: number
  readonly impostor: boolean
  readonly diskLost: boolean
  readonly scheduler: Scheduler
  readonly clock: MachineClock
}

/** One life of a node: a process on its machine, from its start until it ends or is ended. */
export class SimLife {
  readonly id: string
  /** 1 for the first process of this machine, and one more for each that follows. */
  readonly generation: number
  /** A second process with the id of a node that runs already, started by mistake. */
  readonly impostor: boolean
  /** An earlier life had another disk, which is lost. */
  readonly diskLost: boolean
  readonly process: SimProcess
  readonly #endHandlers: (() => void)[] = []
  #pauses = 0

  constructor({ id, generation, impostor, diskLost, scheduler, clock }: LifeParts) {
    this.id = id
    this.generation = generation
    this.impostor = impostor
    this.diskLost = diskLost
    this.process = new SimProcess(scheduler, clock)
  }

  get alive(): boolean {
    return this.process.alive
  }

  /** Calls `handler` at the end of this life, in the order of the calls; at once where it is over. */
  onEnd(handler: () => void): void {
    if (this.alive) this.#endHandlers.push(handler)
    else handler()
  }

  /** Nothing of it goes on. Does nothing when it is over. */
  end(): void {
    if (!this.alive) return
    this.process.kill()
    for (const handler of this.#endHandlers) handler()
  }

  /** It does nothing until every pause of it has ended. */
  pause(): Restore {
    this.#pauses++
    this.process.pause()
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.#pauses--
      if (this.#pauses === 0) this.process.resume()
    }
  }
}
