import { Socket } from 'node:net'
import { type Clock, systemClock } from '@dsys/runtime'
import { expect, test } from 'vitest'
import type { Identity } from '../src/handshake.ts'
import { nodeNetwork } from '../src/node-network.ts'
import { Reception } from '../src/reception.ts'

test('TLS and the proof of who one is have one deadline together', () => {
  let nowMs = 100
  const delays: number[] = []
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => nowMs,
    setTimer: (delayMs) => {
      delays.push(delayMs)
      return { cancel: () => undefined }
    },
  }
  const accept = (socket: Socket, use: (ready: Socket) => void): void => {
    nowMs += 700
    use(socket)
  }
  const reception = new Reception({
    ...{ clock, network: { ...nodeNetwork, accept }, me: {} as Identity, maxHandshakes: 4, timeoutMs: 1_000 },
    onCaller: () => ({ admitted: false, refusal: 'full', generation: 0 }),
    onRefused: () => undefined,
  })
  reception.take(new Socket())
  expect(delays).toEqual([1_000, 300])
  reception.close()
})
