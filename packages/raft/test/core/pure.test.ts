import { expect, test } from 'vitest'
import { withoutTheWorld } from '../../../../tooling/fixtures/without-the-world.ts'
import { coreOf, HEARTBEAT_INTERVAL_MS, stored } from './support/cluster.ts'

test('an election, replication, a read, a transfer and a snapshot use no clock, timer or chance from outside', () => {
  const outcome = withoutTheWorld(() => {
    let confirmed = 0
    const node = coreOf(stored([1]))
    const follower = coreOf(stored([1]), { id: 'n2' })
    let out = node.lead('n3')
    node.propose(1, 2, 3)
    node.core.requestRead(1)
    for (let i = 0; i < 8; i++) {
      for (const { to, message } of out) if (to === 'n2') follower.step('n1', message)
      for (const { message } of follower.settle()) node.step('n2', message)
      const effects = node.effects()
      confirmed += effects.confirmedReads.length
      node.sync()
      out = [...effects.messages, ...node.settle()]
      node.pass(HEARTBEAT_INTERVAL_MS)
    }
    node.core.compact(3)
    node.core.transfer('n2', node.nowMs)
    const { commitIndex, log, transferTarget: target } = node.core
    return { commitIndex, lastIndex: follower.core.log.lastIndex, confirmed, base: log.baseIndex, target }
  })
  expect(outcome).toEqual({ commitIndex: 5, lastIndex: 5, confirmed: 1, base: 3, target: 'n2' })
})
