/** The most milliseconds since the Unix epoch in a timestamp: 48 bits, which is the year 10889. */
export const MAX_TIMESTAMP_MS: number = 2 ** 48 - 1

/** The most events in one millisecond: 16 bits. What comes after is in the next one. */
export const MAX_TIMESTAMP_COUNTER = 0xffff

const COUNTERS = 0x10000
const WORD_BITS = 32n

/** When something happened, by a {@link HybridClock}: after all that its node had heard of then. */
export interface HybridTimestamp {
  /** Milliseconds since the Unix epoch, whole, from 0 to 2^48 - 1. */
  readonly ms: number
  /** From 0 to 65,535: tells events of one millisecond apart. */
  readonly counter: number
  /** The id of the node, which decides between events that are equal else. */
  readonly node: string
}

/**
 * The order of two timestamps: below 0 where `a` comes first. It is total, and the same everywhere: by time, by counter, and by the UTF-16 code units of
 * the node. 0 means that it is one event, as long as no two clocks have the same node id.
 */
export function compareTimestamps(a: HybridTimestamp, b: HybridTimestamp): number {
  if (a.ms !== b.ms) return a.ms < b.ms ? -1 : 1
  if (a.counter !== b.counter) return a.counter < b.counter ? -1 : 1
  if (a.node === b.node) return 0
  return a.node < b.node ? -1 : 1
}

/** Time and counter as one number of 64 bits: 48 for the time, 16 for the counter. Packed timestamps have the order of what they stand for. */
export function packTimestamp({ ms, counter }: Pick<HybridTimestamp, 'ms' | 'counter'>): bigint {
  checkTimestamp(ms, counter)
  return (BigInt(highWordOf(ms)) << WORD_BITS) | BigInt(lowWordOf(ms, counter))
}

/** Time and counter of what packTimestamp gave. Throws RangeError for what is not a number of 64 bits. */
export function unpackTimestamp(packed: bigint): { ms: number; counter: number } {
  if (packed < 0n || packed >= 1n << 64n) throw new RangeError(`a timestamp has 64 bits, got ${packed}`)
  const low = Number(packed & 0xffffffffn)
  return { ms: Number(packed >> WORD_BITS) * COUNTERS + Math.floor(low / COUNTERS), counter: low % COUNTERS }
}

/** Writes the eight bytes of packTimestamp, the highest first, without a bigint: bytes sort as timestamps do. */
export function writeTimestamp(target: DataView, at: number, ms: number, counter: number): void {
  checkTimestamp(ms, counter)
  target.setUint32(at, highWordOf(ms))
  target.setUint32(at + 4, lowWordOf(ms, counter))
}

/** The time in eight bytes that writeTimestamp wrote. All eight bytes are a time: there are none that are not. */
export function readTimestampMs(source: DataView, at: number): number {
  return source.getUint32(at) * COUNTERS + source.getUint16(at + 4)
}

/** The counter in eight bytes that writeTimestamp wrote. */
export function readTimestampCounter(source: DataView, at: number): number {
  return source.getUint16(at + 6)
}

/** Throws RangeError unless the two fit into 64 bits. */
export function checkTimestamp(ms: number, counter: number): void {
  if (!(Number.isInteger(ms) && ms >= 0 && ms <= MAX_TIMESTAMP_MS)) {
    throw new RangeError(`the time of a timestamp is whole and from 0 to 2^48 - 1 milliseconds, got ${ms}`)
  }
  if (!(Number.isInteger(counter) && counter >= 0 && counter <= MAX_TIMESTAMP_COUNTER)) {
    throw new RangeError(`the counter of a timestamp is whole and from 0 to ${MAX_TIMESTAMP_COUNTER}, got ${counter}`)
  }
}

// Divided and not shifted: a shift would cut the time to 32 bits.
function highWordOf(ms: number): number {
  return Math.floor(ms / COUNTERS)
}

function lowWordOf(ms: number, counter: number): number {
  return (ms % COUNTERS) * COUNTERS + counter
}
