import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withoutTheWorld } from '../../../../tooling/fixtures/without-the-world.ts'
import { type Op, type OpKind, World } from './world.ts'

/** `DSYS_KV_OPERATIONS=1000000` runs so many operations; without it there is a sample. */
const OPERATIONS = Number(process.env['DSYS_KV_OPERATIONS'] ?? 40_000)
const MAX_LENGTH = 120

const often = (kind: OpKind, weight: number) => ({ arbitrary: fc.constant(kind), weight })
const kinds = fc.oneof(
  often('put', 8),
  often('delete', 4),
  often('blind', 2),
  often('read', 6),
  often('deliver', 12),
  often('again', 4),
  often('drop', 4),
  often('restart', 1),
  often('wipe', 1),
  often('reap', 2),
  often('hand', 2),
  often('begin', 2),
  often('compare', 9),
  often('end', 5),
)
const number = fc.nat(59)
const op: fc.Arbitrary<Op> = fc.tuple(kinds, number, number, number)
const program = fc.array(op, { maxLength: MAX_LENGTH, size: 'max' })
const numRuns = Math.ceil(OPERATIONS / (0.5 * MAX_LENGTH))
const timeout = 20_000 + OPERATIONS * 5

test(
  'KV-1, KV-3, KV-8: replicas have just what nobody replaced, by true histories, whatever is lost, doubled, late or wiped',
  () => {
    let ran = 0
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 5 }), program, (replicas, ops) => {
        const world = new World(replicas)
        world.run(ops)
        world.settle()
        if (!ops.some(([kind]) => kind === 'wipe')) world.checkReaped()
        ran += ops.length
      }),
      { numRuns, seed: 6 },
    )
    expect(ran).toBeGreaterThan(0.5 * OPERATIONS)
  },
  timeout,
)

test(
  'under lww replicas have one version at most, agree, and count what they discard',
  () => {
    let discarded = 0
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 5 }), program, (replicas, ops) => {
        const world = new World(replicas, 'lww')
        world.run(ops.filter(([kind]) => kind !== 'wipe'))
        world.settle()
        discarded += world.discarded
      }),
      { numRuns: Math.ceil(numRuns / 5), seed: 7 },
    )
    expect(discarded).toBeGreaterThan(0)
  },
  timeout,
)

test('the core needs no clock, timer, chance or cryptography of this process', () => {
  const ops: Op[] = []
  for (let i = 0; i < 60; i++)
    ops.push(['put', i, i, i], ['deliver', i, 0, 0], ['delete', i + 1, i, i], ['reap', i, 0, 0])
  const stored = withoutTheWorld(() => {
    const world = new World(3)
    world.run(ops)
    world.settle()
    world.reapAll()
    return world.objectsStored()
  })
  expect(stored).toBeGreaterThanOrEqual(0)
})
