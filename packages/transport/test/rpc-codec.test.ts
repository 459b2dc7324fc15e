import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decode,
  encodeCancel,
  encodeFailure,
  encodeMethod,
  encodeRefusal,
  encodeRequest,
  encodeResult,
} from '../src/rpc/codec.ts'
import { decodeTrace, encodeTrace } from '../src/rpc/trace.ts'

const call = fc.record({
  session: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  id: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
})
const payload = fc.uint8Array({ maxLength: 100 })
const shortText = fc.string({ unit: 'grapheme', maxLength: 50 })

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

describe('the trace of a request', () => {
  test('reads as it was written, whatever the texts are', () => {
    const text = fc.option(fc.string({ unit: 'grapheme', maxLength: 60 }), { nil: undefined })
    fc.assert(
      fc.property(text, text, (parent, state) => {
        const given = {
          ...(parent === undefined ? {} : { traceparent: parent }),
          ...(state === undefined ? {} : { tracestate: state }),
        }
        expect(decodeTrace(encodeTrace(given))).toEqual(given)
      }),
    )
  })

  test('what a later version adds is passed over, and what is not whole is not read', () => {
    const later = Uint8Array.of(77, 0, 3, 1, 2, 3)
    const known = encodeTrace({ traceparent, tracestate: 'a=b' })
    const all = Uint8Array.of(...later, ...known, ...later)
    expect(decodeTrace(all)).toEqual({ traceparent, tracestate: 'a=b' })
    for (let length = 0; length < known.length; length++) {
      const cut = decodeTrace(known.subarray(0, length))
      expect([undefined, traceparent]).toContain(cut.traceparent)
      expect(cut.tracestate).toBeUndefined()
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void decodeTrace(bytes)))
  })

  test('a header that is too long, or no text, is refused', () => {
    expect(() => encodeTrace({ traceparent: 'é'.repeat(257) })).toThrow(RangeError)
    expect(encodeTrace({ traceparent: 'é'.repeat(256) }).length).toBe(515)
    expect(() => encodeTrace({ tracestate: 7 as unknown as string })).toThrow(TypeError)
  })

  test('a request with a trace is pinned, so that versions understand each other', () => {
    const frame = encodeRequest(
      { session: 1, id: 2 },
      3,
      bytesOf('m'),
      Uint8Array.of(9),
      encodeTrace({ traceparent: 'p' }),
    )
    expect([...frame]).toEqual([2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 1, 109, 0, 4, 1, 0, 1, 112, 9])
  })
})

describe('the RPC envelope', () => {
  test('every envelope reads as it was written', () => {
    const method = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme-ascii' })
    const time = fc.integer({ min: 1, max: 2 ** 32 - 1 })
    fc.assert(
      fc.property(call, time, method, payload, payload, (id, timeoutMs, name, bytes, extensions) => {
        const frame = encodeRequest(id, timeoutMs, encodeMethod(name), bytes, extensions)
        const request = { kind: 'request', call: id, timeoutMs, method: name, extensions, payload: bytes }
        expect(decode(frame)).toEqual(request)
        expect(decode(encodeResult(id, bytes))).toEqual({ kind: 'result', call: id, payload: bytes })
        expect(decode(encodeCancel(id))).toEqual({ kind: 'cancel', call: id })
        expect(decode(encodeRefusal(id, 'overloaded'))).toEqual({ kind: 'refusal', call: id, reason: 'overloaded' })
      }),
    )
    const failure = fc.record({
      code: shortText,
      message: shortText,
      hint: shortText,
      retryable: fc.boolean(),
      outcome: fc.constantFrom('applied' as const, 'not-applied' as const, 'unknown' as const),
    })
    fc.assert(
      fc.property(call, failure, (id, value) => {
        expect(decode(encodeFailure(id, value))).toEqual({ kind: 'failure', call: id, failure: value })
      }),
    )
  })

  test('no bytes make it throw, and other versions are not read', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void decode(bytes)))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void decode(Uint8Array.of(2, ...bytes))))
    const frame = encodeCancel({ session: 1, id: 1 })
    frame[0] = 1
    expect(decode(frame)).toBeUndefined()
  })

  test('a message too long for the wire is cut, and a method name too long is refused', () => {
    const failure = { code: 'X', message: 'é'.repeat(5_000), hint: '', retryable: false, outcome: 'unknown' as const }
    const decoded = decode(encodeFailure({ session: 1, id: 1 }, failure))
    expect(decoded?.kind === 'failure' && decoded.failure.message.length).toBe(2_048)
    expect(() => encodeMethod('x'.repeat(256))).toThrow(RangeError)
    expect(() => encodeMethod('')).toThrow(RangeError)
  })
})
