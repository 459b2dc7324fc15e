import { expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../../src/bytes.ts'
import { Cluster } from './support/cluster.ts'
import { counter } from './support/machines.ts'

/** The frame as a later version would send it: a header, a field more in each message, and messages that nobody here knows. */
function asLaterVersion(frame: Uint8Array): Uint8Array {
  const reader = new ByteReader(frame)
  const writer = new ByteWriter().u8(reader.u8()).u8(5).text('x')
  reader.leave(reader.enterBytes(reader.u8()))
  while (!reader.done) {
    writer.u8(250).bytes(Buffer.from('a message of another time'))
    writer.u8(reader.u8())
    const part = writer.beginPart()
    writer.raw(reader.bytes()).u53(77)
    writer.endPart(part)
  }
  return writer.u8(251).bytes(new Uint8Array(0)).finish()
}

test('a later version of the wire format and this one work in one group, in whatever role', async () => {
  const later = new Set(['n2', 'n3', 'n5'])
  let rewritten = 0
  await using cluster = await Cluster.start(counter, {
    size: 5,
    initial: ['n1', 'n2', 'n3'],
    raft: { snapshotEveryBytes: 512, keepEntries: 1 },
    rewrite: (id, frame) => {
      if (!later.has(id)) return frame
      rewritten++
      return asLaterVersion(frame)
    },
  })
  let commands = 0
  const propose = async (id: string): Promise<void> => {
    commands++
    await cluster.run(cluster.node(id).propose({ id: `c${commands}`, by: 1 }))
  }
  await cluster.elected()
  for (const to of ['n1', 'n2', 'n3']) {
    const leader = await cluster.elected()
    if (leader !== to) await cluster.run(cluster.node(leader).transferLeadership({ to }))
    await cluster.waitFor(`${to} leads`, () => cluster.leader() === to)
    // Each forwards to a leader of its own version and of the other, and asks it for reads.
    for (const id of ['n1', 'n2', 'n3']) {
      await propose(id)
      expect(await cluster.run(cluster.node(id).read(({ total }) => total))).toBe(commands)
    }
  }
  // Those who are added get a snapshot, from a leader of the later version and of this one.
  await cluster.run(cluster.node('n1').reconfigure({ voters: ['n1', 'n2', 'n3', 'n4'] }))
  await cluster.run(cluster.node('n3').transferLeadership({ to: 'n1' }))
  await cluster.run(cluster.node('n3').reconfigure({ voters: ['n1', 'n2', 'n3', 'n4', 'n5'] }))
  expect(cluster.node('n4').status().snapshotIndex).toBeGreaterThan(0)
  cluster.crash('n1')
  await cluster.elected()
  for (const id of ['n4', 'n5']) await propose(id)
  await cluster.start('n1')
  await propose('n1')
  await cluster.converged()
  for (const id of cluster.ids) expect((await cluster.state(id)).total).toBe(commands)
  expect(rewritten).toBeGreaterThan(100)
  expect(cluster.logged.filter(({ message }) => message.includes('cannot be read'))).toEqual([])
})
