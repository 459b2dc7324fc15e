/** The context of a trace: two headers of W3C Trace Context. Both are carried as they are, and never read. */
export interface TraceContext {
  /** Which span asks: the header `traceparent`, at most 512 bytes of UTF-8. Default: none. */
  readonly traceparent?: string | undefined
  /** The header `tracestate` that goes with it, likewise. Default: none. */
  readonly tracestate?: string | undefined
}

/** The extensions of a request by their tags on the wire. A tag stays with its meaning for ever. */
const TAGS = { traceparent: 1, tracestate: 2 } as const
const NAMES = Object.keys(TAGS) as (keyof typeof TAGS)[]
const HEAD_BYTES = 3
/** As long as W3C Trace Context asks everybody to carry at least. */
const MAX_BYTES = 512

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The extensions of a request that is part of a trace. Throws RangeError for a header over 512 bytes, TypeError for one that is no text. */
export function encodeTrace(context: TraceContext): Uint8Array {
  const parts = NAMES.flatMap((name) => {
    const text = context[name]
    if (text === undefined) return []
    if (typeof text !== 'string') throw new TypeError(`${name} must be text`)
    const bytes = encoder.encode(text)
    if (bytes.length > MAX_BYTES) throw new RangeError(`${name} is at most ${MAX_BYTES} bytes, got ${bytes.length}`)
    return [{ tag: TAGS[name], bytes }]
  })
  const encoded = new Uint8Array(parts.reduce((sum, { bytes }) => sum + HEAD_BYTES + bytes.length, 0))
  const view = new DataView(encoded.buffer)
  let at = 0
  for (const { tag, bytes } of parts) {
    view.setUint8(at, tag)
    view.setUint16(at + 1, bytes.length)
    encoded.set(bytes, at + HEAD_BYTES)
    at += HEAD_BYTES + bytes.length
  }
  return encoded
}

/** Reads what {@link encodeTrace} wrote, passing over extensions of other tags, and whatever is not whole. */
export function decodeTrace(extensions: Uint8Array): TraceContext {
  const view = new DataView(extensions.buffer, extensions.byteOffset, extensions.byteLength)
  const found: { traceparent?: string; tracestate?: string } = {}
  for (let at = 0; at + HEAD_BYTES <= extensions.length; ) {
    const tag = view.getUint8(at)
    const end = at + HEAD_BYTES + view.getUint16(at + 1)
    if (end > extensions.length) break
    const name = NAMES.find((each) => TAGS[each] === tag)
    if (name !== undefined) found[name] = decoder.decode(extensions.subarray(at + HEAD_BYTES, end))
    at = end
  }
  return found
}
