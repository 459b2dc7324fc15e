import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRing, type PlacementNodeOptions, type Ring, type RingDiff } from '../src/index.ts'

const id = fc.string({ minLength: 1, maxLength: 12 })
const node = fc.record({
  weight: fc.integer({ min: 1, max: 12 }).map((n) => n / 4),
  zone: fc.constantFrom('x', 'y', 'z'),
})
const cluster = fc.dictionary(id, node, { minKeys: 1, maxKeys: 9 })
const keys = Array.from({ length: 300 }, (_, i) => `k${i}`)

function ringOf(members: Record<string, PlacementNodeOptions>, order = Object.keys(members)): Ring {
  return order.reduce((ring, key) => ring.with(key, members[key]), createRing({ nodes: {}, virtualNodes: 40 }))
}

const movedKeys = (before: Ring, after: Ring): string[] => keys.filter((key) => before.owner(key) !== after.owner(key))

/** Every position is in at most one range, and the ranges say exactly which keys move between whom. */
function checkDiff(before: Ring, after: Ring, diff: RingDiff): void {
  for (const key of keys) {
    const position = before.position(key)
    const found = diff.moves.filter((move) =>
      move.ranges.some((range) => range.first <= position && position <= range.last),
    )
    const from = before.owner(key)
    const to = after.owner(key)
    expect(found.map((move) => [move.from, move.to])).toEqual(from === to ? [] : [[from, to]])
  }
}

describe('placement', () => {
  test('does not depend on the order of joins', () => {
    fc.assert(
      fc.property(cluster, fc.infiniteStream(fc.nat()), (members, order) => {
        const shuffled = Object.keys(members)
          .map((key) => [order.next().value as number, key] as const)
          .sort((a, b) => a[0] - b[0])
          .map(([, key]) => key)
        const one = ringOf(members)
        const other = ringOf(members, shuffled)
        expect(other.serialize()).toBe(one.serialize())
        expect(other.checksum).toBe(one.checksum)
        expect(keys.map((key) => other.owners(key, 3))).toEqual(keys.map((key) => one.owners(key, 3)))
      }),
      { numRuns: 60 },
    )
  })

  test('a join moves keys only to the node that came, a leave only from the node that left', () => {
    fc.assert(
      fc.property(cluster, id, node, (members, newcomer, options) => {
        fc.pre(!(newcomer in members))
        const before = ringOf(members)
        const after = before.with(newcomer, options)
        for (const key of movedKeys(before, after)) expect(after.owner(key)).toBe(newcomer)
        const joined = before.diff(after)
        expect(joined.moves.every((move) => move.to === newcomer)).toBe(true)
        expect(after.without(newcomer).checksum).toBe(before.checksum)
        const left = after.diff(before)
        expect(left.moves.every((move) => move.from === newcomer)).toBe(true)
        expect(left.movedShare).toBe(joined.movedShare)
        const own = after.stats().nodes.find((one) => one.id === newcomer)
        expect(joined.movedShare).toBeCloseTo(own?.share ?? Number.NaN, 12)
        checkDiff(before, after, joined)
        checkDiff(after, before, left)
      }),
      { numRuns: 60 },
    )
  })

  test('a change of weight moves keys only to or from that node', () => {
    fc.assert(
      fc.property(cluster, fc.integer({ min: 1, max: 20 }), (members, weight) => {
        const before = ringOf(members)
        const changed = Object.keys(members)[0] as string
        const now = before.nodes.find((one) => one.id === changed)?.weight ?? 0
        const after = before.with(changed, { weight: weight / 4 })
        for (const move of before.diff(after).moves) expect(weight / 4 > now ? move.to : move.from).toBe(changed)
      }),
      { numRuns: 100 },
    )
  })

  test('owners are distinct, begin with the owner, and spread over zones as evenly as they can', () => {
    fc.assert(
      fc.property(cluster, fc.integer({ min: 1, max: 12 }), (members, count) => {
        const ring = ringOf(members)
        const zoneOf = new Map(ring.nodes.map((one) => [one.id, one.zone]))
        const sizes = new Map<string | undefined, number>()
        for (const zone of zoneOf.values()) sizes.set(zone, (sizes.get(zone) ?? 0) + 1)
        for (const key of keys.slice(0, 40)) {
          const owners = ring.owners(key, count)
          expect(owners.length).toBe(Math.min(count, ring.nodes.length))
          expect(new Set(owners).size).toBe(owners.length)
          expect(owners[0]).toBe(ring.owner(key))
          const taken = new Map([...sizes.keys()].map((zone) => [zone, 0]))
          for (const owner of owners) {
            const zone = zoneOf.get(owner)
            const own = taken.get(zone) ?? 0
            // No zone with a node left may be behind the one that is taken from.
            for (const [other, size] of sizes) expect(Math.min(size, own)).toBeLessThanOrEqual(taken.get(other) ?? 0)
            taken.set(zone, own + 1)
          }
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('balance', () => {
  test('shares sum to one and follow the weights within bounds', () => {
    for (let seed = 0; seed < 20; seed++) {
      const nodes = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`node-${seed}-${i}`, 1 + (i % 3)]))
      const stats = createRing({ nodes }).stats()
      expect(stats.nodes.reduce((sum, one) => sum + one.share, 0)).toBe(1)
      // With v virtual nodes the share of a node spreads by about 1/sqrt(v) = 8 %: four of these bound the worst of 200.
      expect(stats.peakToFair).toBeLessThan(1.35)
      expect(stats.lowToFair).toBeGreaterThan(0.68)
    }
  })

  test('keys follow the shares', () => {
    const ring = createRing({ nodes: { a: 1, b: 1, c: 2 } })
    const counts = new Map<string, number>()
    for (let i = 0; i < 100_000; i++) {
      const owner = ring.owner(`user:${i}`) ?? ''
      counts.set(owner, (counts.get(owner) ?? 0) + 1)
    }
    for (const { id: owner, share } of ring.stats().nodes) {
      expect(Math.abs((counts.get(owner) ?? 0) / 100_000 - share)).toBeLessThan(0.01)
    }
  })
})
