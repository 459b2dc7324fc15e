import { silentLogger, silentMeter, VirtualClock } from '@dsys/runtime'
import { MemoryNetwork } from '@dsys/transport-memory'
import { expect, test } from 'vitest'
import { CHANNEL, HostChannel } from '../../src/groups/host-channel.ts'
import { HostTurns } from '../../src/groups/host-turns.ts'
import { decodeHostFrame, type GroupFrame } from '../../src/groups/host-wire.ts'

test('frames are filled as far as the transport takes them, and not beyond', async () => {
  const maxFrameBytes = 1_024
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock }, { maxFrameBytes })
  const [transport, peer] = [network.endpoint('n1'), network.endpoint('n2')]
  await Promise.all([transport.start(), peer.start()])
  const frames: GroupFrame[][] = []
  const sizes: number[] = []
  peer.listen(CHANNEL, (frame) => {
    sizes.push(frame.length)
    frames.push(decodeHostFrame(frame) as GroupFrame[])
  })
  const turns = new HostTurns(clock, () => channel.flush())
  const channel = new HostChannel({
    transport,
    logger: silentLogger,
    meter: silentMeter,
    receive: () => undefined,
    wanted: () => turns.wanted(),
  })
  const groups = Array.from({ length: 60 }, (_, i) => `group-${i}`)
  for (const [i, group] of groups.entries()) {
    channel.add('n2', { type: 'group-frame', group, generation: undefined, frame: new Uint8Array((i * 37) % 300) })
  }
  clock.advance(1)
  expect(frames.flat().map(({ group }) => group)).toEqual(groups)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(maxFrameBytes)
  expect(sizes.reduce((sum, size) => sum + size, 0) / sizes.length).toBeGreaterThan(maxFrameBytes / 2)
})

test('a turn that throws costs the others of that turn nothing', () => {
  const clock = new VirtualClock()
  const did: string[] = []
  const turns = new HostTurns(clock, () => did.push('after'))
  turns.afterIo(() => {
    throw new Error('as one that has a bug')
  })
  turns.afterIo(() => did.push('cancelled')).cancel()
  turns.afterIo(() => {
    did.push('second')
    turns.wanted()
    turns.afterIo(() => did.push('third'))
  })
  expect(() => clock.advance(0)).toThrow('as one that has a bug')
  expect(did.slice(0, 2)).toEqual(['second', 'after'])
  clock.advance(0)
  expect(did).toEqual(['second', 'after', 'third', 'after'])
})
