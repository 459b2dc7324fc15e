import { describe, expect, test } from 'vitest'
import { transportConformance } from '../src/conformance.ts'
import { ALL, fixtureOf, type LoopbackClass } from './fixture.ts'
import { FullLoopback } from './full-loopback.ts'
import { ADDRESSING_BUGS } from './planted/addressing.ts'
import { DELIVERY_BUGS } from './planted/delivery.ts'
import { LIFECYCLE_BUGS } from './planted/lifecycle.ts'
import { LOAD_BUGS } from './planted/load.ts'
import { ORDERING_BUGS } from './planted/ordering.ts'
import { OUTAGES_BUGS } from './planted/outages.ts'
import { NOTHING, type Planted } from './planted/planted.ts'
import { TurnClock } from './turn-clock.ts'

const PLANTED: readonly Planted[] = [
  ...DELIVERY_BUGS,
  ...ORDERING_BUGS,
  ...ADDRESSING_BUGS,
  ...LOAD_BUGS,
  ...LIFECYCLE_BUGS,
  ...OUTAGES_BUGS,
]

/** The cases of the suite by name, over transports of `kind`. A case that waits in vain ends by itself, and soon. */
function casesOver(kind: LoopbackClass, declares = ALL): Map<string, () => Promise<void>> {
  const cases = new Map<string, () => Promise<void>>()
  const runner = {
    describe: (_name: string, body: () => void) => body(),
    test: (name: string, body: () => Promise<void>) => void cases.set(name, body),
  }
  transportConformance(runner, () => fixtureOf(kind, new TurnClock()), declares)
  return cases
}

describe('the suite finds an adapter that', () => {
  test.each(PLANTED.map((planted) => [planted.bug, planted] as const))(
    '%s',
    async (_bug, { kind, found, declares }) => {
      const cases = casesOver(kind, declares)
      for (const name of found) {
        const body = cases.get(name)
        if (body === undefined) throw new Error(`the suite has no case "${name}"`)
        await expect(body(), name).rejects.toThrow()
      }
    },
  )
})

test('each case of the suite finds one of these bugs', () => {
  const all = [...casesOver(FullLoopback, ALL).keys(), ...casesOver(FullLoopback, NOTHING).keys()]
  const proved = new Set(PLANTED.flatMap(({ found }) => found))
  expect(all.filter((name) => !proved.has(name))).toEqual([])
})

test('without a bug each case passes, by the clock that is in a hurry', async () => {
  for (const [name, body] of casesOver(FullLoopback)) await expect(body(), name).resolves.toBeUndefined()
})
