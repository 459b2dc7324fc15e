/** The command was not called as it can be; the message says how, for the one who called it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  /** True when help was asked for, and `message` is the help. */
  readonly help: boolean

  constructor(message: string, help = false) {
    super(message)
    this.help = help
  }
}
