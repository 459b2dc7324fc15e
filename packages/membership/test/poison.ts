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

/** Runs `body` while clocks, timers, chance and cryptography throw on any touch. */
export function poisoned(body: () => void): void {
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
