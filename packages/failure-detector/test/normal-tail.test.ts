import { describe, expect, test } from 'vitest'
import { decay, naturalLog } from '../src/core/elementary.ts'
import { deviationsFor, normalTailNats } from '../src/core/normal-tail.ts'
import { NORMAL_TAIL_NATS } from './reference.ts'

/** The documented bound of all three functions. */
const BOUND = 1e-15

describe('the tail of the normal distribution', () => {
  test.each(NORMAL_TAIL_NATS)('at %d deviations it is %d, within the documented bound', (y, nats) => {
    expect(Math.abs(normalTailNats(y) - nats)).toBeLessThanOrEqual(BOUND * (1 + nats))
  })

  test('never falls, also where one approximation hands over to the next', () => {
    let deepestFall = 0
    const walk = (from: number, to: number, step: number): void => {
      let before = normalTailNats(from)
      for (let y = from; y < to; y += step) {
        const now = normalTailNats(y)
        deepestFall = Math.max(deepestFall, (before - now) / (1 + before))
        before = now
      }
    }
    walk(-10, 40, 1e-3)
    expect(deepestFall).toBe(0)
    for (const x of [-4, -0.46875, 0.46875, 4]) walk(x * Math.SQRT2 - 1e-9, x * Math.SQRT2 + 1e-9, 1e-12)
    expect(deepestFall).toBeLessThanOrEqual(BOUND)
  })

  test('has an inverse', () => {
    for (const nats of [0.694, 1, 3, 8, 8 * Math.LN10, 500, 1_000 * Math.LN10]) {
      const y = deviationsFor(nats)
      expect(normalTailNats(y)).toBeGreaterThanOrEqual(nats)
      expect(normalTailNats(y * (1 - 1e-15) - 1e-15)).toBeLessThan(nats + 1e-12 * nats)
      expect(Math.abs(normalTailNats(y) - nats)).toBeLessThanOrEqual(1e-13 * nats)
    }
  })
})

describe('logarithm and exponential out of + - * /', () => {
  test('ln agrees with that of this engine, which is the reference here and not in use', () => {
    let worst = 0
    for (let x = 0.99; x > 1e-300; x *= 0.9371) worst = Math.max(worst, Math.abs(naturalLog(x) / Math.log(x) - 1))
    expect(worst).toBeLessThanOrEqual(BOUND)
    expect(naturalLog(1)).toBe(0)
    expect(naturalLog(0.5)).toBe(-Math.LN2)
  })

  test('so does the exponential', () => {
    let worst = 0
    for (let x = 0; x < 45; x += 0.0137) worst = Math.max(worst, Math.abs(decay(x) / Math.exp(-x) - 1) / (1 + x))
    expect(worst).toBeLessThanOrEqual(BOUND)
    expect(decay(0)).toBe(1)
  })
})
