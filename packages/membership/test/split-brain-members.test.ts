import { NodeScope } from '@dsys/di'
import { SeededRandom, silentLogger, silentMeter, VirtualClock } from '@dsys/runtime'
import { runtime } from '@dsys/runtime/di'
import { MemoryNetwork, type MemoryTransport } from '@dsys/transport-memory'
import { memoryTransport } from '@dsys/transport-memory/di'
import { describe, expect, test } from 'vitest'
import { plainContainer } from '../../../tooling/fixtures/plain-container.ts'
import { MEMBERSHIP, membership, SPLIT_BRAIN_RESOLVER, splitBrainResolver } from '../src/di.ts'
import { keepMajority, Membership, SplitBrainResolver } from '../src/index.ts'

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i + 1}`)

describe('the resolver, over members that run', () => {
  interface Side {
    readonly id: string
    readonly membership: Membership
    readonly resolver: SplitBrainResolver
    readonly transport: MemoryTransport
    readonly outcomes: string[]
  }

  async function cluster(
    removal: 'swim' | 'cut',
  ): Promise<{ clock: VirtualClock; network: MemoryNetwork; sides: Side[]; stop: () => Promise<void> }> {
    const clock = new VirtualClock()
    const random = new SeededRandom(7)
    const logger = silentLogger
    const link = { minDelayMs: 1, maxDelayMs: 3 }
    const network = new MemoryNetwork({ clock, random: random.stream('network') }, { link })
    const sides = names(5).map((id): Side => {
      const transport = network.endpoint(id)
      const ports = { clock, logger, random: random.stream(id), meter: silentMeter, transport }
      const membership = new Membership(ports, { cluster: 'test', removal })
      const outcomes: string[] = []
      const resolver = new SplitBrainResolver(
        { clock, logger, membership, self: id },
        {
          strategy: keepMajority(),
          stableAfterMs: 8_000,
          onDown: ({ outcome }) => void outcomes.push(outcome),
          onSurvive: ({ outcome }) => void outcomes.push(outcome),
        },
      )
      return { id, membership, resolver, transport, outcomes }
    })
    for (const { transport, membership, resolver } of sides) {
      await transport.start()
      const started = membership.start()
      await clock.advanceAsync(1_000)
      await started
      await resolver.start()
    }
    await clock.advanceAsync(20_000)
    const stop = async (): Promise<void> => {
      for (const { transport, membership, resolver } of sides) {
        await resolver.stop()
        const stopped = membership.stop()
        await clock.advanceAsync(1_000)
        await stopped
        await transport.stop()
      }
    }
    return { clock, network, sides, stop }
  }

  test.each(['swim', 'cut'] as const)(
    'a partition: the majority goes on, the rest goes down, each once (%s)',
    async (removal) => {
      const { clock, network, sides, stop } = await cluster(removal)
      network.partition(['n1', 'n2'], ['n3', 'n4', 'n5'])
      await clock.advanceAsync(60_000)
      expect(sides.map(({ outcomes }) => outcomes)).toEqual([['down'], ['down'], ['survive'], ['survive'], ['survive']])
      await stop()
    },
  )

  test('one that hears nobody goes down, and so does one whom nobody hears', async () => {
    for (const isDeaf of [true, false]) {
      const { clock, network, sides, stop } = await cluster('cut')
      for (const id of names(5).slice(0, 4)) network.cut(isDeaf ? id : 'n5', isDeaf ? 'n5' : id)
      await clock.advanceAsync(90_000)
      const expected = [['survive'], ['survive'], ['survive'], ['survive'], ['down']]
      expect(sides.map(({ outcomes }) => outcomes)).toEqual(expected)
      await stop()
    }
  })
})

test('the module builds a resolver over the membership of its scope', async () => {
  const network = new MemoryNetwork()
  await using scope = new NodeScope(plainContainer()).use(
    runtime(),
    memoryTransport({ network, nodeId: 'n1' }),
    membership({ cluster: 'shop', joinTimeoutMs: 10 }),
    splitBrainResolver({ strategy: keepMajority(), onDown: () => undefined }),
  )
  await scope.start()
  expect(scope.get(SPLIT_BRAIN_RESOLVER).status()).toEqual({ state: 'changing', counted: [], lastDecision: undefined })
})

test('its options may need a part of the scope, as a lease on a keyspace does', async () => {
  const network = new MemoryNetwork()
  const seen: string[] = []
  await using scope = new NodeScope(plainContainer()).use(
    runtime(),
    memoryTransport({ network, nodeId: 'n1' }),
    membership({ cluster: 'shop', joinTimeoutMs: 10 }),
    splitBrainResolver((parts) => {
      seen.push(typeof parts.get(MEMBERSHIP).members)
      return { strategy: keepMajority(), onDown: () => undefined }
    }),
  )
  await scope.start()
  expect(scope.get(SPLIT_BRAIN_RESOLVER).status().state).toBe('changing')
  expect(seen).toEqual(['function'])
})
