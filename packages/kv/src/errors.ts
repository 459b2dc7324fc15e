import { DsysError } from '@dsys/runtime'

/** A key is empty, too long, or text that UTF-8 cannot carry (`DSYS_KV_KEY_INVALID`). Nothing was done. */
export class KeyInvalidError extends DsysError {
  constructor(why: string, maxKeyBytes: number) {
    super(`the key is not valid: ${why}`, {
      code: 'DSYS_KV_KEY_INVALID',
      retryable: false,
      outcome: 'not-applied',
      hint: `A key is 1 to ${maxKeyBytes} bytes: any bytes, or well-formed text, which is taken as UTF-8.`,
    })
  }
}

/** An encoded value is over the limit (`DSYS_KV_VALUE_TOO_LARGE`). Nothing was done. */
export class ValueTooLargeError extends DsysError {
  readonly valueBytes: number
  readonly maxValueBytes: number

  constructor(valueBytes: number, maxValueBytes: number) {
    super(`a value of ${valueBytes} bytes is over the limit of ${maxValueBytes}`, {
      code: 'DSYS_KV_VALUE_TOO_LARGE',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Split the value, keep it elsewhere and store its address, or raise maxValueBytes on every node.',
    })
    this.valueBytes = valueBytes
    this.maxValueBytes = maxValueBytes
  }
}

/** No keyspace of this name is declared on this node (`DSYS_KV_KEYSPACE_UNKNOWN`). Nothing was done. */
export class KeyspaceUnknownError extends DsysError {
  readonly keyspace: string

  constructor(keyspace: string, declared: readonly string[]) {
    super(`there is no keyspace ${JSON.stringify(keyspace)}`, {
      code: 'DSYS_KV_KEYSPACE_UNKNOWN',
      retryable: false,
      outcome: 'not-applied',
      hint: `Use one that is declared (${declared.join(', ')}), or declare it in the options of every node.`,
    })
    this.keyspace = keyspace
  }
}

/** Encoded data cannot be read by this release (`DSYS_KV_FORMAT`). A node that meets it in its log stops. */
export class FormatError extends DsysError {
  constructor(what: string, why: string) {
    super(`${what} cannot be read: ${why}`, {
      code: 'DSYS_KV_FORMAT',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Run the same release, or a newer one, on every node; an older one cannot read what a newer one wrote.',
    })
  }
}

/** A context is damaged, or was read of another key (`DSYS_KV_CONTEXT_INVALID`). Nothing was done. */
export class ContextInvalidError extends DsysError {
  constructor(why: string) {
    super(`the context cannot be used: ${why}`, {
      code: 'DSYS_KV_CONTEXT_INVALID',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Pass the context as the last read of this very key gave it, whole and unchanged; if it is lost, read the key again.',
    })
  }
}
