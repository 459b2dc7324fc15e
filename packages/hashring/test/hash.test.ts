import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { murmur3Bytes, murmur3String } from '../src/core/murmur3.ts'
import { xxHash64 } from '../src/core/xxhash64.ts'

const utf8 = new TextEncoder()

describe('MurmurHash3 x86 32-bit', () => {
  test.each([
    [[], 0, 0],
    [[], 1, 0x514e28b7],
    [[], 0xffffffff, 0x81f16f39],
    [[0xff, 0xff, 0xff, 0xff], 0, 0x76293b50],
    [[0x21, 0x43, 0x65, 0x87], 0, 0xf55b516b],
    [[0x21, 0x43, 0x65, 0x87], 0x5082edee, 0x2362f9de],
    [[0x21, 0x43, 0x65], 0, 0x7e4a8634],
    [[0x21, 0x43], 0, 0xa0f7b07a],
    [[0x21], 0, 0x72661cf4],
    [[0, 0, 0, 0], 0, 0x2362f9de],
    [[0, 0, 0], 0, 0x85f0b427],
    [[0, 0], 0, 0x30f4c306],
    [[0], 0, 0x514e28b7],
  ])('published vector: bytes %j with seed %i', (bytes, seed, expected) => {
    expect(murmur3Bytes(Uint8Array.from(bytes), seed)).toBe(expected)
  })

  test.each([
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['ππππππππ', 0x9747b28c, 0xd58063c1],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ])('published vector: %s', (text, seed, expected) => {
    expect(murmur3String(text, seed)).toBe(expected)
    expect(murmur3Bytes(utf8.encode(text), seed)).toBe(expected)
  })

  test('the verification value of SMHasher', () => {
    const results = new Uint8Array(256 * 4)
    const view = new DataView(results.buffer)
    const key = Uint8Array.from({ length: 256 }, (_, i) => i)
    for (let i = 0; i < 256; i++) view.setUint32(i * 4, murmur3Bytes(key.subarray(0, i), 256 - i), true)
    expect(murmur3Bytes(results, 0)).toBe(0xb0f57ee3)
  })

  test('a string hashes as its UTF-8 bytes, lone surrogates included', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.array(fc.integer({ min: 0xd700, max: 0xe010 })).map((units) => `abcd${String.fromCharCode(...units)}x`),
    )
    fc.assert(
      fc.property(
        text,
        fc.integer(),
        (value, seed) => murmur3String(value, seed) === murmur3Bytes(utf8.encode(value), seed),
      ),
      { numRuns: 2_000 },
    )
  })
})

describe('XXH64', () => {
  test.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ])('published vector: %s', (text, expected) => {
    expect(xxHash64(utf8.encode(text))).toBe(expected)
  })

  test('the verification value of SMHasher', () => {
    const results = new Uint8Array(256 * 8)
    const view = new DataView(results.buffer)
    const key = Uint8Array.from({ length: 256 }, (_, i) => i)
    for (let i = 0; i < 256; i++) view.setBigUint64(i * 8, xxHash64(key.subarray(0, i), BigInt(256 - i)), true)
    expect(xxHash64(results) & 0xffffffffn).toBe(0x024b7cf4n)
  })
})
