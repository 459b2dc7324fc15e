const HEADER_BYTES = 4

/** A frame of `length` bytes, 4 or more, that carries `number` and tells whether it is whole. */
export function numbered(number: number, length: number): Uint8Array {
  const frame = new Uint8Array(Math.max(length, HEADER_BYTES)).fill(number & 0xff)
  new DataView(frame.buffer).setUint32(0, number)
  return frame
}

/** The number that a frame of {@link numbered} carries. */
export function numberOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint32(0)
}

/** Whether a frame is one of {@link numbered}, whole. Not deepEqual: for large frames that takes seconds. */
export function isWhole(frame: Uint8Array, length: number): boolean {
  return frame.byteLength === length && Buffer.compare(frame, numbered(numberOf(frame), length)) === 0
}

/** The whole numbers below `count`. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
