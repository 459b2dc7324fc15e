import { SeededRandom, systemRuntime, VirtualClock } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { encodeMessage } from '../src/core/codec.ts'
import { Membership } from '../src/index.ts'
import { ManualTransport } from './manual-transport.ts'

describe('turns of the event loop', () => {
  test('M-19: after a block, news that waited does not hide how long it was', async () => {
    const clock = new VirtualClock()
    let blockedMs = 0
    let inTurn: () => void = () => undefined
    const blocked = {
      monotonicMs: () => clock.monotonicMs() + blockedMs,
      wallMs: () => clock.wallMs(),
      setTimer: (delayMs: number, callback: () => void) => clock.setTimer(delayMs, callback),
      afterIo: (callback: () => void) =>
        clock.afterIo(() => {
          inTurn()
          callback()
        }),
    }
    const transport = new ManualTransport()
    const ports = { ...systemRuntime({ clock: blocked, random: new SeededRandom(1) }), transport }
    const times = { probeIntervalMs: 2_000, probeTimeoutMs: 1_000, joinTimeoutMs: 10, syncIntervalMs: 60_000 }
    const options = { cluster: 'c', indirectProbes: 0, ...times }
    const one = new Membership(ports, options)
    const starting = one.start()
    const hear = (id: string, state: 'alive' | 'dead'): void => {
      const record = { id, generation: 1, incarnation: 0, state, metadata: [] }
      transport.deliver(encodeMessage({ kind: 'sync-reply', last: true, rumors: [{ record, ageMs: 0 }] }, 'c'), record)
    }
    hear('n2', 'alive')
    await clock.advanceAsync(20)
    await starting
    while (one.member('n2')?.state !== 'suspect') clock.advance(1)
    // A block until just before the end of the suspicion. The timer that fires then is one of gossip, and what comes in puts
    // gossip off.
    blockedMs = 780
    inTurn = () => {
      inTurn = () => undefined
      hear('n3', 'dead')
    }
    clock.advance(600)
    expect(one.member('n3')).toBeDefined()
    expect(one.member('n2')?.state).toBe('suspect')
    clock.advance(2_000)
    expect(one.member('n2')?.state).toBe('dead')
  })

  test('M-20: it judges after the input of the turn, not in the timer', async () => {
    const order: string[] = []
    const clock = new VirtualClock()
    const watched = {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      setTimer: (delayMs: number, callback: () => void) =>
        clock.setTimer(delayMs, () => {
          order.push('timer')
          callback()
        }),
      afterIo: (callback: () => void) =>
        clock.afterIo(() => {
          order.push('after I/O')
          callback()
        }),
    }
    const transport = new ManualTransport()
    transport.onSend = () => void order.push('send')
    const ports = { ...systemRuntime({ clock: watched, random: new SeededRandom(1) }), transport }
    const alone = new Membership(ports, { cluster: 'c', seeds: ['n2'], joinTimeoutMs: 900 })
    const starting = alone.start()
    await clock.advanceAsync(900)
    await starting
    // A hello at once; each later one is sent in a turn that a timer only asked for.
    expect(order[0]).toBe('send')
    const later = order.slice(1)
    expect(later.filter((step) => step === 'send').length).toBeGreaterThan(0)
    for (const [i, step] of later.entries()) if (step === 'send') expect(later[i - 1]).toBe('after I/O')
  })
})
