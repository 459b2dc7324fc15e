import { expect, test } from 'vitest'
import { CHANNEL } from '../../src/groups/host-channel.ts'
import { encodeHostFrame, type HostMessage } from '../../src/groups/host-wire.ts'
import { decodeFrame } from '../../src/wire.ts'
import { Hosts } from './support/hosts.ts'
import { type CounterState, counter } from './support/machines.ts'

const total = (state: CounterState): number => state.total

test('P-22: what a member of a group had asked before it was closed answers nothing once it is opened again', async () => {
  await using hosts = await Hosts.start(counter, { groups: 1 })
  await hosts.waitFor('a leader', () => hosts.leader('g1') !== undefined)
  const leader = hosts.leader('g1') as string
  const [reader] = hosts.followers('g1') as [string]
  const late: HostMessage[] = []
  hosts.filter = (from, _to, message) => {
    if (from !== leader || message.type !== 'group-frame') return true
    const answers = decodeFrame(message.frame).some(({ type }) => type === 'read-index-response')
    if (answers) late.push(message)
    return !answers
  }
  const unanswered = hosts.node(reader, 'g1').read(total, { timeoutMs: 100 })
  await expect(hosts.run(unanswered)).rejects.toMatchObject({ code: 'DSYS_RAFT_READ_TIMEOUT' })
  expect(late.length).toBeGreaterThan(0)
  await hosts.run(hosts.groups(reader).close('g1'))
  await hosts.run(hosts.open(reader, 'g1'))
  await hosts.waitFor('it to follow', () => hosts.node(reader, 'g1').status().leader === leader)

  // It hears nothing more of the leader but that answer.
  hosts.filter = (from, to) => from !== leader || to !== reader
  await hosts.run(hosts.node(leader, 'g1').propose({ id: 'x', by: 5 }))
  const read = hosts.node(reader, 'g1').read(total, { timeoutMs: 200 })
  await hosts.advance(1)
  hosts.filter = undefined
  hosts.transport(leader).send({ id: reader }, CHANNEL, encodeHostFrame(late))
  hosts.filter = (from, to) => from !== leader || to !== reader
  await expect(hosts.run(read)).rejects.toMatchObject({ code: 'DSYS_RAFT_READ_TIMEOUT' })
})
