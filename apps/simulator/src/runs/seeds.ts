import type { Random } from '@dsys/runtime'
import type { Job } from './job.ts'

/** Seeds count in their low 32 bits; a fresh range begins well below the end of them. */
const MAX_FIRST = 2 ** 31

/** Where a range of seeds begins that nobody has chosen. */
export function freshSeed(random: Random): number {
  return random.integer(1, MAX_FIRST)
}

/** The seeds from `first` on, each for every scenario before the next one, so a run that is cut short has treated all alike. */
export function* jobsFrom(scenarios: readonly string[], first: number, seeds: number): Generator<Job, undefined> {
  for (let i = 0; i < seeds; i++) {
    for (const scenario of scenarios) yield { scenario, seed: first + i }
  }
  return undefined
}
