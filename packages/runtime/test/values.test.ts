import { NodeScope } from '@dsys/di'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'
import { CLOCK, LOGGER, METER, RANDOM, runtime } from '../src/di.ts'
import {
  InvariantError,
  invariant,
  json,
  NotRunningError,
  rawBytes,
  SeededRandom,
  silentLogger,
  silentMeter,
  systemClock,
  systemRandom,
  systemRuntime,
  utf8,
  VirtualClock,
} from '../src/index.ts'

/** Any characters but lone surrogates, which UTF-8 cannot carry. */
const anyText = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }).filter((code) => code < 0xd800 || code > 0xdfff))
  .map((codes) => String.fromCodePoint(...codes))

describe('codecs', () => {
  test('json gives back every JSON value, and undefined', () => {
    const codec = json<unknown>()
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(codec.decode(codec.encode(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
    expect(codec.decode(codec.encode(undefined))).toBeUndefined()
  })

  test('utf8 gives back every text, a leading byte order mark included', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(utf8.decode(utf8.encode(text))).toBe(text)
      }),
    )
    expect(utf8.decode(utf8.encode('\uFEFFtext'))).toBe('\uFEFFtext')
  })

  test('bytes that are not UTF-8 or not JSON throw', () => {
    expect(() => utf8.decode(Uint8Array.of(0xff))).toThrow(TypeError)
    expect(() => json().decode(utf8.encode('{'))).toThrow(SyntaxError)
  })

  test('rawBytes gives back the same bytes, not a copy', () => {
    const bytes = Uint8Array.of(1, 2)
    expect(rawBytes.decode(rawBytes.encode(bytes))).toBe(bytes)
  })
})

describe('SeededRandom', () => {
  // The numbers are no more than what this version gives: a seed in a bug report must replay on a later one.
  test('a seed gives the same words for ever', () => {
    const random = new SeededRandom(42)
    expect(Array.from({ length: 4 }, () => random.integer(0, 2 ** 32))).toEqual([
      660444221, 3652823732, 77672526, 910233633,
    ])
  })

  test('draws of one stream do not shift another', () => {
    const [one, two] = [new SeededRandom(7), new SeededRandom(7)]
    one.float()
    one.stream('a').bytes(100)
    expect(one.stream('b').float()).toBe(two.stream('b').float())
  })

  test('streams of different names and seeds differ', () => {
    const draws = [
      new SeededRandom(1).stream('a'),
      new SeededRandom(1).stream('b'),
      new SeededRandom(2).stream('a'),
    ].map((r) => r.float())
    expect(new Set(draws).size).toBe(3)
  })

  test('is even enough: each of 16 bins holds its share', () => {
    const random = new SeededRandom(3)
    const bins = new Array<number>(16).fill(0)
    for (let i = 0; i < 16_000; i++) {
      const bin = random.integer(0, 16)
      bins[bin] = (bins[bin] ?? 0) + 1
    }
    // Five standard deviations of a binomial around 1,000.
    for (const count of bins) expect(Math.abs(count - 1_000)).toBeLessThan(155)
  })

  test('a seed that is not a whole number is refused', () => {
    expect(() => new SeededRandom(0.5)).toThrow(RangeError)
  })
})

describe.each([
  ['SeededRandom', new SeededRandom(1)],
  ['systemRandom', systemRandom],
])('%s', (_name, random) => {
  test('float lies in [0, 1), integer in [min, max), bytes have the length', () => {
    const range = fc.tuple(fc.integer(), fc.integer()).filter(([min, max]) => min < max && max - min <= 2 ** 32)
    fc.assert(
      fc.property(range, fc.nat(64), ([min, max], length) => {
        const [float, integer] = [random.float(), random.integer(min, max)]
        expect(float >= 0 && float < 1 && integer >= min && integer < max && Number.isInteger(integer)).toBe(true)
        expect(random.bytes(length)).toHaveLength(length)
      }),
    )
  })

  test.each([
    [1, 1],
    [2, 1],
    [0.5, 2],
    [0, 2 ** 33],
  ])('integer(%s, %s) is refused', (min, max) => {
    expect(() => random.integer(min, max)).toThrow(RangeError)
  })
})

describe('errors', () => {
  test('carry the contract, in JSON too', () => {
    const error = new NotRunningError('the log', 'stopped')
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('NotRunningError')
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: 'DSYS_NOT_RUNNING',
      message: 'the log is not running (it is stopped)',
      hint: 'Await start() before using the log, and do not use it after stop().',
      retryable: false,
      outcome: 'not-applied',
    })
  })

  test('have a cause when there is one, and no such property otherwise', () => {
    const cause = new Error('disk')
    expect(new InvariantError('broken', cause).cause).toBe(cause)
    expect('cause' in new InvariantError('broken')).toBe(false)
  })

  test('invariant throws unless the condition holds', () => {
    invariant(true, 'fine')
    expect(() => invariant(false, 'match < next')).toThrow(InvariantError)
  })
})

describe('systemRuntime and its module', () => {
  test('the defaults are real time and chance, and silence', () => {
    expect(systemRuntime()).toEqual({
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      meter: silentMeter,
    })
    expect(silentLogger.child({ node: 'n1' })).toBe(silentLogger)
  })

  test('what is named is overridden, in a scope as well', () => {
    const clock = new VirtualClock()
    expect(systemRuntime({ clock })).toMatchObject({ clock, random: systemRandom })
    const scope = new NodeScope(plainContainer()).use(runtime({ clock }))
    expect([CLOCK, RANDOM, LOGGER, METER].map((token) => scope.get<unknown>(token))).toEqual([
      clock,
      systemRandom,
      silentLogger,
      silentMeter,
    ])
  })
})
