/** The command line or the environment does not describe a node. The message says every problem, for the one who started it. */
export class ConfigError extends Error {
  /** True when help was asked for, and `message` is the help. */
  readonly help: boolean

  constructor(message: string, help = false) {
    super(message)
    this.name = 'ConfigError'
    this.help = help
  }
}
