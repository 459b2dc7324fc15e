import { DsysError } from '@dsys/runtime'

/** The metadata of a node is over the limit (`DSYS_MEMBERSHIP_METADATA_TOO_LARGE`). Nothing was changed. */
export class MetadataTooLargeError extends DsysError {
  readonly metadataBytes: number
  readonly maxMetadataBytes: number

  constructor(metadataBytes: number, maxMetadataBytes: number) {
    super(`metadata of ${metadataBytes} bytes is over the limit of ${maxMetadataBytes}`, {
      code: 'DSYS_MEMBERSHIP_METADATA_TOO_LARGE',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Metadata rides on every piece of news about a node: keep addresses and zones in it, and put the rest elsewhere.',
    })
    this.metadataBytes = metadataBytes
    this.maxMetadataBytes = maxMetadataBytes
  }
}

/** The transport takes only small frames (`DSYS_MEMBERSHIP_FRAME_TOO_SMALL`). The membership was not started. */
export class TransportFrameTooSmallError extends DsysError {
  constructor(maxFrameBytes: number, neededBytes: number) {
    super(`the transport takes frames of ${maxFrameBytes} bytes; membership needs ${neededBytes}`, {
      code: 'DSYS_MEMBERSHIP_FRAME_TOO_SMALL',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Raise the limit of the transport (with NATS: max_payload of the server).',
    })
  }
}
