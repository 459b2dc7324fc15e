import type { Outcome } from '@dsys/runtime'

/**
 * The envelope of RPC, version 2, big endian:
 *
 *     u8 version, u8 kind, u32 session, u48 call id, then
 *     request    u32 timeoutMs, u8 length + method in UTF-8, u16 length + extensions, payload
 *     result     payload
 *     failure    u8 retryable, u8 outcome, three times u16 length + text in UTF-8 (code, message, hint)
 *     refusal    u8 reason
 *     cancel     nothing
 *
 * An extension is u8 tag, u16 length + bytes; see trace.ts. Who does not know its tag passes it over, so that later versions can say more.
 */
export type Envelope =
  | {
      readonly kind: 'request'
      readonly call: CallId
      readonly timeoutMs: number
      readonly method: string
      /** Whole extensions, one behind the other. */
      readonly extensions: Uint8Array
      readonly payload: Uint8Array
    }
  | { readonly kind: 'result'; readonly call: CallId; readonly payload: Uint8Array }
  | { readonly kind: 'failure'; readonly call: CallId; readonly failure: Failure }
  | { readonly kind: 'refusal'; readonly call: CallId; readonly reason: RefusalReason }
  | { readonly kind: 'cancel'; readonly call: CallId }

/** Names one call of one caller: the session is drawn for each Rpc, the id counts up. */
export interface CallId {
  readonly session: number
  readonly id: number
}

/** Why a server did not run a request: its handler was never called. */
export type RefusalReason = 'overloaded' | 'unknown-method'

/** What a handler failed with. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly retryable: boolean
  readonly outcome: Outcome
}

const VERSION = 2
const KINDS = ['request', 'result', 'failure', 'refusal', 'cancel'] as const
const OUTCOMES: readonly Outcome[] = ['applied', 'not-applied', 'unknown']
const REASONS: readonly RefusalReason[] = ['overloaded', 'unknown-method']
const HEAD_BYTES = 12
const MAX_METHOD_BYTES = 255
const MAX_TEXT_BYTES = 4_096
export const MAX_TIMEOUT_MS: number = 2 ** 32 - 1

const NO_EXTENSIONS = new Uint8Array(0)

const encoder = new TextEncoder()
const decoder = new TextDecoder()

function allocate(
  kind: (typeof KINDS)[number],
  call: CallId,
  bodyBytes: number,
): { frame: Uint8Array; view: DataView } {
  const frame = new Uint8Array(HEAD_BYTES + bodyBytes)
  const view = new DataView(frame.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, KINDS.indexOf(kind))
  view.setUint32(2, call.session)
  view.setUint16(6, Math.floor(call.id / 2 ** 32))
  view.setUint32(8, call.id >>> 0)
  return { frame, view }
}

/** Throws RangeError unless `method` is 1 to 255 bytes of UTF-8. */
export function encodeMethod(method: string): Uint8Array {
  const bytes = encoder.encode(method)
  if (bytes.length === 0 || bytes.length > MAX_METHOD_BYTES) {
    throw new RangeError(`a method name is 1 to ${MAX_METHOD_BYTES} bytes of UTF-8, got ${JSON.stringify(method)}`)
  }
  return bytes
}

/** What of a request is not the same in each: how long the caller waits, what it asks for, and what goes along with it. */
export function encodeRequest(
  call: CallId,
  timeoutMs: number,
  method: Uint8Array,
  payload: Uint8Array,
  extensions: Uint8Array = NO_EXTENSIONS,
): Uint8Array {
  const { frame, view } = allocate('request', call, 7 + method.length + extensions.length + payload.length)
  view.setUint32(HEAD_BYTES, Math.min(Math.ceil(timeoutMs), MAX_TIMEOUT_MS))
  view.setUint8(HEAD_BYTES + 4, method.length)
  frame.set(method, HEAD_BYTES + 5)
  const at = HEAD_BYTES + 5 + method.length
  view.setUint16(at, extensions.length)
  frame.set(extensions, at + 2)
  frame.set(payload, at + 2 + extensions.length)
  return frame
}

export function encodeResult(call: CallId, payload: Uint8Array): Uint8Array {
  const { frame } = allocate('result', call, payload.length)
  frame.set(payload, HEAD_BYTES)
  return frame
}

export function encodeFailure(call: CallId, failure: Failure): Uint8Array {
  // A text cut in the middle of a character still decodes, with a replacement mark at its end.
  const texts = [failure.code, failure.message, failure.hint].map((text) =>
    encoder.encode(text).subarray(0, MAX_TEXT_BYTES),
  )
  const { frame, view } = allocate('failure', call, 2 + texts.reduce((sum, text) => sum + 2 + text.length, 0))
  view.setUint8(HEAD_BYTES, failure.retryable ? 1 : 0)
  view.setUint8(HEAD_BYTES + 1, OUTCOMES.indexOf(failure.outcome))
  let offset = HEAD_BYTES + 2
  for (const text of texts) {
    view.setUint16(offset, text.length)
    frame.set(text, offset + 2)
    offset += 2 + text.length
  }
  return frame
}

export function encodeRefusal(call: CallId, reason: RefusalReason): Uint8Array {
  const { frame, view } = allocate('refusal', call, 1)
  view.setUint8(HEAD_BYTES, REASONS.indexOf(reason))
  return frame
}

export function encodeCancel(call: CallId): Uint8Array {
  return allocate('cancel', call, 0).frame
}

/** Reads a frame; `undefined` for another version or for anything that is not whole. Payloads are views into it. */
export function decode(frame: Uint8Array): Envelope | undefined {
  if (frame.length < HEAD_BYTES || frame[0] !== VERSION) return undefined
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const call = { session: view.getUint32(2), id: view.getUint16(6) * 2 ** 32 + view.getUint32(8) }
  switch (KINDS[view.getUint8(1)]) {
    case 'request':
      return decodeRequest(call, frame, view)
    case 'result':
      return { kind: 'result', call, payload: frame.subarray(HEAD_BYTES) }
    case 'failure':
      return decodeFailure(call, frame, view)
    case 'refusal': {
      const reason = frame.length > HEAD_BYTES ? REASONS[view.getUint8(HEAD_BYTES)] : undefined
      return reason === undefined ? undefined : { kind: 'refusal', call, reason }
    }
    case 'cancel':
      return { kind: 'cancel', call }
    default:
      return undefined
  }
}

function decodeRequest(call: CallId, frame: Uint8Array, view: DataView): Envelope | undefined {
  if (frame.length < HEAD_BYTES + 5) return undefined
  const start = HEAD_BYTES + 5
  const end = start + view.getUint8(HEAD_BYTES + 4)
  if (end === start || end + 2 > frame.length) return undefined
  const payloadAt = end + 2 + view.getUint16(end)
  if (payloadAt > frame.length) return undefined
  return {
    kind: 'request',
    call,
    timeoutMs: view.getUint32(HEAD_BYTES),
    method: decoder.decode(frame.subarray(start, end)),
    extensions: frame.subarray(end + 2, payloadAt),
    payload: frame.subarray(payloadAt),
  }
}

function decodeFailure(call: CallId, frame: Uint8Array, view: DataView): Envelope | undefined {
  if (frame.length < HEAD_BYTES + 2) return undefined
  const outcome = OUTCOMES[view.getUint8(HEAD_BYTES + 1)]
  const texts: string[] = []
  let offset = HEAD_BYTES + 2
  while (texts.length < 3 && offset + 2 <= frame.length) {
    const end = offset + 2 + view.getUint16(offset)
    if (end > frame.length) return undefined
    texts.push(decoder.decode(frame.subarray(offset + 2, end)))
    offset = end
  }
  const [code, message, hint] = texts
  if (outcome === undefined || code === undefined || message === undefined || hint === undefined) return undefined
  return {
    kind: 'failure',
    call,
    failure: { code, message, hint, retryable: view.getUint8(HEAD_BYTES) === 1, outcome },
  }
}
