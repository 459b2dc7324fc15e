import type { SurvivalRegister, SurvivorDecision } from '@dsys/membership'
import type { Random } from '@dsys/runtime'
import type { Scheduler, SimLife } from '@dsys/simulation'

const MAX_DELAY_MS = 50

/** A linearizable register of one key that every side of a split reaches: each call takes effect at one instant, and its answer waits while its process is paused. */
export class SurvivorRegister {
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #stirred: () => void
  #entry: { readonly value: SurvivorDecision; readonly revision: number } | undefined
  #revision = 0

  /** @param stirred is called where promises may have become ready. */
  constructor(scheduler: Scheduler, random: Random, stirred: () => void) {
    this.#scheduler = scheduler
    this.#random = random
    this.#stirred = stirred
  }

  /** What stands, as nobody in the simulation can see it. */
  get last(): SurvivorDecision | undefined {
    return this.#entry?.value
  }

  /** Whoever operates the cluster knows that all who are named are gone for good. */
  clear(): void {
    this.#entry = undefined
  }

  /** The register as the process of `life` reaches it. */
  for(life: SimLife): SurvivalRegister {
    return {
      get: () => this.#call(life, () => this.#entry),
      create: (_key, value) => this.#call(life, () => ({ created: this.#write(value, undefined) })),
      update: (_key, value, { revision }) => this.#call(life, () => ({ updated: this.#write(value, revision) })),
    }
  }

  #write(value: SurvivorDecision, revision: number | undefined): boolean {
    if (this.#entry?.revision !== revision) return false
    this.#revision += 1
    this.#entry = { value, revision: this.#revision }
    return true
  }

  #call<T>(life: SimLife, effect: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#after(() => {
        const result = effect()
        this.#after(() =>
          life.process.input(() => {
            resolve(result)
            this.#stirred()
          }),
        )
      })
    })
  }

  #after(run: () => void): void {
    this.#scheduler.after(this.#random.float() * MAX_DELAY_MS, run)
  }
}
