import { SeededRandom } from '@dsys/runtime'
import { describe, expect, test } from 'vitest'
import { AlertNews } from '../src/core/cut/alert-news.ts'
import type { Effect } from '../src/core/effects.ts'
import { Gone } from '../src/core/gone.ts'
import { GossipQueue } from '../src/core/gossip-queue.ts'
import { MembershipCore } from '../src/core/membership-core.ts'
import { Rotation } from '../src/core/prober.ts'
import type { MemberRecord, MemberState } from '../src/core/record.ts'
import { SampledSet } from '../src/core/sampled-set.ts'
import { resolveOptions } from '../src/options.ts'

const of = (id: string, incarnation = 0, state: MemberState = 'alive'): MemberRecord => {
  return { id, generation: 1, incarnation, state, metadata: [] }
}
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i}`)

/** Counts the steps that iterations over maps and the sorting of arrays take while `work` runs. */
function countSteps(work: () => void): number {
  const maps = Map.prototype as unknown as Record<PropertyKey, (this: Map<unknown, unknown>) => Iterator<unknown>>
  const arrays = Array.prototype as unknown as { sort: (this: unknown[], order?: unknown) => unknown[] }
  const kept = ['values', 'keys', 'entries', Symbol.iterator].map((name) => [name, maps[name]] as const)
  const { sort } = arrays
  let steps = 0
  try {
    for (const [name, original] of kept) {
      maps[name] = function (this: Map<unknown, unknown>): Iterator<unknown> {
        const inner = original?.call(this) as IterableIterator<unknown>
        const next = (): IteratorResult<unknown> => {
          steps += 1
          return inner.next()
        }
        const counted = { next, [Symbol.iterator]: () => counted, return: () => ({ done: true, value: undefined }) }
        return counted as Iterator<unknown>
      }
    }
    arrays.sort = function (this: unknown[], order?: unknown): unknown[] {
      steps += this.length
      return sort.call(this, order)
    }
    work()
  } finally {
    for (const [name, original] of kept) if (original !== undefined) maps[name] = original
    arrays.sort = sort
  }
  return steps
}

/** A core among `count` members who all answer, with as much news as there are members, and as many dead again. */
function busyCore(count: number): { core: MembershipCore; run: (forMs: number) => void } {
  const options = resolveOptions({ cluster: 'test', rememberDeadMs: 86_400_000, maxMembers: 10_000 })
  const self = { id: 'me', generation: 1 }
  const core = new MembershipCore({ ...options, self, nonce: 1, seed: 1, canBroadcast: false, maxFrameBytes: 65_536 })
  core.connection(true, 0)
  core.join(0)
  const far = { id: 'far', generation: 1 }
  const tell = (record: MemberRecord): void =>
    void core.receive({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, far, 1)
  for (const id of names(count)) tell(of(id))
  for (let i = 0; i < count; i++) tell(of(`gone${i}`, 0, 'dead'))
  let nowMs = 1
  const answer = (effects: readonly Effect[]): void => {
    for (const effect of effects) {
      if (effect.type !== 'send' || effect.message.kind !== 'ping') continue
      const { seq } = effect.message
      core.receive({ kind: 'ack', seq, rumors: [] }, { id: effect.to.id, generation: 1 }, nowMs)
    }
  }
  const run = (forMs: number): void => {
    const endMs = nowMs + forMs
    for (let dueMs = core.deadlineMs() ?? 0; dueMs < endMs; dueMs = core.deadlineMs() ?? endMs) {
      nowMs = dueMs
      answer(core.tick(dueMs))
    }
    nowMs = endMs
  }
  return { core, run }
}

describe('work that does not grow with the cluster', () => {
  test('of a node and second, when all is quiet', () => {
    // Both are more than the peers of which a node remembers how soon they answer.
    const [few = 0, many = 0] = [300, 1_200].map((count) => {
      const { core, run } = busyCore(count)
      run(60_000)
      expect(core.deadlineMs()).toBeDefined()
      return countSteps(() => run(20_000))
    })
    expect(few).toBeGreaterThan(0)
    expect(many).toBeLessThan(1.2 * few)
  })

  test('of a node and second, with news of everybody', () => {
    const [many = 0, most = 0] = [1_000, 4_000].map((count) => {
      const { run } = busyCore(count)
      return countSteps(() => run(2_000))
    })
    expect(most - many).toBeLessThan(0.2 * many)
  })

  test('of each frame and timer, however many members are suspected', () => {
    const [few = 0, many = 0] = [3, 600].map((count) => {
      const { core } = busyCore(900)
      const far = { id: 'far', generation: 1 }
      for (const id of names(count))
        core.receive(
          { kind: 'gossip', rumors: [{ record: of(id, 0, 'suspect'), ageMs: 0, accusers: ['far'] }] },
          far,
          2,
        )
      expect(core.tally().suspect).toBe(count)
      return countSteps(() => {
        for (let i = 0; i < 100; i++) {
          core.receive({ kind: 'ack', seq: 1_000_000 + i, rumors: [] }, far, 3)
          core.tick(3, core.deadlineMs())
        }
      })
    })
    // A few looks at all of them, and none for each of the two hundred inputs.
    expect(many - few).toBeLessThan(5 * 600)
  })

  test('of one who comes, dies and comes back', () => {
    const steps = [128, 4_000].map((count) => {
      const { core } = busyCore(count)
      const far = { id: 'far', generation: 1 }
      return countSteps(() => {
        for (let i = 1; i <= 50; i++) {
          for (const state of ['dead', 'alive'] as const) {
            const record = of('n5', 2 * i + (state === 'alive' ? 1 : 0), state)
            core.receive({ kind: 'gossip', rumors: [{ record, ageMs: 0 }] }, far, 2)
            core.tally()
          }
        }
      })
    })
    expect(steps[1]).toBeLessThan(1.5 * (steps[0] ?? 0) + 100)
  })
})

describe('what makes it so', () => {
  test('a rotation has everyone once in a round, newcomers included, in an order that differs from round to round', () => {
    const rotation = new Rotation(new SeededRandom(3))
    const all = names(20)
    for (const id of all) rotation.add(id)
    const round = (count: number): string[] => Array.from({ length: count }, () => rotation.next(() => true) ?? '')
    const [first, second] = [round(20), round(20)]
    expect([...first].sort()).toEqual([...all].sort())
    expect([...second].sort()).toEqual([...all].sort())
    expect(first).not.toEqual(second)
    const half = round(10)
    rotation.add('new')
    rotation.add('new')
    const [had, others] = [half[3] as string, all.filter((id) => !half.includes(id))]
    rotation.remove(had)
    rotation.remove(others[0] as string)
    const rest = round(10)
    expect([...rest].sort()).toEqual([...others.slice(1), 'new'].sort())
    expect([...round(19)].sort()).toEqual([...all, 'new'].filter((id) => id !== had && id !== others[0]).sort())
  })

  test('a newcomer comes at any place of the round', () => {
    const places = new Set<number>()
    for (let seed = 0; seed < 200; seed++) {
      const rotation = new Rotation(new SeededRandom(seed))
      for (const id of names(5)) rotation.add(id)
      rotation.add('new')
      for (let place = 0; place < 6; place++) if (rotation.next(() => true) === 'new') places.add(place)
    }
    expect(places.size).toBe(6)
  })

  test('a sample has different ones, all that fit where there are few, and each as likely as any', () => {
    const set = new SampledSet()
    for (const id of [...names(10), 'n3']) set.add(id)
    set.delete('n9')
    set.delete('n9')
    const random = new SeededRandom(5)
    expect([...set.sample(50, random)].sort()).toEqual(names(9))
    expect([...set.sample(5, random, (id) => id === 'n1' || id === 'n2')].sort()).toEqual(['n1', 'n2'])
    const counts = new Map(names(9).map((id) => [id, 0]))
    for (let i = 0; i < 3_000; i++) {
      const drawn = set.sample(3, random)
      expect(new Set(drawn).size).toBe(3)
      for (const id of drawn) counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150)
  })

  test('the gone come up in the order in which they went, whatever was changed meanwhile', () => {
    const random = new SeededRandom(7)
    const gone = new Gone()
    const model = new Map<string, number>()
    for (let i = 0; i < 5_000; i++) {
      const id = `n${random.integer(0, 60)}`
      if (random.float() < 0.4) {
        gone.delete(id)
        model.delete(id)
      } else {
        const sinceMs = random.integer(0, 1_000)
        gone.set(id, sinceMs)
        model.set(id, sinceMs)
      }
      expect(gone.size).toBe(model.size)
      expect(gone.first()?.sinceMs).toBe(model.size === 0 ? undefined : Math.min(...model.values()))
    }
  })

  test('M-32: a frame is filled with alerts without a look at all that wait, also when all were told as often', () => {
    const steps = (count: number): number => {
      const news = new AlertNews()
      for (const subject of names(count)) {
        news.add({ observer: 'a', generation: 1, subject, subjectGeneration: 1, version: 1, raised: true })
      }
      expect(news.take(1_000_000, 9)).toHaveLength(count)
      return countSteps(() => expect(news.take(200, 9).length).toBeGreaterThan(10))
    }
    expect(steps(5_000)).toBe(steps(50))
  })

  test('M-32: a queue gives what was told least often first, each as often as the limit says, and no more than fits', () => {
    const queue = new GossipQueue((record) => ({ record, ageMs: 0 }))
    const told = new Map<string, number>()
    for (const id of names(100)) queue.add(of(id))
    const order: string[][] = []
    for (let i = 0; i < 60 && queue.size > 0; i++) {
      const taken = queue.take(0, 200, 3).map(({ record }) => record.id)
      order.push(taken)
      for (const id of taken) told.set(id, (told.get(id) ?? 0) + 1)
      expect(Math.max(...told.values()) - Math.min(...names(100).map((id) => told.get(id) ?? 0))).toBeLessThanOrEqual(1)
    }
    expect(queue.size).toBe(0)
    expect([...told.values()].every((times) => times === 3)).toBe(true)
    expect(order[0]?.[0]).toBe('n0')
    queue.add(of('n1'))
    queue.add(of('n2'))
    queue.take(0, 20, 3)
    queue.add(of('n1', 1))
    queue.remove('n2')
    expect(queue.take(0, 200, 3).map(({ record }) => record.incarnation)).toEqual([1])
  })
})
