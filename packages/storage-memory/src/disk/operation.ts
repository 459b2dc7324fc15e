/** One operation of a `Disk` or of an open file, as it was called. */
export interface DiskOperation {
  readonly type:
    | 'open'
    | 'create'
    | 'read'
    | 'write'
    | 'sync'
    | 'truncate'
    | 'size'
    | 'close'
    | 'list'
    | 'create-directory'
    | 'rename'
    | 'remove'
    | 'sync-directory'
    | 'lock'
    | 'unlock'
  /** The file or folder; of a rename the old name. */
  readonly path: string
  /** Of a rename the new name. */
  readonly to?: string
  /** Of a read or write: where, and how much. */
  readonly position?: number
  readonly bytes?: number
  /** Whether it can change what a crash leaves. A sync does. */
  readonly changes: boolean
  /** Whether it promises that something is durable once it has resolved. */
  readonly durable: boolean
}

/**
 * How an operation ends: it is done; it fails, and leaves what such a failure leaves; power is lost while it is under way, so it
 * has made nothing durable; or, for a write, power is lost when exactly its first `tornAt` bytes are on the disk.
 */
export type DiskOutcome = 'done' | 'failed' | 'cut' | { readonly tornAt: number }

/** Makes an operation happen, at once and in one piece, and gives its result. Throws what the operation throws. */
export type DiskEffect<T> = (outcome: DiskOutcome) => T

/**
 * Stands between a process and its disk: decides when each operation happens, how it ends, and when the process learns of
 * it. It calls `effect` at most once.
 */
export type DiskGate = <T>(operation: DiskOperation, effect: DiskEffect<T>) => Promise<T>

/**
 * The simulated machine lost power, or the process was killed; whoever still uses the disk of that life gets this. Nobody is left to handle it,
 * so it has no code.
 */
export class PowerLossError extends Error {
  constructor() {
    super('the simulated machine lost power')
    this.name = 'PowerLossError'
  }
}

/** An operation of the simulated disk failed, with the `code` that the operating system would give. */
export class DiskFaultError extends Error {
  /** `EIO`: the medium failed; `ENOSPC`: it is full. */
  readonly code: 'EIO' | 'ENOSPC'
  readonly path: string

  constructor(code: 'EIO' | 'ENOSPC', operation: DiskOperation) {
    const what = { EIO: 'i/o error', ENOSPC: 'no space left on device' }[code]
    super(`${code}: ${what}, ${operation.type} '${operation.path}' (simulated)`)
    this.name = 'DiskFaultError'
    this.code = code
    this.path = operation.path
  }
}
