/** What went wrong in the wiring of a node. */
export type WiringErrorCode = 'DSYS_DI_MISSING' | 'DSYS_DI_CYCLE' | 'DSYS_DI_STATE'

/** The parts of a node do not fit together: a programming error in the composition root, found before anything starts. */
export class WiringError extends Error {
  readonly code: WiringErrorCode
  readonly retryable = false
  readonly outcome = 'not-applied'
  readonly hint: string
  /** The names of the tokens that were being built, outermost first. */
  readonly path: readonly string[]

  constructor(code: WiringErrorCode, message: string, hint: string, path: readonly string[]) {
    super(message)
    this.name = 'WiringError'
    this.code = code
    this.hint = hint
    this.path = path
  }
}
