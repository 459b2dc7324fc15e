import { SeededRandom, utf8 } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { decodeDottedVersionSet, encodeDottedVersionSet } from '../src/index.ts'
import { compareHistories, compareKnown, siblingsOf, World } from './causal-history.ts'

/** `DSYS_CLOCK_OPERATIONS=1000000 npm run test:unit -- packages/logical-clock/test/oracle.test.ts` runs a million. */
const OPERATIONS = Number(process.env['DSYS_CLOCK_OPERATIONS'] ?? 20_000)
const PER_WORLD = 150
const TIMEOUT_MS = 600_000

const numbers = {
  encode: (value: number) => utf8.encode(String(value)),
  decode: (bytes: Uint8Array) => Number(utf8.decode(bytes)),
}

/** `expect` alone would take most of the time: it is asked only where something differs. */
function expectSame(found: unknown, wanted: unknown, where: () => string): void {
  if (found !== wanted) expect(found, where()).toBe(wanted)
}

/** Compares every replica with its history, and two of them with each other. */
function expectAgreement(world: World, where: () => string): void {
  for (const { set, history } of world.replicas) {
    const values = set.values.sort((a, b) => a - b)
    expectSame(values.join(), siblingsOf(history).join(), where)
  }
  const a = world.pick(world.replicas)
  const b = world.pick(world.replicas)
  expectSame(a.set.compare(b.set), compareHistories(a.history, b.history), where)
  expectSame(a.set.context.compare(b.set.context), compareKnown(a.history, b.history), where)
  expectSame(a.set.sync(b.set).compare(b.set.sync(a.set)), 'equal', where)
}

describe('random operations agree with the causal history', () => {
  test.each([
    { name: 'of replicas that forget nothing', withForgetting: false },
    { name: 'where disks are lost, keys reaped, and actors pruned', withForgetting: true },
  ])(
    '$name',
    ({ withForgetting }) => {
      let done = 0
      let mostSiblings = 0
      for (let seed = 1; done < OPERATIONS / 2; seed++) {
        const random = new SeededRandom(seed)
        const replicas = random.integer(1, 6)
        const world = new World(random, { replicas, clients: random.integer(1, 8), withForgetting })
        for (let step = 0; step < PER_WORLD; step++, done++) {
          world.step()
          expectAgreement(world, () => `seed ${seed}, step ${step}`)
          mostSiblings = Math.max(mostSiblings, world.replicas[0]?.set.size ?? 0)
        }
        world.settle()
        expectAgreement(world, () => `seed ${seed}, at the end`)
        for (const { set } of world.replicas) {
          if (!withForgetting) expect(set.entries.length).toBeLessThanOrEqual(replicas)
          const back = decodeDottedVersionSet(encodeDottedVersionSet(set, numbers), numbers)
          expect(back).toEqual(set)
        }
      }
      // Else the histories would have been too tame to tell anything.
      expect(mostSiblings).toBeGreaterThan(5)
    },
    TIMEOUT_MS,
  )
})
