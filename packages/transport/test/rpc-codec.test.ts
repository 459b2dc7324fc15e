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

const call = fc.record({
  session: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  id: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
})
const payload = fc.uint8Array({ maxLength: 100 })
const shortText = fc.string({ unit: 'grapheme', maxLength: 50 })

describe('the RPC envelope', () => {
  test('every envelope reads as it was written', () => {
    const method = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme-ascii' })
    fc.assert(
      fc.property(call, fc.integer({ min: 1, max: 2 ** 32 - 1 }), method, payload, (id, timeoutMs, name, bytes) => {
        const frame = encodeRequest(id, timeoutMs, encodeMethod(name), bytes)
        expect(decode(frame)).toEqual({ kind: 'request', call: id, timeoutMs, method: name, payload: bytes })
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
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void decode(Uint8Array.of(1, ...bytes))))
    const frame = encodeCancel({ session: 1, id: 1 })
    frame[0] = 2
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
