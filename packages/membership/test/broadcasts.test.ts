import { SeededRandom, silentLogger, silentMeter, utf8, VirtualClock } from '@dsys/runtime'
import { MemoryNetwork } from '@dsys/transport-memory'
import { describe, expect, test } from 'vitest'
import { type Broadcast, Membership } from '../src/index.ts'

/** Members over a MemoryNetwork in virtual time, without seeds. */
async function started(
  ids: readonly string[],
): Promise<{ clock: VirtualClock; network: MemoryNetwork; members: Membership[] }> {
  const clock = new VirtualClock()
  const random = new SeededRandom(1)
  const network = new MemoryNetwork({ clock, random }, { link: { minDelayMs: 1, maxDelayMs: 3 } })
  const members: Membership[] = []
  for (const id of ids) {
    const transport = network.endpoint(id)
    await transport.start()
    const ports = { clock, random: random.stream(id), logger: silentLogger, meter: silentMeter, transport }
    members.push(new Membership(ports, { cluster: 'shop', joinTimeoutMs: 100 }))
  }
  const starting = Promise.all(members.map((member) => member.start()))
  await clock.advanceAsync(200)
  await starting
  return { clock, network, members }
}

async function collect(stream: AsyncIterable<Broadcast>, into: string[]): Promise<void> {
  for await (const { topic, payload, origin, sequence } of stream)
    into.push(`${topic} ${utf8.decode(payload)} ${origin.id} ${sequence}`)
}

describe('broadcasts', () => {
  test('reach the subscribers of the topic at every member, and no others', async () => {
    const { clock, members } = await started(['n1', 'n2', 'n3'])
    const [n1, n2, n3] = members as [Membership, Membership, Membership]
    const heard: string[][] = [[], [], [], []]
    const streams = [n1, n2, n3].map((member, i) => collect(member.broadcasts('cache'), heard[i] as string[]))
    streams.push(collect(n3.broadcasts('other'), heard[3] as string[]))
    n1.broadcast('cache', utf8.encode('user:42'))
    n2.broadcast('cache', utf8.encode('user:43'), { ttlMs: 1_000 })
    await clock.advanceAsync(3_000)
    for (const one of heard.slice(0, 3)) expect(one.sort()).toEqual(['cache user:42 n1 1', 'cache user:43 n2 1'])
    expect(heard[3]).toEqual([])
    const stopping = Promise.all(members.map((member) => member.stop()))
    await clock.advanceAsync(2_000)
    await stopping
    // The stop has ended them.
    await Promise.all(streams)
    await collect(n1.broadcasts('cache'), heard[0] as string[])
  })

  test('what the sender or a subscriber does to its bytes is seen by nobody else', async () => {
    const { clock, network, members } = await started(['n1', 'n2'])
    const [n1, n2] = members as [Membership, Membership]
    const streams = [n1.broadcasts('t'), n2.broadcasts('t')]
    const payload = Uint8Array.of(1, 2, 3)
    // So that it is not sent at once, but with gossip.
    network.cut('n1', 'n2')
    n1.broadcast('t', payload)
    network.heal()
    payload.fill(9)
    const own = await streams[0]?.next()
    own?.value?.payload.fill(7)
    await clock.advanceAsync(1_000)
    expect((await streams[1]?.next())?.value?.payload).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('M-34: a subscriber that does not keep up loses its stream and holds up nobody', async () => {
    const { members } = await started(['n1'])
    const [n1] = members as [Membership]
    const slow = n1.broadcasts('t', { capacity: 2 })
    const other = n1.broadcasts('t')
    for (let i = 0; i < 3; i++) n1.broadcast('t', Uint8Array.of(i))
    await expect(slow.next()).rejects.toMatchObject({ code: 'DSYS_EVENTS_LAGGED' })
    expect((await other.next()).value?.sequence).toBe(1)
  })

  test('too large, too many, or before the start: refused with a code, and nobody is told', async () => {
    const { clock, members } = await started(['n1', 'n2'])
    const [n1, n2] = members as [Membership, Membership]
    const heard: string[] = []
    void collect(n2.broadcasts('t'), heard)
    expect(() => n1.broadcast('t', new Uint8Array(1_025))).toThrow(
      expect.objectContaining({
        code: 'DSYS_MEMBERSHIP_BROADCAST_TOO_LARGE',
        retryable: false,
        outcome: 'not-applied',
      }),
    )
    let taken = 0
    const flood = (): void => {
      for (; taken < 1_000; taken++) n1.broadcast('t', new Uint8Array(0))
    }
    expect(flood).toThrow(
      expect.objectContaining({
        code: 'DSYS_MEMBERSHIP_BROADCAST_OVERLOADED',
        retryable: true,
        outcome: 'not-applied',
      }),
    )
    expect(taken).toBe(256)
    await clock.advanceAsync(5_000)
    expect(heard).toHaveLength(256)
    expect(() => n1.broadcast('t', new Uint8Array(0))).not.toThrow()
    const stopping = n1.stop()
    await clock.advanceAsync(2_000)
    await stopping
    expect(() => n1.broadcast('t', new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'DSYS_NOT_RUNNING' }))
  })

  test.each([
    ['an empty topic', '', new Uint8Array(0), {}, RangeError],
    ['a topic of 129 characters', 'x'.repeat(129), new Uint8Array(0), {}, RangeError],
    ['a topic with half a character', 'a\ud800', new Uint8Array(0), {}, TypeError],
    ['a topic that is no text', 5 as unknown as string, new Uint8Array(0), {}, TypeError],
    ['a payload that is no bytes', 't', 'x' as unknown as Uint8Array, {}, TypeError],
    ['a ttlMs below the limit', 't', new Uint8Array(0), { ttlMs: 999 }, RangeError],
    ['a ttlMs above the limit', 't', new Uint8Array(0), { ttlMs: 3_600_001 }, RangeError],
    ['a ttlMs that is no number', 't', new Uint8Array(0), { ttlMs: Number.NaN }, RangeError],
  ])('%s is refused', async (_, topic, payload, options, kind) => {
    const { members } = await started(['n1'])
    expect(() => members[0]?.broadcast(topic, payload, options)).toThrow(kind)
  })
})
