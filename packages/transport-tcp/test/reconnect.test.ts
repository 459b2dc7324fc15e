import { type Clock, SeededRandom, systemClock } from '@dsys/runtime'
import { expect, test } from 'vitest'
import { Relay, reached, startNode, until } from './rig.ts'

test('a connection that ends as soon as it begins is made anew after a wait that grows like after any other failure', async () => {
  const waits: number[] = []
  const clock: Clock = {
    ...systemClock,
    // It stands still, so that a busy machine shortens no wait.
    monotonicMs: () => 1,
    setTimer: (delayMs, callback) => {
      if (delayMs <= 64) waits.push(delayMs)
      return systemClock.setTimer(delayMs, callback)
    },
  }
  await using b = await startNode({ nodeId: 'b' })
  await using relay = await Relay.to(b.address)
  await using a = await startNode(
    { nodeId: 'a', peers: { b: relay.address }, minReconnectWaitMs: 4, maxReconnectWaitMs: 20_000 },
    { clock, random: new SeededRandom(7) },
  )
  for (let round = 0; round < 5; round++) {
    await reached(a, b)
    relay.cut()
    await until('the loss', () => a.said('lost the connection to a peer').length > round)
  }
  await reached(a, b)
  expect(waits).toHaveLength(5)
  for (const [index, wait] of waits.entries()) {
    const most = 4 * 2 ** index
    expect([wait > most / 2, wait <= most], `${index}: ${wait}`).toEqual([true, true])
  }
})
