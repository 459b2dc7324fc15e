import { InvariantError } from '@dsys/runtime'
import { BrokenPromise, type Violation } from '@dsys/simulation'

/** What a run says of an error that ended it: a broken promise, a broken invariant of the core, or anything that no core may throw. */
export function violationOf(error: unknown, atMs: number): Violation {
  if (error instanceof BrokenPromise) return { rule: error.rule, message: error.message, atMs }
  if (error instanceof Error) {
    const rule = error instanceof InvariantError ? 'invariant of the core' : 'no exception'
    return { rule, message: error.message, atMs }
  }
  throw error
}
