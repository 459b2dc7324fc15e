/**
 * What became of an operation that threw: it took effect, it did not and never will, or nobody can say.
 *
 * After `unknown` the operation may have taken effect already, or may still do so later.
 */
export type Outcome = 'applied' | 'not-applied' | 'unknown'

/** What a {@link DsysError} is made of. */
export interface DsysErrorDetails {
  /** The stable name of the condition, for instance `DSYS_RAFT_NO_LEADER`: a contract, also on the wire. */
  readonly code: string
  /** Whether the same call may succeed when it is made again. */
  readonly retryable: boolean
  readonly outcome: Outcome
  /** What the reader can do about it, in a sentence. */
  readonly hint: string
  readonly cause?: unknown
}

/**
 * The base of every error that a dsys package throws for a condition outside the caller's control. Misuse is a
 * `TypeError` or a `RangeError` instead.
 */
export abstract class DsysError extends Error {
  readonly code: string
  readonly retryable: boolean
  readonly outcome: Outcome
  readonly hint: string

  constructor(message: string, details: DsysErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = details.code
    this.retryable = details.retryable
    this.outcome = details.outcome
    this.hint = details.hint
  }

  /** The fields that are a contract, for a wire or a log. */
  toJSON(): { code: string; message: string; hint: string; retryable: boolean; outcome: Outcome } {
    const { code, message, hint, retryable, outcome } = this
    return { code, message, hint, retryable, outcome }
  }
}

/**
 * A broken invariant of dsys itself (`DSYS_INVARIANT`). The part that throws it stops: going on could harm data.
 * Please report it with the message.
 */
export class InvariantError extends DsysError {
  constructor(message: string, cause?: unknown) {
    super(message, {
      code: 'DSYS_INVARIANT',
      retryable: false,
      outcome: 'unknown',
      hint: 'This is a defect in dsys. Restart the node, keep its data directory, and report the message.',
      cause,
    })
  }
}

/** Throws {@link InvariantError} unless `condition` holds. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

/** A part was used before it was started or after it was stopped (`DSYS_NOT_RUNNING`). Nothing was done. */
export class NotRunningError extends DsysError {
  constructor(part: string, state: string) {
    super(`${part} is not running (it is ${state})`, {
      code: 'DSYS_NOT_RUNNING',
      retryable: false,
      outcome: 'not-applied',
      hint: `Await start() before using ${part}, and do not use it after stop().`,
    })
  }
}
