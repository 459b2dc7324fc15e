import { crc32 } from 'node:zlib'
import { readU53le, writeU53le } from '@dsys/runtime/bytes'

/** What the first bytes of a segment say. The layout is in ALGORITHM.md. */
export interface SegmentHeader {
  /** Version of the format. */
  readonly version: number
  /** Place of the segment in the log, from 1. */
  readonly sequence: number
  /** How long the file was made. */
  readonly sizeBytes: number
  /** Drawn for this segment alone; part of every checksum in it. */
  readonly id: Uint8Array
}

/** What the header of a frame says. */
export interface FrameHeader {
  readonly payloadBytes: number
  /** Number of the batch, from 1, one more for each. */
  readonly batch: number
  readonly payloadChecksum: number
}

export const SEGMENT_HEADER_BYTES = 48
export const SEGMENT_ID_BYTES = 16
export const FRAME_HEADER_BYTES = 24
/** Frames begin at multiples of this. */
export const FRAME_ALIGNMENT = 8
/** What is written. Version 1 is read as well: its records say less, see ALGORITHM.md. */
export const FORMAT_VERSION = 2

const SEGMENT_MAGIC = Buffer.from('DSYSWAL\n', 'latin1')
/** "DSFR" in the order of the bytes. */
const FRAME_MAGIC = 0x52465344

export function segmentName(sequence: number): string {
  return `${sequence.toString(16).padStart(16, '0')}.wal`
}

/** Sequence number of a segment's file name; `undefined` for another file. */
export function segmentSequence(name: string): number | undefined {
  return /^[0-9a-f]{16}\.wal$/.test(name) ? Number.parseInt(name.slice(0, 16), 16) : undefined
}

/** How much of a segment a frame with this payload takes. */
export function frameBytes(payloadBytes: number): number {
  return Math.ceil((FRAME_HEADER_BYTES + payloadBytes) / FRAME_ALIGNMENT) * FRAME_ALIGNMENT
}

export function writeSegmentHeader(target: Buffer, header: Omit<SegmentHeader, 'version'>): void {
  SEGMENT_MAGIC.copy(target, 0)
  target.writeUInt32LE(FORMAT_VERSION, 8)
  writeU53le(target, 12, header.sequence)
  writeU53le(target, 20, header.sizeBytes)
  target.set(header.id, 28)
  target.writeUInt32LE(crc32(target.subarray(0, 44)), 44)
}

/**
 * The header of a segment, or what is wrong with it. Whether the version is known is the caller's to see.
 *
 * @param fileBytes the size of the file, where `source` is but its beginning.
 */
export function readSegmentHeader(source: Buffer, fileBytes: number = source.length): SegmentHeader | string {
  if (source.length < SEGMENT_HEADER_BYTES) return 'the file is shorter than the header of a segment'
  if (!source.subarray(0, 8).equals(SEGMENT_MAGIC)) return 'it does not begin like a segment'
  if (source.readUInt32LE(44) !== crc32(source.subarray(0, 44))) return 'the checksum of the header does not match'
  const version = source.readUInt32LE(8)
  const sizeBytes = readU53le(source, 20)
  if (fileBytes < sizeBytes) return `the file has ${fileBytes} of its ${sizeBytes} bytes`
  return { version, sequence: readU53le(source, 12), sizeBytes, id: Uint8Array.from(source.subarray(28, 44)) }
}

/**
 * Where the checksum of a frame starts from: the segment and the position are part of it, so bytes of an earlier use of
 * the file, or of a copy of the log that someone stored as data, are never taken for a frame.
 */
function headerSeed(id: Uint8Array, position: number): number {
  const place = Buffer.allocUnsafe(8)
  writeU53le(place, 0, position)
  return crc32(place, crc32(id))
}

/**
 * Fills in the header of the frame that begins at `start` of `target` and reaches to its end.
 *
 * @param position where in the segment the frame will stand.
 */
export function writeFrameHeader(
  target: Buffer,
  start: number,
  frame: { readonly payloadBytes: number; readonly batch: number; readonly id: Uint8Array; readonly position: number },
): void {
  const payload = target.subarray(start + FRAME_HEADER_BYTES, start + FRAME_HEADER_BYTES + frame.payloadBytes)
  target.writeUInt32LE(FRAME_MAGIC, start)
  target.writeUInt32LE(frame.payloadBytes, start + 4)
  writeU53le(target, start + 8, frame.batch)
  target.writeUInt32LE(crc32(payload, crc32(frame.id)), start + 16)
  const checksum = crc32(target.subarray(start, start + 20), headerSeed(frame.id, frame.position))
  target.writeUInt32LE(checksum, start + 20)
}

/** The header of the frame at `position` of a segment; `undefined` when there is no valid one. */
export function readFrameHeader(segment: Buffer, id: Uint8Array, position: number): FrameHeader | undefined {
  if (position + FRAME_HEADER_BYTES > segment.length) return undefined
  if (segment.readUInt32LE(position) !== FRAME_MAGIC) return undefined
  const checksum = crc32(segment.subarray(position, position + 20), headerSeed(id, position))
  if (segment.readUInt32LE(position + 20) !== checksum) return undefined
  return {
    payloadBytes: segment.readUInt32LE(position + 4),
    batch: readU53le(segment, position + 8),
    payloadChecksum: segment.readUInt32LE(position + 16),
  }
}

/** The payload of the frame at `position`, a view; `undefined` when it is damaged. */
export function readPayload(
  segment: Buffer,
  id: Uint8Array,
  position: number,
  header: FrameHeader,
): Buffer | undefined {
  const start = position + FRAME_HEADER_BYTES
  if (start + header.payloadBytes > segment.length) return undefined
  const payload = segment.subarray(start, start + header.payloadBytes)
  return crc32(payload, crc32(id)) === header.payloadChecksum ? payload : undefined
}
