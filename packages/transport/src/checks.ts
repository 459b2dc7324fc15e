import { FrameTooLargeError } from './errors.ts'
import type { PeerAddress } from './port.ts'

const MAX_ID_CHARACTERS = 128
const CHANNEL = /^[a-z0-9-]{1,64}$/
const LONE_SURROGATE = /\p{Surrogate}/u

/** Throws RangeError unless `id` is a legal node id: 1 to 128 characters, which UTF-8 can carry. */
export function assertNodeId(id: string): void {
  if (typeof id !== 'string' || id.length === 0 || id.length > MAX_ID_CHARACTERS || LONE_SURROGATE.test(id)) {
    throw new RangeError(
      `a node id is 1 to ${MAX_ID_CHARACTERS} characters of valid Unicode, got ${JSON.stringify(id)}`,
    )
  }
}

/** Throws RangeError unless `generation` is a whole number, 1 or more. */
export function assertGeneration(generation: number): void {
  if (!Number.isSafeInteger(generation) || generation < 1) {
    throw new RangeError(`a generation is a whole number, 1 or more, got ${generation}`)
  }
}

/** Throws RangeError unless both parts of `address` are legal. */
export function assertPeerAddress(address: PeerAddress): void {
  assertNodeId(address.id)
  assertGeneration(address.generation)
}

/** Throws RangeError unless `channel` is 1 to 64 characters of `a-z 0-9 -`. */
export function assertChannel(channel: string): void {
  if (!CHANNEL.test(channel)) {
    throw new RangeError(`a channel is 1 to 64 characters of a-z, 0-9 and "-", got ${JSON.stringify(channel)}`)
  }
}

/** Throws RangeError unless `tag` is a whole number, 0 or more. */
export function assertTag(tag: number): void {
  if (!Number.isSafeInteger(tag) || tag < 0) {
    throw new RangeError(`the tag of a frame is a whole number, 0 or more, got ${tag}`)
  }
}

/** Throws FrameTooLargeError (`DSYS_TRANSPORT_FRAME_TOO_LARGE`) when `frame` is over the limit. */
export function assertFrameFits(frame: Uint8Array, maxFrameBytes: number): void {
  if (frame.byteLength > maxFrameBytes) throw new FrameTooLargeError(frame.byteLength, maxFrameBytes)
}
