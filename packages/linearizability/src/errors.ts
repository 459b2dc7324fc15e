/** What became of the call that threw. A check changes nothing, so here it is always `not-applied`. */
export type HistoryErrorOutcome = 'not-applied'

/** What a {@link HistoryError} is made of. */
export interface HistoryErrorDetails {
  readonly code: string
  readonly hint: string
  /** The line of the text, from 1; `undefined` when the history did not come from a text. */
  readonly line?: number | undefined
  readonly cause?: unknown
}

/**
 * The base of the errors about histories that cannot be judged. It has the fields of every error of dsys, without depending on
 * their package: a checker must not share code with what it checks.
 */
export abstract class HistoryError extends Error {
  readonly code: string
  readonly retryable: boolean = false
  readonly outcome: HistoryErrorOutcome = 'not-applied'
  readonly hint: string
  readonly line: number | undefined

  constructor(message: string, details: HistoryErrorDetails) {
    super(
      details.line === undefined ? message : `line ${details.line}: ${message}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    this.name = new.target.name
    this.code = details.code
    this.hint = details.hint
    this.line = details.line
  }

  /** The fields that are a contract, for a wire or a log. */
  toJSON(): { code: string; message: string; hint: string; retryable: boolean; outcome: HistoryErrorOutcome } {
    const { code, message, hint, retryable, outcome } = this
    return { code, message, hint, retryable, outcome }
  }
}

/** A line of a history is not what HISTORY-FORMAT.md says (`DSYS_HISTORY_FORMAT`). Nothing was judged. */
export class HistoryFormatError extends HistoryError {
  constructor(why: string, line: number, cause?: unknown) {
    super(why, {
      code: 'DSYS_HISTORY_FORMAT',
      hint: 'Write the history with formatHistory(), or as HISTORY-FORMAT.md of the package describes it.',
      line,
      cause,
    })
  }
}

/**
 * The events of a history contradict each other (`DSYS_HISTORY_ORDER`): an operation ends that was never begun, ends twice, or two
 * have one number. Nothing was judged.
 */
export class HistoryOrderError extends HistoryError {
  constructor(why: string, line: number | undefined) {
    super(why, {
      code: 'DSYS_HISTORY_ORDER',
      hint: 'Give each operation a number of its own, one invoke, and after it at most one of ok, fail and unknown.',
      line,
    })
  }
}

/** An operation is none of those that the model knows, or its output cannot be one of that operation (`DSYS_HISTORY_MODEL`). */
export class HistoryModelError extends HistoryError {
  /** The number of the operation. */
  readonly operation: number

  constructor(
    why: string,
    details: { readonly model: string; readonly operation: number; readonly line: number | undefined },
  ) {
    super(`operation ${details.operation} is not one of the model ${details.model}: ${why}`, {
      code: 'DSYS_HISTORY_MODEL',
      hint: 'Choose the model that fits the history, or record inputs and outputs in the form that the model documents.',
      line: details.line,
    })
    this.operation = details.operation
  }
}
