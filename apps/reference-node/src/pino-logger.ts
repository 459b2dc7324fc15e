import type { LogFields, Logger, LogLevel } from '@dsys/runtime'
import pino from 'pino'

/** The Logger port over pino: JSON lines to standard error, written at once, so that a crash loses none. */
export function pinoLogger(level: LogLevel | 'silent', fields: LogFields): Logger {
  const destination = pino.destination({ dest: 2, sync: true })
  const root = pino({ level, base: { ...fields }, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  return over(root)
}

function over(line: pino.Logger): Logger {
  return {
    log: (level, message, fields) => line[level](withError(fields), message),
    child: (fields) => over(line.child({ ...fields })),
  }
}

/** pino writes an error with its stack and cause under the name `err` only. */
function withError(fields: LogFields = {}): Record<string, unknown> {
  const { error, ...rest } = fields
  return error === undefined ? rest : { ...rest, err: error }
}
