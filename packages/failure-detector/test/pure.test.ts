import { expect, test } from 'vitest'
import { withoutTheWorld } from '../../../tooling/fixtures/without-the-world.ts'
import { createFailureDetector, type FailureDetectorOptions } from '../src/index.ts'

/** Functions whose last digit is left to the engine, so that nothing that is decided may come from them. */
const INEXACT = [
  'log',
  'log10',
  'log2',
  'log1p',
  'exp',
  'expm1',
  'pow',
  'sin',
  'cos',
  'tan',
  'cbrt',
  'hypot',
  'atan',
] as const

function withoutInexact<T>(body: () => T): T {
  const before = INEXACT.map((name) => [name, Math[name]] as const)
  try {
    for (const name of INEXACT)
      Math[name] = () => {
        throw new Error(`Math.${name} differs between engines`)
      }
    return body()
  } finally {
    for (const [name, original] of before) Math[name] = original as never
  }
}

function run(options: FailureDetectorOptions): number[] {
  let detector = createFailureDetector(options)
  const said: number[] = []
  for (let i = 0; i < 60; i++) {
    const nowMs = i * 1_000 + ((i * 37) % 11) * 31.25 + (i === 40 ? 0 : 0.1)
    said.push(detector.suspicion(nowMs), detector.unavailableFromMs ?? 0)
    detector = (i % 17 === 16 ? detector.excuse(nowMs, 250) : detector).heartbeat(nowMs)
  }
  return said
}

/** FNV-1a over the bits, to see that not one of them differs. */
function bitsOf(values: readonly number[]): string {
  let hash = 0x811c9dc5
  for (const byte of new Uint8Array(new Float64Array(values).buffer)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0).toString(16)
}

test('a detector needs no clock, timer, chance or cryptography, and no function of Math that differs between engines', () => {
  const [normal, exponential, timeout] = withoutTheWorld(() =>
    withoutInexact(() => [
      run({}),
      run({ distribution: 'exponential', scale: 'natural', threshold: 3, acceptablePauseMs: 10 }),
      run({ type: 'timeout', timeoutMs: 1_100 }),
    ]),
  )
  // The same bits in every engine: whoever changes the arithmetic changes what simulations decide, and their hashes.
  expect([normal, exponential, timeout].map((values) => bitsOf(values ?? []))).toEqual([
    '18c9428f',
    '6a27771',
    'd60b02a',
  ])
})
