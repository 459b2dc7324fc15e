import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashText } from '../src/json.ts'
import { PersistentMap } from '../src/models/persistent-map.ts'

// The last two have one hash, and so have the two before them.
const KEYS = ['a', 'b', 'c', 'd', 'e', '__proto__', 'costarring', 'liquid', 'altarage', 'zinke']
const change = fc.record({ key: fc.constantFrom(...KEYS), value: fc.option(fc.nat(3), { nil: undefined }) })
const changes = fc.array(change, { maxLength: 30 })

function apply(list: readonly { key: string; value: number | undefined }[]): PersistentMap<number> {
  let map = PersistentMap.empty<number>()
  for (const { key, value } of list) map = value === undefined ? map.without(key) : map.with(key, value)
  return map
}

const entriesOf = (map: PersistentMap<number>): [string, number][] =>
  [...map.entries()].map(([key, value]): [string, number] => [key, value]).sort()

test('some keys have one hash', () => {
  expect(hashText('costarring')).toBe(hashText('liquid'))
  expect(hashText('altarage')).toBe(hashText('zinke'))
})

test('is a map, and none of its earlier states changes', () => {
  fc.assert(
    fc.property(changes, (list) => {
      const plain = new Map<string, number>()
      const states: { map: PersistentMap<number>; entries: [string, number][] }[] = []
      let map = PersistentMap.empty<number>()
      for (const { key, value } of list) {
        if (value === undefined) plain.delete(key)
        else plain.set(key, value)
        map = value === undefined ? map.without(key) : map.with(key, value)
        expect(map.size).toBe(plain.size)
        for (const other of KEYS) expect([map.get(other), map.has(other)]).toEqual([plain.get(other), plain.has(other)])
        states.push({ map, entries: [...plain].sort() })
      }
      for (const { map: state, entries } of states) expect(entriesOf(state)).toEqual(entries)
    }),
  )
})

test('maps are equal when they have the same, whatever they came from', () => {
  fc.assert(
    fc.property(changes, changes, (a, b) => {
      const [left, right] = [apply(a), apply(b)]
      const same = JSON.stringify(entriesOf(left)) === JSON.stringify(entriesOf(right))
      expect(left.equals(right, Object.is)).toBe(same)
      const rebuilt = apply(
        entriesOf(left)
          .reverse()
          .map(([key, value]) => ({ key, value })),
      )
      expect(rebuilt.equals(left, Object.is)).toBe(true)
    }),
  )
})

test('what two maps share is not looked at', () => {
  let map = PersistentMap.empty<number>()
  for (let number = 0; number < 1000; number++) map = map.with(`key${number}`, number)
  const back = map.with('key7', -1).without('key8').with('key8', 8).with('key7', 7)
  let looks = 0
  const same = (a: number, b: number): boolean => {
    looks += 1
    return a === b
  }
  expect(back.equals(map, same)).toBe(true)
  expect(looks).toBeLessThan(5)
})
