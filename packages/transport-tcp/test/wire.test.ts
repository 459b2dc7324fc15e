import { MalformedError } from '@dsys/runtime/bytes'
import { describe, expect, test } from 'vitest'
import { encodeControl, encodeData, FRAME } from '../src/frames.ts'
import {
  decodeHello,
  decodeProved,
  decodeReady,
  decodeRefuse,
  decodeWelcome,
  encodeHello,
  encodeProved,
  encodeReady,
  encodeRefuse,
  encodeWelcome,
  type Hello,
  type Refusal,
  type Welcome,
} from '../src/messages.ts'
import { isProof, prove } from '../src/proof.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = (length: number, from: number): Uint8Array => new Uint8Array(length).map((_, index) => from + index)

const HELLO: Hello = {
  versions: { min: 1, max: 2 },
  proves: true,
  cluster: 'shop',
  id: 'é',
  generation: 2 ** 40 + 1,
  instance: bytesOf(16, 0),
  to: 'b',
  wanted: 3,
  dial: 4,
  nonce: bytesOf(32, 16),
  maxFrameBytes: 2 ** 20,
}
const WELCOME: Welcome = {
  ...{ version: 1, id: 'b', generation: 9, maxFrameBytes: 2 ** 20 },
  instance: bytesOf(16, 48),
  nonce: bytesOf(32, 64),
}
const RANGES = { instance: '000102030405060708090a0b0c0d0e0f', nonce: hex(HELLO.nonce) }

// Nodes of two versions must understand each other: what stands here is on the wire, and changes only with the version.
describe('the bytes of version 1', () => {
  test('frames', () => {
    expect(hex(encodeControl(FRAME.ping))).toBe('d502000000000000')
    expect(hex(encodeControl(FRAME.pong))).toBe('d503000000000000')
    expect(encodeData([{ channel: 'kv', frame: Uint8Array.of(255) }]).map(hex)).toEqual(['d5010200000000016b76ff'])
    expect(Object.values(FRAME)).toEqual([1, 2, 3, 4, 16, 17, 18, 19, 20])
  })

  test('hello', () => {
    const expected = `44535953${'010201'}${'000473686f70'}${'0002c3a9'}${'0000010000000001'}${RANGES.instance}${'000162'}${'0000000000000003'}${'0000000000000004'}${RANGES.nonce}${'00100000'}`
    expect(hex(encodeHello(HELLO))).toBe(expected)
    expect(decodeHello(encodeHello(HELLO))).toEqual(HELLO)
  })

  test('welcome', () => {
    const expected = `44535953${'01'}${'000162'}${'0000000000000009'}${hex(WELCOME.instance)}${hex(WELCOME.nonce)}${'00100000'}`
    expect(hex(encodeWelcome(WELCOME))).toBe(expected)
    expect(decodeWelcome(encodeWelcome(WELCOME))).toEqual(WELCOME)
    const proved = decodeProved(encodeProved(bytesOf(32, 1), encodeWelcome(WELCOME)))
    expect([hex(proved.proof), hex(proved.welcome)]).toEqual([hex(bytesOf(32, 1)), expected])
  })

  test('ready, refusals and farewells', () => {
    expect(hex(encodeReady(258))).toBe('0000000000000102')
    expect(decodeReady(encodeReady(258))).toBe(258)
    const refusals: Refusal[] = [
      ...(['version', 'cluster', 'wrong-node', 'earlier-life', 'unproved'] as const),
      ...(['stale', 'conflict', 'duplicate', 'full', 'stopping'] as const),
    ]
    expect(refusals.map((refusal) => encodeRefuse(refusal)[0])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const said = encodeRefuse('stale', 7)
    expect(said.toString('hex')).toBe('060000000000000007')
    const proof = Buffer.from('the proof of it')
    expect(decodeRefuse(Buffer.concat([said, proof]))).toEqual({ refusal: 'stale', generation: 7, said, proof })
    expect(decodeRefuse(Buffer.from('630000000000000000', 'hex')).refusal).toBeUndefined()
  })

  test('proofs are of one side, over all that was said and the channel', () => {
    const secret = bytesOf(16, 1)
    const said = [Uint8Array.of(1), Uint8Array.of(2, 3)]
    const none = new Uint8Array(0)
    const proof = prove(secret, 'dialler', said, none)
    expect(hex(proof)).toBe('1adabbe6bc19bdd28e9cc60cdb5d016d632755c16d784f391d88e9e2dac2b3ca')
    const others = [
      prove(secret, 'listener', said, none),
      prove(bytesOf(16, 2), 'dialler', said, none),
      prove(secret, 'dialler', [Uint8Array.of(1, 2), Uint8Array.of(3)], none),
      prove(secret, 'dialler', said, Uint8Array.of(0)),
    ]
    expect(others.map((other) => isProof(proof, other))).toEqual([false, false, false, false])
    expect([isProof(proof, proof.slice()), isProof(proof, none)]).toEqual([true, false])
  })

  test('what is cut short is no message', () => {
    const messages: [(bytes: Uint8Array) => unknown, Uint8Array][] = [
      [decodeHello, encodeHello(HELLO)],
      [decodeWelcome, encodeWelcome(WELCOME)],
      [decodeReady, encodeReady(1)],
      [decodeRefuse, encodeRefuse('full')],
    ]
    for (const [decode, whole] of messages) {
      for (let length = 0; length < whole.length; length++) {
        expect(() => decode(whole.subarray(0, length))).toThrow(MalformedError)
      }
    }
  })
})
