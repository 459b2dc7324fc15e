import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { negativeLog } from '../src/core/logarithm.ts'
import { populate } from '../src/core/maglev.ts'
import { md5Words } from '../src/core/md5.ts'
import {
  createBoundedLoad,
  createJump,
  createKetama,
  createMaglev,
  createPartitionTable,
  createRendezvous,
  createRing,
  jumpBucket,
  ketamaHash,
  type NodesOptions,
  type Placement,
  PlacementFormatError,
  type PlacementHash,
  parsePlacement,
} from '../src/index.ts'
import { KETAMA_SERVERS, KETAMA_VECTORS } from './ketama-vectors.ts'

type Options = NodesOptions & { readonly hash?: PlacementHash }

/** Those whose content follows from their nodes alone. */
const STRATEGIES: Readonly<Record<string, (options: Options) => Placement>> = {
  ring: (options) => createRing({ ...options, virtualNodes: 20 }),
  ketama: createKetama,
  rendezvous: createRendezvous,
  jump: createJump,
  maglev: (options) => createMaglev({ ...options, slots: 1_021 }),
  'bounded-load': (options) => createBoundedLoad({ ...options, slots: 512, virtualNodes: 20 }),
}
const ALL = Object.entries(STRATEGIES)
const keys = Array.from({ length: 200 }, (_, i) => `user:${i}`)
const constant: PlacementHash = { name: 'constant', hash: () => 7 }

describe.each(ALL)('%s', (name, create) => {
  const five: Options = { nodes: { a: 1, b: 1, c: 1, d: 1, e: 1 }, zones: { a: 'x', b: 'x', c: 'y', d: 'y', e: 'z' } }

  test('is the same for any order of joins (row 22)', () => {
    const ids = fc.uniqueArray(fc.constantFrom('a:5', 'a', 'a:55', '5', '55', ':5', 'b'), { minLength: 1 })
    fc.assert(
      fc.property(ids, fc.boolean(), (order, isColliding) => {
        const hash = isColliding && name !== 'ketama' ? { hash: constant } : {}
        const join = (all: string[]): Placement =>
          all.reduce((next, id) => next.with(id), create({ nodes: {}, ...hash }))
        const [one, other] = [join(order), join([...order].sort())]
        expect(other.checksum).toBe(one.checksum)
        expect(keys.slice(0, 20).map((key) => other.owners(key, 3))).toEqual(
          keys.slice(0, 20).map((key) => one.owners(key, 3)),
        )
        expect(one.with('new').without('new').checksum).toBe(one.checksum)
      }),
      { numRuns: 15 },
    )
  })

  test('names distinct nodes, the owner first, zones spread', () => {
    const placement = create(five)
    const zoneOf = new Map(placement.nodes.map((node) => [node.id, node.zone]))
    for (const key of keys) {
      const owners = placement.owners(key, 5)
      expect(owners[0]).toBe(placement.owner(key))
      expect([...owners].sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
      expect(new Set(owners.slice(0, 3).map((id) => zoneOf.get(id))).size).toBe(3)
      expect(placement.owners(key, 2)).toEqual(owners.slice(0, 2))
      expect(placement.owner(new TextEncoder().encode(key))).toBe(placement.owner(key))
    }
    expect(() => placement.owners('k', 0)).toThrow(RangeError)
  })

  test('measures shares and differences that fit what keys do', () => {
    const before = create(five)
    const after = before.with('f')
    const { nodes, peakToFair, lowToFair } = before.stats()
    expect(nodes.reduce((sum, node) => sum + node.share, 0)).toBeCloseTo(1, 9)
    expect(peakToFair).toBeGreaterThanOrEqual(lowToFair)
    expect(before.diff(before).moves).toEqual([])
    const many = Array.from({ length: 4_000 }, (_, i) => `key:${i}`)
    const moved = many.filter((key) => before.owner(key) !== after.owner(key)).length / many.length
    expect(before.diff(after).movedShare).toBeCloseTo(moved, 1)
    // A fair sixth, and what chance adds in small placements.
    expect(before.diff(after).movedShare).toBeLessThan(0.3)
  })

  test('text and placement are one, and nothing else is read', () => {
    const placement = create(five)
    const read = parsePlacement(placement.serialize())
    expect(read.strategy).toBe(name)
    expect(read.checksum).toBe(placement.checksum)
    expect(keys.map((key) => read.owners(key, 2))).toEqual(keys.map((key) => placement.owners(key, 2)))
    expect(placement.with('c', { zone: 'z' }).checksum).not.toBe(placement.checksum)
    expect(() => parsePlacement(placement.serialize().replace('"format":1', '"format":2'))).toThrow(
      PlacementFormatError,
    )
    expect(() => parsePlacement(placement.serialize().replace(/"hash":"[^"]*"/, '"hash":"x"'))).toThrow('hash "x"')
    const table = createPartitionTable({ nodes: { a: 1 } })
    expect(() => placement.diff(table)).toThrow(RangeError)
    expect(() => table.diff(placement)).toThrow(RangeError)
  })

  test('without nodes it owns nothing', () => {
    const empty = create({ nodes: {} })
    expect([empty.owner('k'), empty.owners('k', 2), empty.stats().peakToFair]).toEqual([undefined, [], 0])
    expect(empty.diff(empty.with('a')).movedShare).toBe(1)
  })
})

test('each strategy places as it always did', () => {
  const placed = ALL.map(([name, create]) => {
    const placement = create({ nodes: { a: 1, b: 1, c: 1, d: 1 } })
    return `${name}: ${keys
      .slice(0, 24)
      .map((key) => placement.owner(key))
      .join('')}`
  })
  expect(placed).toMatchInlineSnapshot(`
    [
      "ring: bccbcaacbaccbacdcbbdcaca",
      "ketama: abcbcacabdabcbbcbaacdabd",
      "rendezvous: bacccdcdbbbcbdbaacdcbccd",
      "jump: caaacbcdabcdbddbdcbacacc",
      "maglev: cdbacbcccaaaddadcdbcbdba",
      "bounded-load: dcbacccdcbdabbaaabaacdba",
    ]
  `)
})

describe('MD5 and ketama', () => {
  test.each([
    ['', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['a', '0cc175b9c0f1b6a831c399e269772661'],
    ['abc', '900150983cd24fb0d6963f7d28e17f72'],
    ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
    ['abcdefghijklmnopqrstuvwxyz', 'c3fcd3d76192e4007dfb496cca67e13b'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 'd174ab98d277d9f5a5611c2c9f419d9f'],
    ['1234567890'.repeat(8), '57edf4a22be3c955ac49da2e2107b67a'],
  ])('RFC 1321, A.5: %s', (text, digest) => {
    const words = md5Words(new TextEncoder().encode(text))
    expect(Buffer.from(words.buffer).toString('hex')).toBe(digest)
  })

  test('agrees with libmemcached on each of its keys', () => {
    const ring = createKetama({ nodes: KETAMA_SERVERS })
    for (const [key, position, , server] of KETAMA_VECTORS) {
      expect(ketamaHash.hash(key)).toBe(position)
      expect(ring.owner(key)).toBe(server)
    }
    // Behind the last point comes the first one.
    expect(ring.position('VDEAAAAA')).toBe(0xfffcd1b5)
    expect(ring.owner('VDEAAAAA')).toBe(ring.owner(keyAt0(ring)))
  })

  test('agrees with libketama for the first 40 numbers over five servers of weights 1 to 5', () => {
    const ring = createKetama({ nodes: { '0.0.0.1': 1, '0.0.0.2': 2, '0.0.0.3': 3, '0.0.0.4': 4, '0.0.0.5': 5 } })
    const found = Array.from({ length: 40 }, (_, i) => ring.owner(String(i))?.at(-1)).join('')
    expect(found).toBe('4543525254552353524445341455555454554445')
  })

  test('a node with too small a weight for a point is in no list', () => {
    const ring = createKetama({ nodes: { a: 1, b: 100_000, c: 100_000 } })
    expect(ring.owners('k', 3).sort()).toEqual(['b', 'c'])
  })
})

/** Any key before the first point. */
function keyAt0(ring: { position(key: string): number; diff(next: Placement): unknown }): string {
  let best = 'x0'
  for (let i = 0; i < 20_000; i++) if (ring.position(`x${i}`) < ring.position(best)) best = `x${i}`
  return best
}

describe('jump', () => {
  test.each([
    [1n, 1, 0],
    [42n, 57, 43],
    [256n, 1_024, 520],
    [0xdead10ccn, 1, 0],
    [0xdead10ccn, 666, 361],
    [16_045_690_984_833_335_023n, 255, 237],
    [0n, 60, 0],
    [1n, 60, 55],
    [2n, 60, 46],
  ])('published vector: key %i, %i buckets', (key, buckets, bucket) => {
    expect(jumpBucket(Number(key >> 32n), Number(key & 0xffffffffn), buckets)).toBe(bucket)
  })

  test('its multiplication is that of 64 bits', () => {
    const reference = (start: bigint, buckets: number): number => {
      let [key, b, j] = [start, -1, 0]
      while (j < buckets) {
        b = j
        key = BigInt.asUintN(64, key * 2_862_933_555_777_941_757n + 1n)
        j = Math.floor((b + 1) * (2 ** 31 / (Number(key >> 33n) + 1)))
      }
      return b
    }
    const half = fc.integer({ min: 0, max: 0xffffffff })
    fc.assert(
      fc.property(half, half, fc.integer({ min: 1, max: 100_000 }), (high, low, buckets) => {
        expect(jumpBucket(high, low, buckets)).toBe(reference((BigInt(high) << 32n) | BigInt(low), buckets))
      }),
    )
  })

  test('a node behind all others takes keys only for itself; weights are refused', () => {
    const before = createJump({ nodes: { a: 1, b: 1, c: 1 } })
    expect(before.diff(before.with('d')).moves.every((move) => move.to === 'd')).toBe(true)
    expect(() => before.with('d', { weight: 2 })).toThrow(RangeError)
  })
})

describe('rendezvous', () => {
  const nodes = { a: 1, b: 2, c: 3, d: 0.5 }

  test('a join, a leave and a weight move keys only to or from their node', () => {
    const before = createRendezvous({ nodes })
    expect(before.diff(before.with('e')).moves.every((move) => move.to === 'e')).toBe(true)
    expect(before.diff(before.without('b')).moves.every((move) => move.from === 'b')).toBe(true)
    expect(before.diff(before.with('a', { weight: 1.5 })).moves.every((move) => move.to === 'a')).toBe(true)
    expect(before.diff(before.with('c', { weight: 1 })).moves.every((move) => move.from === 'c')).toBe(true)
  })

  test('shares follow the weights', () => {
    for (const { share, fairShare } of createRendezvous({ nodes }).stats().nodes) {
      expect(Math.abs(share - fairShare)).toBeLessThan(0.01)
    }
  })

  test('equal weights decide alike whether they are one or not, so the short way is the long one', () => {
    const [one, two] = [1, 2].map((weight) => createRendezvous({ nodes: { a: weight, b: weight, c: weight } }))
    for (const key of keys) expect(one?.owner(key)).toBe(two?.owner(key))
    for (const key of keys) expect(one?.owner(key)).toBe(one?.owners(key, 1)[0])
  })

  test('its logarithm is one, and falls strictly', () => {
    const draw = fc.integer({ min: 0, max: 0xfffffffe })
    fc.assert(
      fc.property(draw, (d) => {
        expect(Math.abs(negativeLog(d) + Math.log((d + 0.5) / 2 ** 32))).toBeLessThan(1e-13)
        expect(negativeLog(d)).toBeGreaterThan(negativeLog(d + 1))
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('maglev', () => {
  test('the example of the paper: table 1, before and after B1 leaves', () => {
    const [b0, b1, b2] = [
      { offset: 3, skip: 4 },
      { offset: 0, skip: 2 },
      { offset: 3, skip: 1 },
    ] as const
    expect([...populate([b0, b1, b2], [1, 1, 1], 7)]).toEqual([1, 0, 1, 0, 2, 2, 0])
    expect([...populate([b0, b2], [1, 1], 7)]).toEqual([0, 0, 0, 0, 1, 1, 1])
  })

  test('equal weights differ by a slot at most; others follow their weights', () => {
    const shares = createMaglev({ nodes: { a: 1, b: 1, c: 1, d: 1 }, slots: 1_021 })
      .stats()
      .nodes.map((node) => node.share * 1_021)
    for (const share of shares) expect(Math.abs(share - 255.25)).toBeLessThan(1)
    for (const { share, fairShare } of createMaglev({ nodes: { a: 1, b: 2, c: 4.5 }, slots: 1_021 }).stats().nodes) {
      expect(Math.abs(share - fairShare)).toBeLessThan(0.005)
    }
  })

  test('slots must be prime, and more than nodes', () => {
    expect(() => createMaglev({ nodes: { a: 1 }, slots: 1_024 })).toThrow(RangeError)
    expect(() => createMaglev({ nodes: { a: 1, b: 1, c: 1 }, slots: 3 })).toThrow(RangeError)
  })
})

describe('bounded loads', () => {
  test('nobody has more than the factor says, by its weight', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 9 }), { minKeys: 1, maxKeys: 9 }),
        (nodes) => {
          const slots = 256
          for (const { share, fairShare } of createBoundedLoad({
            nodes,
            slots,
            loadFactor: 1.1,
            virtualNodes: 5,
          }).stats().nodes) {
            expect(share * slots).toBeLessThanOrEqual(Math.ceil(1.1 * slots * fairShare))
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  test.each([[1], [Number.NaN], [101]])('a load factor of %d is refused', (loadFactor) => {
    expect(() => createBoundedLoad({ nodes: {}, loadFactor })).toThrow(RangeError)
  })
})
