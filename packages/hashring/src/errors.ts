import { DsysError } from '@dsys/runtime'

/** A serialized ring cannot be read (`DSYS_HASHRING_FORMAT`). No ring was made. */
export class RingFormatError extends DsysError {
  constructor(why: string, cause?: unknown) {
    super(`this is not a serialized ring: ${why}`, {
      code: 'DSYS_HASHRING_FORMAT',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Pass the text that serialize() gave, and the same hash function that the ring was made with.',
      cause,
    })
  }
}
