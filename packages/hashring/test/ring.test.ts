import { NodeScope } from '@dsys/di'
import { describe, expect, test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'
import { HASH_RING, hashring } from '../src/di.ts'
import { createRing, PlacementFormatError, type PlacementHash, type PlacementKey, parseRing } from '../src/index.ts'

const nodes = { a: 1, b: 1, c: 2 }
const keys = Array.from({ length: 2_000 }, (_, i) => `key:${i}`)
const utf8 = new TextEncoder()

describe('lookups', () => {
  test('a string and its UTF-8 bytes have one owner', () => {
    const ring = createRing({ nodes })
    for (const key of ['', 'user:42', 'Schlüssel', '🔑']) expect(ring.owner(utf8.encode(key))).toBe(ring.owner(key))
  })

  test('placement is pinned: a change of it would move the data of every user', () => {
    const ring = createRing({ nodes, zones: { a: 'z1', b: 'z2', c: 'z2' } })
    expect(ring.serialize()).toBe(
      '{"format":1,"hash":"murmur3-x86-32","virtualNodes":150,"nodes":[["a",1,"z1"],["b",1,"z2"],["c",2,"z2"]]}',
    )
    expect({
      checksum: ring.checksum,
      owners: ['user:1001', 'user:1002', 'user:1003', 'x'].map((key) => ring.owners(key, 3).join()),
    }).toMatchInlineSnapshot(`
      {
        "checksum": "0450661df70cb5df",
        "owners": [
          "a,c,b",
          "c,a,b",
          "c,a,b",
          "c,a,b",
        ],
      }
    `)
  })

  test('an empty ring owns nothing', () => {
    const empty = createRing({ nodes: {} })
    expect(empty.owner('k')).toBeUndefined()
    expect(empty.owners('k', 3)).toEqual([])
    expect(empty.stats().peakToFair).toBe(0)
    expect(empty.diff(empty.with('a')).moves).toEqual([
      { from: undefined, to: 'a', share: 1, ranges: [{ first: 0, last: 2 ** 32 - 1 }] },
    ])
    expect(createRing({ nodes: { a: 1 } }).without('a').nodes).toEqual([])
  })

  test('owners asks for at least one node', () => {
    expect(() => createRing({ nodes }).owners('k', 0)).toThrow(RangeError)
    expect(() => createRing({ nodes }).owners('k', 1.5)).toThrow(RangeError)
  })

  test('a list of four over two zones has two of each, one of each first', () => {
    const ring = createRing({
      nodes: { a: 1, b: 1, c: 1, d: 1, e: 1 },
      zones: { a: 'x', b: 'x', c: 'x', d: 'y', e: 'y' },
    })
    for (const key of keys) {
      const zones = ring.owners(key, 4).map((id) => ring.nodes.find((node) => node.id === id)?.zone)
      expect(new Set(zones.slice(0, 2)).size).toBe(2)
      expect(new Set(zones.slice(2)).size).toBe(2)
    }
  })
})

describe('collisions', () => {
  const constant: PlacementHash = { name: 'constant', hash: () => 7 }
  // Only four positions, so nearly every virtual node collides.
  const coarse: PlacementHash = {
    name: 'coarse',
    hash: (key: PlacementKey) =>
      ((typeof key === 'string' ? key.length : key.reduce((sum, byte) => sum + byte, 0)) % 4) * 2 ** 30,
  }

  test('a shared position belongs to the smaller id, whatever the order of joins', () => {
    const ring = createRing({ nodes: { b: 1, a: 1, c: 1 }, hash: constant })
    expect(ring.owner('k')).toBe('a')
    expect(ring.owners('k', 3)).toEqual(['a', 'b', 'c'])
    expect(ring.without('a').owner('k')).toBe('b')
    expect(ring.stats().nodes.map((node) => node.share)).toEqual([1, 0, 0])
    const joined = createRing({ nodes: {}, hash: constant }).with('c').with('a').with('b')
    expect(joined.owners('k', 3)).toEqual(['a', 'b', 'c'])
  })

  test('every permutation of joins gives the same map where positions collide', () => {
    const maps = permutations(['n1', 'n2', 'n3', 'n4']).map((ids) => {
      const ring = ids.reduce((next, id) => next.with(id), createRing({ nodes: {}, hash: coarse, virtualNodes: 3 }))
      return JSON.stringify([ring.checksum, keys.slice(0, 16).map((key) => ring.owners(key, 4))])
    })
    expect(new Set(maps).size).toBe(1)
  })

  test('names that concatenate alike do not share virtual nodes', () => {
    const ring = createRing({ nodes: { 'a:5': 1, a: 1, 'a:55': 1, 'a:': 1, 5: 1 }, virtualNodes: 1_000 })
    // 5,000 draws out of 2^32 meet about 0.003 times; a shared name would make dozens.
    expect(ring.stats().collisions).toBe(0)
  })

  test('a hash that gives anything but a position is refused', () => {
    expect(() => createRing({ nodes, hash: { name: 'wrong', hash: () => 0.5 } })).toThrow(RangeError)
    expect(() => createRing({ nodes, hash: { name: 'wrong', hash: () => -1 } })).toThrow(RangeError)
  })
})

describe('serialization', () => {
  test('round trip, equal checksum', () => {
    const ring = createRing({ nodes: { a: 0.5, b: 3 }, zones: { b: 'z"1' }, virtualNodes: 40 })
    const read = parseRing(ring.serialize())
    expect(read.checksum).toBe(ring.checksum)
    expect(keys.map((key) => read.owner(key))).toEqual(keys.map((key) => ring.owner(key)))
  })

  test('the checksum covers weight, zone, virtualNodes and hash', () => {
    const base = createRing({ nodes })
    const others = [
      base.with('c', { weight: 3 }),
      base.with('c', { weight: 2, zone: 'z' }),
      createRing({ nodes, virtualNodes: 151 }),
      createRing({
        nodes,
        hash: { name: 'other', hash: (key) => (typeof key === 'string' ? key.length : (key[0] ?? 0)) },
      }),
    ]
    expect(new Set([base, ...others].map((ring) => ring.checksum)).size).toBe(5)
  })

  test.each([
    ['', 'not JSON'],
    ['null', 'not an object'],
    ['{"format":2}', 'format'],
    ['{"format":1,"hash":"murmur3-x86-32","virtualNodes":150,"nodes":[["a"]]}', 'not [id, weight, zone]'],
    ['{"format":1,"hash":"murmur3-x86-32","virtualNodes":150,"nodes":[["a","1"]]}', 'wrong type'],
    ['{"format":1,"hash":"murmur3-x86-32","virtualNodes":150,"nodes":[["a",-1]]}', 'limits'],
    ['{"format":1,"hash":"murmur3-x86-32","virtualNodes":0,"nodes":[]}', 'limits'],
    ['{"format":1,"hash":"murmur3-x86-32","virtualNodes":150,"nodes":[["a",1],["a",2]]}', 'twice'],
    ['{"format":1,"hash":"md5","virtualNodes":150,"nodes":[]}', 'hash "md5"'],
  ])('%s is refused', (text, why) => {
    expect(() => parseRing(text)).toThrow(PlacementFormatError)
    expect(() => parseRing(text)).toThrow(why)
  })
})

describe('limits', () => {
  test.each([
    [{ nodes: { '': 1 } }],
    [{ nodes: { a: 0 } }],
    [{ nodes: { a: Number.NaN } }],
    [{ nodes: { a: Number.POSITIVE_INFINITY } }],
    [{ nodes: { ['x'.repeat(129)]: 1 } }],
    [{ nodes: { '\ud800': 1 } }],
    [{ nodes, virtualNodes: 0 }],
    [{ nodes, virtualNodes: 1.5 }],
    [{ nodes, zones: { nobody: 'z' } }],
    [{ nodes, zones: { a: '' } }],
    [{ nodes: { a: 1e6 } }],
  ])('%j is a RangeError', (options) => {
    expect(() => createRing(options as Parameters<typeof createRing>[0])).toThrow(RangeError)
  })

  test('rings over different hash functions are not compared', () => {
    const other = createRing({ nodes, hash: { name: 'other', hash: () => 1 } })
    expect(() => createRing({ nodes }).diff(other)).toThrow(RangeError)
  })
})

test('the module registers a ring', () => {
  const scope = new NodeScope(plainContainer()).use(hashring({ nodes }))
  expect(scope.get(HASH_RING).has('c')).toBe(true)
  expect(scope.get(HASH_RING)).toBe(scope.get(HASH_RING))
})

function permutations(items: string[]): string[][] {
  if (items.length <= 1) return [items]
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]))
}
