import { describe, expect, test } from 'vitest'
import { forSeeds, sameTwice, type TestNode, type TestService, testCluster } from '../../src/index.ts'

const start = (): TestService => ({ stop: async () => undefined })

describe('forSeeds', () => {
  test('runs a body for each seed, in their order', async () => {
    const seen: number[] = []
    const note = ({ seed }: { seed: number }): void => void seen.push(seed)
    await forSeeds([7, 3], { nodes: 1, start }, note)
    await forSeeds({ count: 2 }, { nodes: 1, start }, note)
    await forSeeds({ count: 2, first: 40 }, { nodes: 1, start }, note)
    expect(seen).toEqual([7, 3, 1, 2, 40, 41])
  })

  test('ends with the first that fails, and says which it was, at which commit, and how to have it again', async () => {
    const pages: [seed: number, html: string][] = []
    const broken = new Error('a promise was broken')
    const options = {
      nodes: 2,
      start,
      commit: 'abc123',
      page: (html: string, seed: number) => void pages.push([seed, html]),
    }
    const failing = forSeeds([1, 8, 9], options, async (cluster) => {
      await cluster.advance('1s')
      if (cluster.seed > 7) throw broken
    })
    await expect(failing).rejects.toMatchObject({
      code: 'DSYS_SIMULATION_SEED_FAILED',
      seed: 8,
      message: 'seed 8 at commit abc123: a promise was broken',
      hint: expect.stringContaining('forSeeds([8], …)'),
      cause: broken,
    })
    expect(pages.map(([seed]) => seed)).toEqual([8])
    expect(pages[0]?.[1]).toContain('<title>Seed 8: a promise was broken</title>')
  })

  test('names the seed of a cluster that could not start as well', async () => {
    const bad = (): TestService => {
      throw new Error('no configuration')
    }
    const failing = forSeeds([5], { nodes: 1, start: bad, commit: 'abc' }, () => undefined)
    await expect(failing).rejects.toMatchObject({ seed: 5, cause: { code: 'DSYS_SIMULATION_START_FAILED' } })
  })

  test('refuses what is no seed, before it runs any', async () => {
    let runs = 0
    const count = (): void => void runs++
    for (const seeds of [[], [1, -1], [2 ** 32], [0.5], { count: 0 }, { count: 2, first: 2 ** 32 - 1 }]) {
      await expect(forSeeds(seeds, { nodes: 1, start }, count)).rejects.toThrow(RangeError)
    }
    expect(runs).toBe(0)
    for (const seed of [-1, 2 ** 32, 1.5, Number.NaN]) {
      await expect(testCluster({ nodes: 1, start, seed })).rejects.toThrow(/a seed is a whole number from 0/)
    }
    await using most = await testCluster({ nodes: 1, start, seed: 2 ** 32 - 1 })
    expect(most.seed).toBe(2 ** 32 - 1)
  })
})

describe('sameTwice', () => {
  test('is content with a run that is the same twice', async () => {
    await sameTwice({ nodes: 3, seed: 4 }, async (cluster) => {
      await cluster.elected()
    })
  })

  test('tells the first event of a run that is not', async () => {
    let made = 0
    const talker = (node: TestNode): TestService => {
      const own = ++made
      node.clock.setTimer(10, () =>
        node.transport.send({ id: 'n1' }, 'talk', Uint8Array.of(node.id === 'n2' ? own : 0)),
      )
      return start()
    }
    const twice = sameTwice({ nodes: 2, seed: 4, start: talker }, (cluster) => cluster.advance('1s'))
    await expect(twice).rejects.toMatchObject({
      code: 'DSYS_SIMULATION_NOT_DETERMINISTIC',
      seed: 4,
      message: expect.stringMatching(/the first time: .*n2, send, n1[\s\S]*the second time: .*n2, send, n1/),
    })
  })
})
