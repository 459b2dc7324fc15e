import { afterEach, expect, test, vi } from 'vitest'
import { coreOf, HEARTBEAT_INTERVAL_MS, stored } from './support/cluster.ts'

const forbidden = (name: string) => (): never => {
  throw new Error(`a core used ${name}`)
}

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

/** Everything through which the ambient world could come in, throws. */
function poison(): void {
  class PoisonedDate {
    constructor() {
      forbidden('new Date')()
    }
    static now = forbidden('Date.now')
  }
  vi.spyOn(Math, 'random').mockImplementation(forbidden('Math.random'))
  vi.stubGlobal('Date', PoisonedDate)
  vi.stubGlobal('performance', { now: forbidden('performance.now') })
  vi.stubGlobal('crypto', { getRandomValues: forbidden('crypto'), randomUUID: forbidden('crypto') })
  const callbacks = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']
  for (const name of callbacks) vi.stubGlobal(name, forbidden(name))
}

test('the poison works', () => {
  poison()
  expect(() => Math.random()).toThrow('Math.random')
  expect(() => new Date()).toThrow('new Date')
  expect(() => performance.now()).toThrow('performance.now')
  vi.unstubAllGlobals()
})

test('an election, replication, a read, a transfer and a snapshot use no clock, timer or chance from outside', () => {
  const outcome = { commitIndex: 0, lastIndex: 0, confirmed: 0, base: 0, target: '' }
  poison()
  try {
    const node = coreOf(stored([1]))
    const follower = coreOf(stored([1]), { id: 'n2' })
    let out = node.lead('n3')
    node.propose(1, 2, 3)
    node.core.requestRead(1)
    for (let i = 0; i < 8; i++) {
      for (const { to, message } of out) if (to === 'n2') follower.step('n1', message)
      for (const { message } of follower.settle()) node.step('n2', message)
      const effects = node.effects()
      outcome.confirmed += effects.confirmedReads.length
      node.sync()
      out = [...effects.messages, ...node.settle()]
      node.pass(HEARTBEAT_INTERVAL_MS)
    }
    node.core.compact(3)
    node.core.transfer('n2', node.nowMs)
    outcome.commitIndex = node.core.commitIndex
    outcome.lastIndex = follower.core.log.lastIndex
    outcome.base = node.core.log.baseIndex
    outcome.target = node.core.transferTarget ?? ''
  } finally {
    vi.restoreAllMocks()
    vi.unstubAllGlobals()
  }
  expect(outcome).toEqual({ commitIndex: 5, lastIndex: 5, confirmed: 1, base: 3, target: 'n2' })
})
