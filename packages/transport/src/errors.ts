import { DsysError } from '@dsys/runtime'

/** A frame is larger than the transport takes (`DSYS_TRANSPORT_FRAME_TOO_LARGE`). Nothing was sent. */
export class FrameTooLargeError extends DsysError {
  readonly frameBytes: number
  readonly maxFrameBytes: number

  constructor(frameBytes: number, maxFrameBytes: number) {
    super(`a frame of ${frameBytes} bytes is over the limit of ${maxFrameBytes}`, {
      code: 'DSYS_TRANSPORT_FRAME_TOO_LARGE',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Send less at a time, or raise the limit of the transport (with NATS: max_payload of the server).',
    })
    this.frameBytes = frameBytes
    this.maxFrameBytes = maxFrameBytes
  }
}

/** This transport cannot broadcast (`DSYS_TRANSPORT_NO_BROADCAST`). Nothing was sent. */
export class BroadcastUnsupportedError extends DsysError {
  constructor() {
    super('this transport cannot broadcast', {
      code: 'DSYS_TRANSPORT_NO_BROADCAST',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Look at capabilities.broadcast first, or send to each known node.',
    })
  }
}

/** Another part listens on this channel already (`DSYS_TRANSPORT_CHANNEL_TAKEN`). */
export class ChannelTakenError extends DsysError {
  readonly channel: string

  constructor(channel: string) {
    super(`channel "${channel}" has a handler already`, {
      code: 'DSYS_TRANSPORT_CHANNEL_TAKEN',
      retryable: false,
      outcome: 'not-applied',
      hint: 'Give each protocol a channel of its own, and end the earlier handler before you set the next.',
    })
    this.channel = channel
  }
}
