import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MalformedError } from '../../src/bytes.ts'
import {
  decodeHostFrame,
  encodeHostFrame,
  GROUP_OVERHEAD_BYTES,
  HOST_FRAME_OVERHEAD_BYTES,
  type HostMessage,
  hostBytes,
} from '../../src/groups/host-wire.ts'

const group = fc.string({ unit: fc.constantFrom(...'abc019-'), minLength: 1, maxLength: 48 })
const u32 = fc.nat(2 ** 32 - 1)
const groups = fc.array(fc.record({ group, term: fc.maxSafeNat() }), { maxLength: 4 })
const message: fc.Arbitrary<HostMessage> = fc.oneof(
  fc.record({
    type: fc.constant('group-frame' as const),
    group,
    generation: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
    frame: fc.uint8Array({ maxLength: 30 }),
  }),
  fc.record({ type: fc.constant('beat' as const), count: u32, low: u32, high: u32 }),
  fc.record({
    type: fc.constantFrom('asleep-leading' as const, 'asleep-following' as const),
    wantsYours: fc.boolean(),
    groups,
  }),
  fc.record({ type: fc.constant('awake' as const), groups }),
)

/** One frame for each message, by its tag. A change here breaks a cluster that is upgraded node by node. */
const GOLDEN: readonly (readonly [hex: string, message: HostMessage])[] = [
  [
    '01000100000014000000026731000000000000000500000002aabb',
    { type: 'group-frame', group: 'g1', generation: 5, frame: Uint8Array.of(0xaa, 0xbb) },
  ],
  ['0100020000000c000000020000000100000003', { type: 'beat', count: 2, low: 1, high: 3 }],
  [
    '0100030000001301000000010000000267310000000000000007',
    { type: 'asleep-leading', wantsYours: true, groups: [{ group: 'g1', term: 7 }] },
  ],
  ['0100040000000500' + '00000000', { type: 'asleep-following', wantsYours: false, groups: [] }],
  ['01000500000012000000010000000267310000000000000007', { type: 'awake', groups: [{ group: 'g1', term: 7 }] }],
]

const plain = (messages: readonly HostMessage[]): unknown =>
  messages.map((each) => (each.type === 'group-frame' ? { ...each, frame: [...each.frame] } : each))

describe('the frames of a host', () => {
  for (const [hex, golden] of GOLDEN) {
    test(`${golden.type} is pinned`, () => {
      expect(Buffer.from(encodeHostFrame([golden])).toString('hex')).toBe(hex)
      expect(plain(decodeHostFrame(Buffer.from(hex, 'hex')))).toEqual(plain([golden]))
    })
  }

  test('are read as they were written, and have the size that was counted', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
        const frame = encodeHostFrame(messages)
        expect(plain(decodeHostFrame(frame))).toEqual(plain(messages))
        expect(frame.length).toBe(messages.reduce((sum, each) => sum + hostBytes(each), HOST_FRAME_OVERHEAD_BYTES))
      }),
      { numRuns: 50 },
    )
  })

  test('of a group fit the frame of the transport where the group keeps to its own limit', () => {
    const frame = encodeHostFrame([
      {
        type: 'group-frame',
        group: 'x'.repeat(48),
        generation: 2 ** 53 - 1,
        frame: new Uint8Array(1_024 - GROUP_OVERHEAD_BYTES),
      },
    ])
    expect(frame.length).toBeLessThanOrEqual(1_024)
  })

  test('that are cut or foreign are malformed, or hold fewer messages, and nothing else is thrown', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 4 }),
        fc.nat(),
        fc.uint8Array({ maxLength: 60 }),
        (messages, cut, noise) => {
          const whole = encodeHostFrame(messages)
          for (const bytes of [whole.subarray(0, cut % (whole.length + 1)), noise, Uint8Array.of(1, 0, ...noise)]) {
            try {
              decodeHostFrame(bytes)
            } catch (error) {
              expect(error).toBeInstanceOf(MalformedError)
            }
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  test('with a name that no group has are malformed: in an answer it could take more bytes than were counted', () => {
    for (const name of ['', 'ä', 'A', 'x'.repeat(49)]) {
      const list: HostMessage = { type: 'asleep-leading', wantsYours: false, groups: [{ group: name, term: 1 }] }
      expect(() => decodeHostFrame(encodeHostFrame([list])), name).toThrow(MalformedError)
    }
  })

  test('of a later version within the format are read as far as they are known', () => {
    const beat = '0100020000000c000000020000000100000003'
    const unknown = 'ee00000003aabbcc'
    const longer = `0102ffff${'020000000e000000020000000100000003ffff'}${unknown}`
    expect(decodeHostFrame(Buffer.from(longer, 'hex'))).toEqual(decodeHostFrame(Buffer.from(beat, 'hex')))
    expect(() => decodeHostFrame(Buffer.from('0200', 'hex'))).toThrow(MalformedError)
  })
})
