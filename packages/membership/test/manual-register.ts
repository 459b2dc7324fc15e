import { type Clock, DsysError, delay, type Random } from '@dsys/runtime'
import type { RegisterCall, SurvivalRegister, SurvivorDecision } from '../src/index.ts'

/** What nobody knows the outcome of, or what certainly did not happen. */
export class RegisterError extends DsysError {
  constructor(outcome: 'unknown' | 'not-applied', retryable = true) {
    super(`the register does not answer (${outcome})`, {
      code: 'DSYS_TEST_REGISTER',
      retryable,
      outcome,
      hint: 'This is a test.',
    })
  }
}

/** How often out of 100 calls something goes wrong, and how long calls take. */
export interface RegisterFaults {
  readonly lostAnswers: number
  readonly lostCalls: number
  readonly maxDelayMs: number
}

/** A linearizable register of one key: each call takes effect at one instant, now or later, also when its caller hears nothing of it. */
export class ManualRegister implements SurvivalRegister {
  faults: RegisterFaults = { lostAnswers: 0, lostCalls: 0, maxDelayMs: 5 }
  /** All that was ever written, in its order. */
  readonly written: SurvivorDecision[] = []
  readonly #clock: Clock
  readonly #random: Random
  readonly #blocked = new Set<string>()

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  /** The register as `id` reaches it. */
  for(id: string): SurvivalRegister {
    const reach = async <T>(call: () => Promise<T>): Promise<T> => {
      if (this.#blocked.has(id)) throw new RegisterError('not-applied')
      return call()
    }
    return {
      get: (key, options) => reach(() => this.get(key, options)),
      create: (key, value, options) => reach(() => this.create(key, value, options)),
      update: (key, value, options) => reach(() => this.update(key, value, options)),
    }
  }

  block(id: string): void {
    this.#blocked.add(id)
  }

  get(
    _key: string,
    { signal }: RegisterCall,
  ): Promise<{ readonly value: SurvivorDecision; readonly revision: number } | undefined> {
    return this.#call(signal, () => {
      const value = this.written.at(-1)
      return value === undefined ? undefined : { value, revision: this.written.length }
    })
  }

  create(_key: string, value: SurvivorDecision, { signal }: RegisterCall): Promise<{ readonly created: boolean }> {
    return this.#call(signal, () => ({ created: this.#write(value, 0) }))
  }

  update(
    _key: string,
    value: SurvivorDecision,
    { revision, signal }: RegisterCall & { readonly revision: number },
  ): Promise<{ readonly updated: boolean }> {
    return this.#call(signal, () => ({ updated: this.#write(value, revision) }))
  }

  #write(value: SurvivorDecision, revision: number): boolean {
    if (revision !== this.written.length) return false
    this.written.push(value)
    return true
  }

  async #call<T>(signal: AbortSignal, effect: () => T): Promise<T> {
    const { lostAnswers, lostCalls, maxDelayMs } = this.faults
    const chance = (): boolean => this.#random.integer(1, 101) <= lostAnswers
    if (this.#random.integer(1, 101) <= lostCalls) throw new RegisterError('not-applied')
    const delayMs = (): number => this.#random.integer(0, maxDelayMs + 1)
    if (chance()) {
      // It may take effect long after its caller has given up.
      if (chance()) throw new RegisterError('unknown')
      this.#clock.setTimer(20 * delayMs(), () => void effect())
      await delay(this.#clock, delayMs(), signal)
      throw new RegisterError('unknown')
    }
    await delay(this.#clock, delayMs(), signal)
    const result = effect()
    await delay(this.#clock, delayMs(), signal)
    return result
  }
}
