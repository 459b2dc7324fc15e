import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter, bufferOf, MalformedError, utf8Length, varintLength } from '../src/bytes.ts'

const MAX = Number.MAX_SAFE_INTEGER
const anyText = fc.string({ unit: 'binary', maxLength: 60 })
/** What UTF-8 makes of it: halves of surrogate pairs become marks. */
const carried = (text: string): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.from(text))
const uint = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })
const u53 = fc.maxSafeNat()

/** One field: how it is written, read and what must come back. */
type Field = { write(out: ByteWriter): void; read(input: ByteReader): unknown; value: unknown }
const numberField =
  (name: 'u8' | 'u16' | 'u32' | 'u32le' | 'u53' | 'u53le' | 'varint') =>
  (value: number): Field => ({
    write: (out) => void out[name](value),
    read: (input) => input[name](),
    value,
  })
const field: fc.Arbitrary<Field> = fc.oneof(
  uint(8).map(numberField('u8')),
  uint(16).map(numberField('u16')),
  uint(32).map(numberField('u32')),
  uint(32).map(numberField('u32le')),
  u53.map(numberField('u53')),
  u53.map(numberField('u53le')),
  u53.map(numberField('varint')),
  fc.uint8Array({ maxLength: 600 }).map((value) => ({
    write: (out: ByteWriter) => void out.raw(value),
    read: (input: ByteReader) => new Uint8Array(input.raw(value.length)),
    value,
  })),
  anyText.map((text) => ({
    write: (out: ByteWriter) => void out.utf8(text),
    read: (input: ByteReader) => input.utf8(utf8Length(text)),
    value: carried(text),
  })),
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }).map((text) => ({
    write: (out: ByteWriter) => void out.latin1(text),
    read: (input: ByteReader) => input.latin1(text.length),
    value: text,
  })),
)

describe('round trip', () => {
  test('any fields come back in their order, whatever the first buffer was', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 20 }), fc.nat({ max: 300 }), (fields, capacity) => {
        const out = new ByteWriter(capacity)
        for (const { write } of fields) write(out)
        const input = new ByteReader(new Uint8Array(out.written()))
        expect(fields.map(({ read }) => read(input))).toEqual(fields.map(({ value }) => value))
        expect([input.position, input.remaining]).toEqual([out.length, 0])
        input.expectEnd()
      }),
    )
  })

  test('whatever is cut off is malformed, and nothing else is thrown', () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 8 }), fc.nat(), (fields, seed) => {
        const out = new ByteWriter()
        for (const { write } of fields) write(out)
        if (out.length === 0) return
        const input = new ByteReader(out.written().subarray(0, seed % out.length))
        const readAll = (): void => {
          for (const { read } of fields) read(input)
        }
        expect(readAll).toThrow(MalformedError)
      }),
    )
  })
})

describe('the layout', () => {
  const hex = (write: (out: ByteWriter) => void): string => {
    const out = new ByteWriter(0)
    write(out)
    return out.written().toString('hex')
  }

  test.each<[string, (out: ByteWriter) => void, string]>([
    ['u8', (out) => out.u8(0xab), 'ab'],
    ['u16', (out) => out.u16(0x0102), '0102'],
    ['u32', (out) => out.u32(0x01020304), '01020304'],
    ['u32le', (out) => out.u32le(0x01020304), '04030201'],
    ['u53', (out) => out.u53(0x01020304050607), '0001020304050607'],
    ['u53 at most', (out) => out.u53(MAX), '001fffffffffffff'],
    ['u53le', (out) => out.u53le(0x01020304050607), '0706050403020100'],
    ['a small varint', (out) => out.varint(0x7f), '7f'],
    ['a varint', (out) => out.varint(300), 'ac02'],
    ['a varint at most', (out) => out.varint(MAX), 'ffffffffffffff0f'],
    ['raw', (out) => out.raw(Uint8Array.of(1, 2)), '0102'],
    ['latin1', (out) => out.latin1('a\u00ff'), '61ff'],
    ['utf8', (out) => out.utf8('a\u00ff'), '61c3bf'],
    ['half of a pair', (out) => out.utf8('\ud800'), 'efbfbd'],
    ['align', (out) => out.u8(1).align(4).align(4), '01000000'],
  ])('%s', (_name, write, bytes) => {
    expect(hex(write)).toBe(bytes)
  })

  test('a mark of the byte order comes back', () => {
    const out = new ByteWriter().utf8('\ufeffa')
    expect(new ByteReader(out.written()).utf8(out.length)).toBe('\ufeffa')
  })

  test('lengths are known without writing', () => {
    fc.assert(
      fc.property(anyText, u53, (text, number) => {
        expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length)
        expect(varintLength(number)).toBe(new ByteWriter().varint(number).length)
      }),
    )
    // Halves of pairs, and a pair after a half.
    for (const text of ['\ud800', '\udc00', '\ud800x', '\ud800\ud83d\ude00', 'a\udc00\ud800'])
      expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length)
  })
})

describe('what is refused', () => {
  test.each<[string, (out: ByteWriter) => void]>([
    ['u8', (out) => out.u8(256)],
    ['u16', (out) => out.u16(2 ** 16)],
    ['u32', (out) => out.u32(2 ** 32)],
    ['u32le', (out) => out.u32le(-1)],
    ['u53', (out) => out.u53(-1)],
    ['u53', (out) => out.u53(MAX + 1)],
    ['u53le', (out) => out.u53le(MAX + 1)],
    ['u53le', (out) => out.u53le(Number.NaN)],
    ['varint', (out) => out.varint(MAX + 1)],
    ['varint', (out) => out.varint(-1)],
  ])('a number that does not fit in %s', (_name, write) => {
    expect(() => write(new ByteWriter())).toThrow(RangeError)
  })

  test.each<[string, string, (input: ByteReader) => unknown]>([
    ['a number of 64 bits', '0020000000000000', (input) => input.u53()],
    ['one with its lowest byte first', '0000000000002000', (input) => input.u53le()],
    ['a varint above 2^53 - 1', 'ffffffffffffff1f', (input) => input.varint()],
    ['a varint without an end', '8080808080808080808000', (input) => input.varint()],
    ['a short text that is not UTF-8', 'c328', (input) => input.utf8(2)],
    ['a long one', `${'61'.repeat(30)}ff`, (input) => input.utf8(31)],
    ['a length that is not there', '0102', (input) => input.raw(2 ** 40)],
    ['what is left over', '0102', (input) => input.expectEnd()],
  ])('%s', (_name, bytes, read) => {
    expect(() => read(new ByteReader(Buffer.from(bytes, 'hex')))).toThrow(MalformedError)
  })
})

describe('buffers', () => {
  test('a writer that is reset begins anew, keeps its buffer, and gives a large one back', () => {
    const out = new ByteWriter(8)
    out.zeros(64)
    const large = out.written()
    expect(out.reset(64).length).toBe(0)
    expect(out.u8(7).written().buffer).toBe(large.buffer)
    expect(large[0]).toBe(7)
    out.reset(16).raw(new Uint8Array(16).fill(1))
    expect([out.length, large[0]]).toEqual([16, 7])
  })

  test('zeros are zeros, also where something stood before', () => {
    const out = new ByteWriter(16).raw(new Uint8Array(16).fill(255)).reset(16)
    expect([...out.u8(1).zeros(3).written()]).toEqual([1, 0, 0, 0])
  })

  test('raw and rest are views', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4)
    const input = new ByteReader(bytes.subarray(1))
    const [first, rest] = [input.raw(1), input.rest()]
    bytes.fill(9)
    expect([[...first], [...rest], input.remaining]).toEqual([[9], [9, 9], 0])
  })

  test('bufferOf is the same memory', () => {
    const bytes = Uint8Array.of(1, 2, 3).subarray(1)
    bufferOf(bytes)[0] = 5
    expect([...bytes]).toEqual([5, 3])
    const buffer = Buffer.of(1)
    expect(bufferOf(buffer)).toBe(buffer)
  })
})
