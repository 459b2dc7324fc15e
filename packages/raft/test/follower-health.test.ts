import { describe, expect, test } from 'vitest'
import { FollowerHealth, type Leading } from '../src/follower-health.ts'

const HEARTBEAT_MS = 100

/** A leader that keeps time every 100 ms, and what it hears of n2 and n3. */
class Leader {
  readonly health = new FollowerHealth(HEARTBEAT_MS)
  nowMs = 5_000
  term = 3
  sleep: object | undefined
  leads = true
  readonly #heardMs = new Map<string, number | undefined>([
    ['n2', undefined],
    ['n3', undefined],
  ])

  beat(heard: readonly string[], { times = 1, lostMs = 0 } = {}): void {
    for (let i = 0; i < times; i++) {
      this.nowMs += HEARTBEAT_MS + lostMs
      for (const id of heard) this.#heardMs.set(id, this.nowMs - 97)
      this.health.observe(this.#leading(), this.nowMs, lostMs)
    }
  }

  phi(id: string, laterMs = 0): number | undefined {
    return this.health.phi(id, this.nowMs + laterMs)
  }

  forget(id: string): void {
    this.#heardMs.delete(id)
  }

  #leading(): Leading {
    const { term, sleep } = this
    const progress = new Map([...this.#heardMs].map(([id, heardMs]) => [id, { heardMs }]))
    return { term, sleep, progress: this.leads ? progress : undefined }
  }
}

describe('how far a leader suspects its followers', () => {
  test('little while they answer, and more and more when one does not: after about four heartbeats it is unreachable', () => {
    const leader = new Leader()
    leader.beat(['n2', 'n3'], { times: 40 })
    expect(leader.phi('n2')).toBeLessThan(0.1)
    leader.beat(['n2'], { times: 2 })
    expect(leader.phi('n3')).toBeLessThan(8)
    leader.beat(['n2'])
    const phi = leader.phi('n3') ?? 0
    leader.beat(['n2'])
    expect(leader.phi('n3')).toBeGreaterThan(Math.max(8, phi))
    expect(leader.phi('n2')).toBeLessThan(0.1)
    expect([...leader.health.all(leader.nowMs)].map(([id]) => id)).toEqual(['n2', 'n3'])
  })

  test('one that answers again is trusted at once', () => {
    const leader = new Leader()
    leader.beat(['n2', 'n3'], { times: 40 })
    leader.beat(['n2'], { times: 50 })
    leader.beat(['n2', 'n3'])
    expect(leader.phi('n3')).toBeLessThan(0.1)
  })

  test('one that was never heard in the term is missed as well', () => {
    const leader = new Leader()
    leader.beat(['n2'], { times: 10 })
    expect(leader.phi('n3')).toBeGreaterThan(8)
  })

  test('many answers in one heartbeat do not make the next one late', () => {
    const leader = new Leader()
    leader.beat(['n2', 'n3'], { times: 10 })
    // Busy: time is kept ten times as often, and each time something has come.
    for (let i = 0; i < 500; i++) {
      leader.nowMs -= 90
      leader.beat(['n2', 'n3'])
    }
    leader.beat([])
    leader.beat([])
    expect(leader.phi('n2', 70)).toBeLessThan(8)
  })

  test('time in which this process stood still does not count', () => {
    const leader = new Leader()
    leader.beat(['n2', 'n3'], { times: 40 })
    leader.beat(['n2'], { lostMs: 60_000 })
    expect(leader.phi('n3')).toBeLessThan(1)
    expect(leader.phi('n3', 300)).toBeGreaterThan(8)
  })

  test('a leader whose heartbeats are days apart judges its followers too, and does not stop itself over it', () => {
    const health = new FollowerHealth(5 * 86_400_000)
    const leading = (heardMs: number): Leading => ({
      term: 1,
      sleep: undefined,
      progress: new Map([['n2', { heardMs }]]),
    })
    for (let day = 1; day < 5; day++) health.observe(leading(day * 86_400_000), day * 86_400_000, 0)
    expect(health.phi('n2', 4.5 * 86_400_000)).toBeLessThan(1)
  })

  test('nobody is judged while the group sleeps, or somebody else leads, and each term begins anew', () => {
    const leader = new Leader()
    leader.beat(['n2', 'n3'], { times: 40 })
    leader.sleep = {}
    leader.beat([], { times: 100 })
    expect([leader.phi('n2'), leader.health.all(leader.nowMs).size]).toEqual([undefined, 0])
    leader.sleep = undefined
    leader.beat([])
    expect(leader.phi('n2')).toBeLessThan(0.1)
    leader.beat([], { times: 10 })
    expect(leader.phi('n2')).toBeGreaterThan(8)
    leader.term += 1
    leader.beat([])
    expect(leader.phi('n2')).toBeLessThan(0.1)
    leader.forget('n2')
    leader.beat([])
    expect(leader.phi('n2')).toBeUndefined()
    leader.leads = false
    leader.beat([])
    expect(leader.phi('n3')).toBeUndefined()
  })
})
