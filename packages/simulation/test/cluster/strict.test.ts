import nodeCrypto, { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as namedSetTimeout } from 'node:timers'
import { setTimeout as sleep } from 'node:timers/promises'
import { delay } from '@dsys/runtime'
import { describe, expect, test, vi } from 'vitest'
import { type TestNode, type TestService, testCluster } from '../../src/index.ts'

/** Runs `work` on n2 half a second after its start, in a step of its own. */
const startWith =
  (work: (node: TestNode) => unknown) =>
  (node: TestNode): TestService => {
    if (node.id === 'n2') node.clock.setTimer(500, () => void work(node))
    return { stop: async () => undefined }
  }

const CALLS: Readonly<Record<string, () => unknown>> = {
  'Date.now()': () => Date.now(),
  'new Date()': () => new Date(),
  'Date()': () => Date(),
  'performance.now()': () => performance.now(),
  'process.hrtime()': () => process.hrtime(),
  'process.hrtime.bigint()': () => process.hrtime.bigint(),
  'Math.random()': () => Math.random(),
  'crypto.randomUUID()': () => crypto.randomUUID(),
  'crypto.getRandomValues()': () => crypto.getRandomValues(new Uint8Array(1)),
  'setTimeout()': () => clearTimeout(setTimeout(() => undefined, 1)),
  'setInterval()': () => clearInterval(setInterval(() => undefined, 1)),
  'setImmediate()': () => clearImmediate(setImmediate(() => undefined)),
}

const NAMED_CALLS: Readonly<Record<string, () => unknown>> = {
  'crypto.randomUUID()': () => randomUUID(),
  'crypto.randomBytes()': () => randomBytes(1),
  'crypto.randomInt()': () => nodeCrypto.randomInt(5),
  'setTimeout()': () => clearTimeout(namedSetTimeout(() => undefined, 1)),
  'timers/promises setTimeout()': () => sleep(1),
}

const globalsNow = (): unknown[] => [
  ...[Date, setTimeout, setInterval, setImmediate, Math.random, performance.now, process.hrtime, process.hrtime.bigint],
  ...[crypto.randomUUID, crypto.getRandomValues, randomUUID, randomBytes, namedSetTimeout, sleep],
]

describe('a strict cluster', () => {
  test.each([...Object.entries(CALLS), ...Object.entries(NAMED_CALLS)])(
    'fails over %s in a node, and names both',
    async (call, work) => {
      await using cluster = await testCluster({ nodes: 3, start: startWith(work) })
      const error = await cluster.advance('1s').catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'DSYS_SIMULATION_REAL_WORLD', node: 'n2', call })
      expect(error).toMatchObject({ message: expect.stringContaining(`n2 called ${call}`) })
      expect((error as Error).stack).toMatch(/\n +at .*strict\.test\.ts/)
      expect(cluster.nowMs).toBeGreaterThanOrEqual(500)
      // Said once; the run goes on, for those who want to look at it.
      await cluster.advance('1s')
    },
  )

  test('sees what comes behind an await, and what the start of a service does', async () => {
    const later = async ({ clock }: TestNode): Promise<void> => {
      await delay(clock, 5)
      await Promise.resolve()
      Math.random()
    }
    await using cluster = await testCluster({ nodes: 3, start: startWith(later) })
    await expect(cluster.advance('1s')).rejects.toMatchObject({ node: 'n2', call: 'Math.random()' })
    const start = async (): Promise<TestService> => ({ status: () => Date.now(), ...(Date.now() > 0 ? {} : {}) })
    await expect(testCluster({ nodes: 1, start })).rejects.toMatchObject({ node: 'n1', call: 'Date.now()' })
  })

  test('lets be what is done outside of its steps, a date that is given, and what a runner does in its own interest', async () => {
    let refuse = (_: Error): void => undefined
    const refused = new Promise<void>((_, reject) => {
      refuse = reject
    })
    const expected = expect(refused).rejects.toThrow('refused')
    const told = vi.fn()
    const own = startWith(() => {
      // Also these go on in the step: a test may well expect something of a promise that a node settles.
      refuse(new Error('refused'))
      told('something')
      expect(new Date(5).getTime()).toBe(5)
      expect(new Date(5)).toBeInstanceOf(Date)
      expect(Date.UTC(1970, 0, 1)).toBe(0)
      // The runner notes when it was printed.
      console.info('printed by a simulated node')
    })
    await using cluster = await testCluster({ nodes: 3, start: own })
    let busy = true
    let turns = 0
    const elsewhere = (async () => {
      while (busy) {
        await new Promise((resolve) => setTimeout(resolve, 0))
        await Promise.resolve()
        randomUUID()
        if (Date.now() > 0 && Math.random() < 2 && performance.now() > 0) turns++
      }
    })()
    for (let i = 0; i < 20; i++) {
      await cluster.advance({ ms: 100 })
      await new Promise((resolve) => setImmediate(resolve))
    }
    while (turns < 5) await cluster.advance('10s')
    busy = false
    await elsewhere
    await expected
    expect(told).toHaveBeenCalledWith('something')
  })

  test('puts back all that it has replaced, also after an error, and only after the last of several', async () => {
    const before = globalsNow()
    const first = await testCluster({ nodes: 3, start: startWith(() => Date.now()) })
    const second = await testCluster({ nodes: 3, start: startWith(() => Math.random()) })
    expect(globalsNow()).not.toEqual(before)
    await expect(first.advance('1s')).rejects.toMatchObject({ call: 'Date.now()' })
    await first[Symbol.asyncDispose]()
    await first[Symbol.asyncDispose]()
    await expect(second.advance('1s')).rejects.toMatchObject({ call: 'Math.random()' })
    await second[Symbol.asyncDispose]()
    const after = globalsNow()
    for (const [i, value] of before.entries()) expect(Object.is(after[i], value), `global ${i}`).toBe(true)
    const start = (): TestService => {
      throw new Error('no')
    }
    await expect(testCluster({ nodes: 1, start })).rejects.toThrow()
    for (const [i, value] of globalsNow().entries()) expect(Object.is(before[i], value)).toBe(true)
  })

  test('leaves in place what somebody else has put there meanwhile', async () => {
    const before = Math.random
    const mine = (): number => 0.5
    const cluster = await testCluster({ nodes: 1, start: startWith(() => undefined) })
    Math.random = mine
    await cluster[Symbol.asyncDispose]()
    expect(Math.random).toBe(mine)
    Math.random = before
  })

  test('is not disturbed by another one that moves at the same time, even from inside of a step', async () => {
    const quiet = startWith(() => undefined)
    await using a = await testCluster({ nodes: 3, seed: 1, start: quiet })
    await using b = await testCluster({ nodes: 3, seed: 2, start: quiet })
    await using loud = await testCluster({ nodes: 3, seed: 3, start: startWith(() => Date.now()) })
    const results = await Promise.allSettled([a.advance('1s'), b.advance('1s'), loud.advance('1s')])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    let inside: Promise<void> | undefined
    await a.run(async () => {
      await delay(a.clock, 10)
      inside = b.advance('1s')
    })
    await inside
  })

  test('is told by an option to let be', async () => {
    let seen = 0
    const count = (): void =>
      void Object.values(CALLS).forEach((call) => {
        call()
        seen++
      })
    await using cluster = await testCluster({ nodes: 3, strict: false, start: startWith(count) })
    await cluster.advance('1s')
    expect(seen).toBe(Object.keys(CALLS).length)
  })
})

describe('what goes wrong in a node', () => {
  test('as a loop of timers of 0 ms is told after so many steps, by its node', async () => {
    const loop = ({ clock }: TestNode): void => void clock.setTimer(0, () => loop({ clock } as TestNode))
    await using cluster = await testCluster({ nodes: 3, start: startWith(loop), maxStepsAtOnce: 5_000 })
    await expect(cluster.advance('1s')).rejects.toMatchObject({
      code: 'DSYS_SIMULATION_STUCK',
      node: 'n2',
      message: expect.stringMatching(/5000 steps at 50\d/),
    })
    await expect(cluster.advance('1s')).rejects.toMatchObject({ code: 'DSYS_SIMULATION_STUCK' })
    await expect(testCluster({ nodes: 1, maxStepsAtOnce: 0 })).rejects.toThrow(RangeError)
  })

  test('as a rejection that nobody handles is told with the node', async () => {
    // The runner would take it for a failure of its own.
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    try {
      const work = (): void => void Promise.reject(new Error('out of coffee'))
      await using cluster = await testCluster({ nodes: 3, start: startWith(work) })
      await expect(cluster.advance('1s')).rejects.toMatchObject({
        code: 'DSYS_SIMULATION_UNHANDLED',
        node: 'n2',
        message: expect.stringContaining('after a step of n2: out of coffee'),
        cause: new Error('out of coffee'),
      })
      expect(process.listenerCount('unhandledRejection')).toBe(0)
    } finally {
      for (const listener of listeners) process.on('unhandledRejection', listener)
    }
  })
})

describe('a cluster whose time nobody moves', () => {
  /** What the process is warned of in the 2.5 s of real time after `begin`, whose time is not real but that of the runner. */
  const warnedOf = async (begin: () => void, after: () => Promise<unknown>): Promise<string[]> => {
    const seen: string[] = []
    const listen = (warning: Error & { code?: string }): void => void seen.push(warning.code ?? '')
    process.on('warning', listen)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      begin()
      await vi.advanceTimersByTimeAsync(1_000)
      await after()
      await vi.advanceTimersByTimeAsync(1_500)
      await new Promise((resolve) => setImmediate(resolve))
      return seen
    } finally {
      vi.useRealTimers()
      process.off('warning', listen)
    }
  }

  test('warns of it where something was begun, and not where time moves, or the cluster is at its end', async () => {
    const quiet = async (): Promise<void> => undefined
    await using cluster = await testCluster({ nodes: 3, start: startWith(() => undefined) })
    const begin = (): void => void cluster.clock.setTimer(1, () => undefined)
    expect(await warnedOf(() => undefined, quiet)).toEqual([])
    expect(await warnedOf(begin, () => cluster.advance('1s'))).toEqual([])
    expect(await warnedOf(begin, quiet)).toEqual(['DSYS_SIMULATION_STANDS_STILL'])
    expect(await warnedOf(begin, quiet)).toEqual([])
    await using other = await testCluster({ nodes: 3, start: startWith(() => undefined) })
    const beginOther = (): void => void other.clock.setTimer(1, () => undefined)
    expect(await warnedOf(beginOther, () => other[Symbol.asyncDispose]() as Promise<void>)).toEqual([])
  })
})
