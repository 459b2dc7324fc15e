import { DsysError } from '@dsys/runtime'

/** A serialized placement cannot be read (`DSYS_HASHRING_FORMAT`). None was made. */
export class PlacementFormatError extends DsysError {
  constructor(why: string, cause?: unknown) {
    super(`this is not a serialized placement: ${why}`, {
      code: 'DSYS_HASHRING_FORMAT',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Pass the text that serialize() gave, to the parser of its strategy, with the same hash function that it was made with.',
      cause,
    })
  }
}
