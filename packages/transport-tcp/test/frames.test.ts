import { MalformedError } from '@dsys/runtime/bytes'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeControl, encodeData, FRAME, FrameReader } from '../src/frames.ts'

interface Read {
  readonly type: number
  readonly channel: string
  readonly payload: Uint8Array
}

function reader(limit = 1_000_000): { readonly got: Read[]; readonly reader: FrameReader } {
  const got: Read[] = []
  return { got, reader: new FrameReader(limit, (type, channel, payload) => got.push({ type, channel, payload })) }
}

/** Memory of its own, as every read of a socket has. */
const chunkOf = (...blocks: readonly Uint8Array[]): Buffer => {
  const bytes = Buffer.concat(blocks)
  return Buffer.from(new Uint8Array(bytes).buffer)
}

const FRAMES = [
  { channel: 'a', frame: new Uint8Array(0) },
  { channel: 'raft-main', frame: Uint8Array.of(1, 2, 3) },
  { channel: 'x'.repeat(64), frame: new Uint8Array(20_000).fill(7) },
  { channel: 'b', frame: Uint8Array.of(9) },
]

describe('frames', () => {
  test('come out as they went in, wherever the stream is cut', () => {
    const whole = chunkOf(...encodeData(FRAMES), encodeControl(FRAME.ping), ...encodeData(FRAMES.slice(0, 1)))
    const cuts = [
      ...Array.from({ length: 120 }, (_, i) => i),
      10_000,
      20_095,
      20_100,
      whole.length - 9,
      whole.length - 1,
    ]
    for (const first of cuts) {
      for (const second of [first, first + 1, first + 7, first + 8, whole.length]) {
        const { got, reader: frames } = reader()
        for (const part of [whole.subarray(0, first), whole.subarray(first, second), whole.subarray(second)]) {
          frames.push(chunkOf(part))
        }
        expect(got.map(({ type, channel, payload }) => [type, channel, payload.length])).toEqual([
          ...FRAMES.map(({ channel, frame }) => [FRAME.data, channel, frame.length]),
          [FRAME.ping, '', 0],
          [FRAME.data, 'a', 0],
        ])
        expect(got[2]?.payload.every((byte) => byte === 7)).toBe(true)
      }
    }
  })

  test('come out byte by byte', () => {
    const { got, reader: frames } = reader()
    for (const byte of chunkOf(...encodeData(FRAMES.slice(0, 2)))) frames.push(Buffer.from([byte]))
    expect(got.map(({ channel, payload }) => [channel, [...payload]])).toEqual([
      ['a', []],
      ['raft-main', [1, 2, 3]],
    ])
  })

  test('small ones leave in one block, large ones are not copied', () => {
    expect(encodeData(FRAMES.slice(0, 2))).toHaveLength(1)
    expect(encodeData(FRAMES)).toContain(FRAMES[2]?.frame)
  })

  test('a small frame does not hold the memory of all that was read with it; a large one is not copied', () => {
    const { got, reader: frames } = reader()
    const chunk = chunkOf(...encodeData(FRAMES))
    frames.push(chunk)
    expect(got[1]?.payload.buffer.byteLength).toBe(3)
    expect(got[2]?.payload.buffer).toBe(chunk.buffer)
    expect(got.every(({ payload }) => Object.getPrototypeOf(payload) === Uint8Array.prototype)).toBe(true)
  })
})

describe('what a hostile peer may send', () => {
  test('a length over the limit is refused by its header alone, before anything is taken for it', () => {
    const header = encodeControl(FRAME.data)
    header.writeUInt32BE(0xffff_ffff, 4)
    const before = process.memoryUsage().arrayBuffers
    for (const limit of [1_000, 2 ** 26]) {
      expect(() => reader(limit).reader.push(chunkOf(header))).toThrow(/4294967295 bytes is over the limit/)
      expect(() => {
        const { reader: frames } = reader(limit)
        for (const byte of header) frames.push(Buffer.from([byte]))
      }).toThrow(MalformedError)
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26)
  })

  test.each([
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['an unknown type', Buffer.from([0xd5, 99, 0, 0, 0, 0, 0, 0])],
    ['a reserved byte that is set', Buffer.from([0xd5, 1, 0, 1, 0, 0, 0, 0])],
  ])('%s is refused at its first eight bytes', (_what, bytes) => {
    expect(() => reader().reader.push(bytes)).toThrow(MalformedError)
  })

  test('any bytes are frames or are refused, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 60 }), (one, other) => {
        const { reader: frames } = reader(100)
        try {
          frames.push(chunkOf(encodeControl(FRAME.data, one)))
          frames.push(chunkOf(other))
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError)
        }
      }),
    )
  })

  test('a reader that was stopped gives nothing more, not even what is in the same chunk', () => {
    const got: number[] = []
    const frames = new FrameReader(100, (type) => {
      got.push(type)
      frames.stop()
    })
    frames.push(chunkOf(encodeControl(FRAME.ping), encodeControl(FRAME.ping)))
    expect(got).toEqual([FRAME.ping])
  })
})
