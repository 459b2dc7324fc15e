import { DsysError } from '@dsys/runtime'

/** A write or a sync failed (`DSYS_STORAGE_FAILED`). What the disk holds is unknown, so this storage takes no more writes. */
export class StorageFailedError extends DsysError {
  constructor(what: string, cause: unknown) {
    super(`${what} failed; this storage takes no more writes`, {
      code: 'DSYS_STORAGE_FAILED',
      retryable: false,
      outcome: 'unknown',
      hint: 'Look at the cause (a full or failing disk), mend it, and restart the node: it recovers what is durable.',
      cause,
    })
  }
}

/** Stored data could not be read (`DSYS_STORAGE_READ_FAILED`). Nothing was changed, and the data may be whole. */
export class ReadFailedError extends DsysError {
  constructor(what: string, cause: unknown) {
    super(`${what} failed`, {
      code: 'DSYS_STORAGE_READ_FAILED',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Look at the cause (a failing disk, missing rights) and try again. When it stays, replace this node.',
      cause,
    })
  }
}

/** Stored data is damaged in a way that a crash cannot explain (`DSYS_STORAGE_CORRUPT`). Nothing was changed. */
export class CorruptionError extends DsysError {
  readonly file: string
  readonly offset: number
  /** What is damaged there. */
  readonly what: string

  /** @param hint what to do; by default, to replace the node. */
  constructor(file: string, offset: number, what: string, hint?: string) {
    super(`${file} is damaged at byte ${offset}: ${what}`, {
      code: 'DSYS_STORAGE_CORRUPT',
      retryable: false,
      outcome: 'not-applied',
      hint:
        hint ??
        'Keep a copy of the directory. Replace this node with a new one of another id and an empty directory; the others hold the data.',
    })
    this.file = file
    this.offset = offset
    this.what = what
  }
}

/** The group's log is open already (`DSYS_STORAGE_GROUP_OPEN`). */
export class GroupOpenError extends DsysError {
  readonly group: string

  constructor(group: string) {
    super(`the log of group "${group}" is open already`, {
      code: 'DSYS_STORAGE_GROUP_OPEN',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Dispose the log that is open before you open it again.',
    })
    this.group = group
  }
}

/** A file is not there (`DSYS_STORAGE_FILE_MISSING`). */
export class FileMissingError extends DsysError {
  readonly path: string

  constructor(path: string, cause?: unknown) {
    super(`there is no file ${path}`, {
      code: 'DSYS_STORAGE_FILE_MISSING',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Check the path, or open it with create: true.',
      cause,
    })
    this.path = path
  }
}

/** A file was used after it was closed (`DSYS_STORAGE_FILE_CLOSED`). Nothing was done. */
export class FileClosedError extends DsysError {
  readonly path: string

  /** @param cause where it was closed, as far as the adapter knows. */
  constructor(path: string, operation: string, cause?: unknown) {
    super(`cannot ${operation}: the file ${path} was closed`, {
      code: 'DSYS_STORAGE_FILE_CLOSED',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Open the file again, and close it when nobody needs it any more. The cause, where there is one, says where it was closed.',
      cause,
    })
    this.path = path
  }
}

/** The state in a folder is damaged, or not what it should be (`DSYS_STORAGE_CORRUPT`). Nothing was changed. */
export class StateCorruptionError extends DsysError {
  readonly directory: string
  /** What is damaged there. */
  readonly what: string

  constructor(directory: string, what: string) {
    super(`the state in ${directory} is damaged: ${what}`, {
      code: 'DSYS_STORAGE_CORRUPT',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Keep a copy of the directory. Replace this node with a new one of another id and an empty directory; the others hold the data.',
    })
    this.directory = directory
    this.what = what
  }
}

/** A key, a value or a batch is larger than the state storage takes (`DSYS_STORAGE_TOO_LARGE`). Nothing was written. */
export class StateTooLargeError extends DsysError {
  readonly what: 'key' | 'value' | 'batch'
  readonly bytes: number
  readonly maxBytes: number

  constructor(what: 'key' | 'value' | 'batch', bytes: number, maxBytes: number) {
    super(`a ${what} of ${bytes} bytes is more than the ${maxBytes} that this storage takes`, {
      code: 'DSYS_STORAGE_TOO_LARGE',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Store less under one key, split the batch where it need not be atomic, or raise the limit in the options of the storage.',
    })
    this.what = what
    this.bytes = bytes
    this.maxBytes = maxBytes
  }
}

/** More waits to be written than the state storage takes (`DSYS_STORAGE_OVERLOADED`). Nothing was written. */
export class StateOverloadedError extends DsysError {
  readonly waitingBytes: number
  readonly maxWaitingBytes: number

  constructor(waitingBytes: number, maxWaitingBytes: number) {
    super(`${waitingBytes} bytes wait to be written, and no more than ${maxWaitingBytes} may`, {
      code: 'DSYS_STORAGE_OVERLOADED',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Wait for earlier writes before you make more. When it stays, the disk is slower than what is written.',
    })
    this.waitingBytes = waitingBytes
    this.maxWaitingBytes = maxWaitingBytes
  }
}

/** Another process uses the directory (`DSYS_STORAGE_LOCKED`). */
export class DirectoryLockedError extends DsysError {
  readonly directory: string

  constructor(directory: string, holder: string) {
    super(`${directory} is in use by ${holder}`, {
      code: 'DSYS_STORAGE_LOCKED',
      retryable: true,
      outcome: 'not-applied',
      hint: 'Give each node a directory of its own, and stop the process that holds this one.',
    })
    this.directory = directory
  }
}
