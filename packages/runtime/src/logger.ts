/** How much a log line matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Structured facts of a log line. Never put a secret or a user's data in here. */
export type LogFields = Readonly<Record<string, unknown>>

/** The port for logs. A dsys package never prints; it says what happened to this. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void
  /** A logger that adds `fields` to each of its lines. */
  child(fields: LogFields): Logger
}

/** A logger that drops every line: the default of `systemRuntime`. */
export const silentLogger: Logger = Object.freeze({
  log: (): void => undefined,
  child: (): Logger => silentLogger,
})
