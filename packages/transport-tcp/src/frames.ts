import { MalformedError } from '@dsys/runtime/bytes'

/**
 * What travels on a connection: a header of eight bytes, the name of the channel, the payload.
 *
 *     0      mark 0xD5
 *     1      type
 *     2      bytes of the channel's name; 0 in frames without one
 *     3      0, reserved
 *     4..7   bytes of the payload, the highest first
 *
 * The mark is no checksum: it makes bytes of another protocol fail at once instead of being waited for.
 */
export const FRAME: {
  readonly data: 1
  readonly ping: 2
  readonly pong: 3
  readonly bye: 4
  readonly hello: 16
  readonly welcome: 17
  readonly confirm: 18
  readonly ready: 19
  readonly refuse: 20
} = Object.freeze({ data: 1, ping: 2, pong: 3, bye: 4, hello: 16, welcome: 17, confirm: 18, ready: 19, refuse: 20 })

export type FrameType = (typeof FRAME)[keyof typeof FRAME]

export const HEADER_BYTES = 8
const MARK = 0xd5
const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(FRAME))

/** Takes one frame. The payload belongs to it. */
export type FrameSink = (type: FrameType, channel: string, payload: Uint8Array) => void

/** Payloads up to this size are copied into one block that is written at once; larger ones are written from where they are. */
const MAX_COPIED_BYTES = 16_384

/** A frame on its way out. */
export interface OutgoingFrame {
  readonly channel: string
  readonly frame: Uint8Array
}

function putHeader(target: Buffer, at: number, type: FrameType, channel: string, payloadBytes: number): number {
  target[at] = MARK
  target[at + 1] = type
  target[at + 2] = channel.length
  target[at + 3] = 0
  target.writeUInt32BE(payloadBytes, at + 4)
  // Channels are a-z, 0-9 and "-": one byte a letter.
  for (let i = 0; i < channel.length; i++) target[at + HEADER_BYTES + i] = channel.charCodeAt(i)
  return at + HEADER_BYTES + channel.length
}

/** One frame that is no data. */
export function encodeControl(type: FrameType, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.byteLength)
  bytes.set(payload, putHeader(bytes, 0, type, '', payload.byteLength))
  return bytes
}

/** `frames` as blocks to write, in their order; most often that is one. */
export function encodeData(frames: readonly OutgoingFrame[]): Uint8Array[] {
  let copiedBytes = 0
  for (const { channel, frame } of frames) {
    copiedBytes += HEADER_BYTES + channel.length + (frame.byteLength <= MAX_COPIED_BYTES ? frame.byteLength : 0)
  }
  const block = Buffer.allocUnsafe(copiedBytes)
  const blocks: Uint8Array[] = []
  let start = 0
  let at = 0
  for (const { channel, frame } of frames) {
    at = putHeader(block, at, FRAME.data, channel, frame.byteLength)
    if (frame.byteLength <= MAX_COPIED_BYTES) {
      block.set(frame, at)
      at += frame.byteLength
    } else {
      blocks.push(block.subarray(start, at), frame)
      start = at
    }
  }
  if (at > start) blocks.push(start === 0 ? block : block.subarray(start, at))
  return blocks
}

/**
 * Finds the frames in what a socket gives. It holds at most one frame that is not whole yet, for which it takes memory once
 * the header is there and was found to be legal, so a length from a hostile peer allocates nothing beyond the limit.
 */
export class FrameReader {
  readonly #sink: FrameSink
  #maxPayloadBytes: number
  /** A header that is not whole yet. */
  readonly #head: Buffer = Buffer.alloc(HEADER_BYTES)
  #headBytes = 0
  /** A frame that is not whole yet, header and all. */
  #frame: Buffer | undefined
  #frameBytes = 0
  #stopped = false

  constructor(maxPayloadBytes: number, sink: FrameSink) {
    this.#maxPayloadBytes = maxPayloadBytes
    this.#sink = sink
  }

  /** Before a peer has proved itself its frames are small; afterwards it may send more. */
  setLimit(maxPayloadBytes: number): void {
    this.#maxPayloadBytes = maxPayloadBytes
  }

  /** Nothing is given to the sink any more, not even the rest of what is being read. */
  stop(): void {
    this.#stopped = true
    this.#frame = undefined
  }

  /** Takes what came in; `chunk` belongs to the reader from then on. Throws {@link MalformedError}: the rest cannot be read. */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && !this.#stopped) {
      if (this.#frame !== undefined) at = this.#fill(this.#frame, chunk, at)
      else if (this.#headBytes > 0 || chunk.length - at < HEADER_BYTES) at = this.#fillHead(chunk, at)
      else at = this.#readFrame(chunk, at)
    }
  }

  /** The bytes of a frame, header and all. */
  #lengthOf(bytes: Buffer, at: number): number {
    const type = bytes[at + 1] as number
    if (bytes[at] !== MARK || bytes[at + 3] !== 0 || !KNOWN_TYPES.has(type)) {
      throw new MalformedError('what came in is no frame of dsys')
    }
    const payloadBytes = bytes.readUInt32BE(at + 4)
    if (payloadBytes > this.#maxPayloadBytes) {
      throw new MalformedError(`a frame of ${payloadBytes} bytes is over the limit of ${this.#maxPayloadBytes}`)
    }
    return HEADER_BYTES + (bytes[at + 2] as number) + payloadBytes
  }

  /** A frame begins at `at`, with its whole header. */
  #readFrame(chunk: Buffer, at: number): number {
    const length = this.#lengthOf(chunk, at)
    if (chunk.length - at >= length) {
      this.#give(chunk, at, length)
      return at + length
    }
    // Of its own memory, not from a block that others share: it is handed over as it is.
    this.#frame = Buffer.allocUnsafeSlow(length)
    this.#frameBytes = chunk.copy(this.#frame, 0, at)
    return chunk.length
  }

  #fillHead(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#head, this.#headBytes, at, at + HEADER_BYTES - this.#headBytes)
    this.#headBytes += copied
    if (this.#headBytes < HEADER_BYTES) return at + copied
    const length = this.#lengthOf(this.#head, 0)
    this.#headBytes = 0
    this.#frame = Buffer.allocUnsafeSlow(length)
    this.#frameBytes = this.#head.copy(this.#frame)
    if (length === HEADER_BYTES) this.#giveWhole(this.#frame)
    return at + copied
  }

  #fill(frame: Buffer, chunk: Buffer, at: number): number {
    const copied = chunk.copy(frame, this.#frameBytes, at)
    this.#frameBytes += copied
    if (this.#frameBytes === frame.length) this.#giveWhole(frame)
    return at + copied
  }

  #giveWhole(frame: Buffer): void {
    this.#frame = undefined
    this.#give(frame, 0, frame.length)
  }

  #give(bytes: Buffer, at: number, length: number): void {
    const nameBytes = bytes[at + 2] as number
    const channel = nameBytes === 0 ? '' : bytes.toString('latin1', at + HEADER_BYTES, at + HEADER_BYTES + nameBytes)
    const start = at + HEADER_BYTES + nameBytes
    this.#sink(bytes[at + 1] as FrameType, channel, toOwnFrame(bytes, start, length - HEADER_BYTES - nameBytes))
  }
}

/**
 * Every read of a socket has memory of its own. A small frame is copied out of it, so that whoever keeps it keeps no more
 * than twice its bytes; a large one is most of what was read, and is handed over where it lies.
 */
function toOwnFrame(bytes: Buffer, start: number, length: number): Uint8Array {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset + start, length)
  return length * 2 < bytes.buffer.byteLength ? new Uint8Array(view) : view
}
