import { Socket } from 'node:net'
import { systemClock } from '@dsys/runtime'
import { expect, test } from 'vitest'
import type { Identity } from '../src/handshake.ts'
import { nodeNetwork } from '../src/node-network.ts'
import { Reception } from '../src/reception.ts'

function from(remoteAddress: string): Socket {
  return Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress })
}

test('who comes in numbers from one address takes the place of its own kind, not of those from others', () => {
  let refused = 0
  const reception = new Reception({
    clock: systemClock,
    // Nobody gets as far as a greeting.
    network: { ...nodeNetwork, accept: () => undefined },
    me: {} as Identity,
    maxHandshakes: 4,
    timeoutMs: 60_000,
    onCaller: () => ({ admitted: false, refusal: 'full', generation: 0 }),
    onRefused: () => refused++,
  })
  const node = from('10.0.0.1')
  reception.take(node)
  const flood = Array.from({ length: 20 }, () => from('10.0.0.66'))
  for (const socket of flood) reception.take(socket)
  const other = from('10.0.0.2')
  reception.take(other)
  expect([node.destroyed, other.destroyed, reception.size]).toEqual([false, false, 4])
  expect(flood.map(({ destroyed }) => destroyed)).toEqual([...new Array(18).fill(true), false, false])
  expect(refused).toBe(18)
  reception.close()
  expect([node.destroyed, other.destroyed]).toEqual([true, true])
})
