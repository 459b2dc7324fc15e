import { expect, test } from 'vitest'
import { createRing, parseRing } from '../src/index.ts'

const forbidden = [
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'crypto',
  'fetch',
] as const

/** Runs `body` while clock, timers, chance and cryptography throw on any touch. */
function poisoned(body: () => void): void {
  const poison = (name: string): never => {
    throw new Error(`the core touched ${name}`)
  }
  const saved = forbidden.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
  const random = Math.random
  try {
    for (const name of forbidden)
      Object.defineProperty(globalThis, name, { configurable: true, get: () => poison(name) })
    Math.random = () => poison('Math.random')
    body()
  } finally {
    Math.random = random
    for (const [name, descriptor] of saved)
      if (descriptor !== undefined) Object.defineProperty(globalThis, name, descriptor)
  }
}

test('the ring needs no clock, timer, chance or cryptography', () => {
  let reached = false
  poisoned(() => {
    expect(() => Date.now()).toThrow('the core touched Date')
    const ring = createRing({ nodes: { a: 1, b: 2 }, zones: { a: 'z' } })
      .with('c')
      .without('a')
    ring.owners('k', 2)
    ring.diff(ring.with('d'))
    ring.stats()
    parseRing(ring.serialize()).checksum
    reached = true
  })
  expect(reached).toBe(true)
})
