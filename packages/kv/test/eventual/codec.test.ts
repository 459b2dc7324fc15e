import {
  type ClientContext,
  contextBytes,
  contextText,
  type DottedObject,
  decodeContext,
  decodeSeen,
  decodeStored,
  decodeTold,
  encodeContext,
  encodeSeen,
  encodeStored,
  encodeTold,
  type ToldObject,
} from '@dsys/kv/eventual'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const dot = (actor: string, counter: number) => ({ actor, counter })

/** The formats on disk, wire and in the hands of clients. A change here breaks what is in use: give the format a new version instead. */
const object: DottedObject = {
  versions: [
    { ...dot('a', 2), value: Buffer.from('v'), expiresAtMs: 300, time: { wallMs: 5, logical: 1 } },
    { ...dot('b', 1), value: Buffer.alloc(0), expiresAtMs: undefined, time: undefined },
  ],
  clock: [dot('a', 2), dot('b', 1)],
  dots: [dot('b', 4)],
  deletes: [dot('a', 1)],
}
const told: ToldObject = { ...object, heard: [dot('a', 1)] }
const rows = [
  { actor: 'a', base: 300, spans: [302, 302, 310, 400] },
  { actor: 'b', base: 0, spans: [] },
]
const place = { keyspace: 'carts', partition: 7, key: 'u:42' }
const context: ClientContext = {
  knowledge: { clock: [dot('a', 2)], dots: [dot('b', 9), dot('b', 4)] },
  time: { wallMs: 5, logical: 1 },
}
const golden: [string, Uint8Array, string, (bytes: Uint8Array) => unknown, unknown][] = [
  [
    'a stored object',
    encodeStored(object),
    '01020161016202000203ac0205010176010100000200020101010104010001',
    decodeStored,
    object,
  ],
  [
    'an object of another replica',
    encodeTold(told),
    '41020161016202000203ac0205010176010100000200020101010104010001010001',
    decodeTold,
    told,
  ],
  ['what was seen', encodeSeen(rows), '61020161ac02020200085a01620000', decodeSeen, rows],
  [
    'a context',
    encodeContext(place, context),
    '015178fc5a4cd06a1d0701050102016101620100020201090104',
    (bytes) => decodeContext(place, bytes),
    context,
  ],
]

const codeOf = (read: () => unknown): unknown => {
  try {
    read()
    return undefined
  } catch (error) {
    return (error as { code?: string }).code ?? error
  }
}

describe('formats of eventual keyspaces, byte for byte', () => {
  test.each(golden)('%s', (_name, bytes, expected, decode, value) => {
    expect(hex(bytes)).toBe(expected)
    // A plain Uint8Array in the middle of a larger buffer, as a transport hands it over.
    const frame = new Uint8Array([7, 7, ...Buffer.from(expected, 'hex'), 7])
    expect(decode(frame.subarray(2, -1))).toEqual(value)
  })

  test('what is cut, damaged or foreign is refused with a code, and nothing else is thrown', () => {
    const codes = [undefined, 'DSYS_KV_FORMAT', 'DSYS_KV_CONTEXT_INVALID']
    for (const [, bytes, , decode] of golden) {
      for (let end = 0; end < bytes.length; end++)
        expect(codeOf(() => decode(bytes.subarray(0, end)))).toMatch(/^DSYS_KV/)
      expect(codeOf(() => decode(Buffer.concat([bytes, Buffer.of(0)])))).toMatch(/^DSYS_KV/)
      for (let at = 0; at < bytes.length; at++) {
        for (const flip of [1, 0x80, 0xff]) {
          const damaged = Buffer.from(bytes)
          damaged[at] = (damaged[at] as number) ^ flip
          expect(codes).toContain(codeOf(() => decode(damaged)))
        }
      }
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
          expect(codes).toContain(codeOf(() => decode(Buffer.concat([bytes.subarray(0, 1), noise]))))
        }),
        { numRuns: 300, seed: 3 },
      )
    }
  })

  test('lists out of order, spans that touch and a clock that does not cover a version are refused', () => {
    expect(codeOf(() => decodeStored(encodeStored({ ...object, dots: [dot('b', 5), dot('b', 4)] })))).toBe(
      'DSYS_KV_FORMAT',
    )
    expect(codeOf(() => decodeStored(encodeStored({ ...object, clock: [dot('a', 1), dot('a', 2)] })))).toBe(
      'DSYS_KV_FORMAT',
    )
    expect(codeOf(() => decodeTold(encodeTold({ ...told, clock: [dot('a', 2)] })))).toBe('DSYS_KV_FORMAT')
    expect(codeOf(() => decodeSeen(encodeSeen([{ actor: 'a', base: 1, spans: [2, 3] }])))).toBe('DSYS_KV_FORMAT')
    expect(
      codeOf(() => decodeSeen(encodeSeen([{ actor: 'a', base: 2 ** 48, spans: [2 ** 48 + 2, 2 ** 48 + 2] }]))),
    ).toBe('DSYS_KV_FORMAT')
  })
})

describe('the context in the hands of a client', () => {
  const token = encodeContext(place, context)

  test('goes as text and comes back', () => {
    const text = contextText(token)
    expect(text).toMatch(/^[\w-]+$/)
    expect(decodeContext(place, contextBytes(text))).toEqual(context)
    expect(codeOf(() => contextBytes('a b'))).toBe('DSYS_KV_CONTEXT_INVALID')
    expect(codeOf(() => decodeContext(place, new Uint8Array(65_537)))).toBe('DSYS_KV_CONTEXT_INVALID')
  })

  test('KV-1: one of another key, keyspace or partition is refused, since it says what is not true there', () => {
    for (const other of [{ key: 'u:43' }, { keyspace: 'cart' }, { partition: 8 }, { keyspace: 'cartsu', key: ':42' }]) {
      expect(() => decodeContext({ ...place, ...other }, token)).toThrow(/of another key/)
    }
    const damaged = Buffer.from(token)
    damaged[token.length - 1] = 3
    expect(() => decodeContext(place, damaged)).toThrow(/checksum/)
  })
})
