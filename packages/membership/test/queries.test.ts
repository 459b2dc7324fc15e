import { getEventListeners } from 'node:events'
import {
  delay,
  type LogFields,
  type Logger,
  type Meter,
  NotRunningError,
  SeededRandom,
  silentMeter,
  utf8,
  VirtualClock,
} from '@dsys/runtime'
import { MemoryNetwork } from '@dsys/transport-memory'
import { describe, expect, test } from 'vitest'
import { Membership, type Query, type QueryAnswer, type QueryOptions, type QuerySummary } from '../src/index.ts'

interface Cluster {
  readonly clock: VirtualClock
  readonly network: MemoryNetwork
  readonly members: readonly Membership[]
  readonly errors: (LogFields | undefined)[]
  /** What was counted of queries, by member and what. */
  readonly counted: Map<string, number>
}

/** Members over a MemoryNetwork in virtual time, without seeds. */
async function started(ids: readonly string[]): Promise<Cluster> {
  const clock = new VirtualClock()
  const random = new SeededRandom(1)
  const network = new MemoryNetwork({ clock, random }, { link: { minDelayMs: 1, maxDelayMs: 3 } })
  const errors: (LogFields | undefined)[] = []
  const logger: Logger = {
    log: (level, _message, fields) => void (level === 'error' && errors.push(fields)),
    child: () => logger,
  }
  const members: Membership[] = []
  const counted = new Map<string, number>()
  const meterOf = (id: string): Meter => ({
    ...silentMeter,
    counter: (name, options) => ({
      add: (count) => {
        const key = `${id} ${options?.labels?.['what']}`
        if (name === 'dsys_membership_queries') counted.set(key, (counted.get(key) ?? 0) + count)
      },
    }),
  })
  for (const [i, id] of ids.entries()) {
    const transport = network.endpoint(id)
    await transport.start()
    const ports = { clock, random: random.stream(id), logger, meter: meterOf(id), transport }
    const metadata = { zone: i % 2 === 0 ? 'a' : 'b' }
    const roles = i === 0 ? ['gateway'] : ['worker']
    members.push(new Membership(ports, { cluster: 'shop', joinTimeoutMs: 100, metadata, roles }))
  }
  const starting = Promise.all(members.map((member) => member.start()))
  await clock.advanceAsync(200)
  await starting
  await clock.advanceAsync(1_000)
  return { clock, network, members, errors, counted }
}

/** What a loop over the answers gives, in words. */
async function collect(query: AsyncIterable<QueryAnswer>, into: string[] = []): Promise<string[]> {
  for await (const answer of query)
    into.push(`${answer.from.id} ${answer.ok ? utf8.decode(answer.payload) : answer.error.code}`)
  return into
}

async function outcome(clock: VirtualClock, query: Query, forMs = 3_000): Promise<[string[], QuerySummary]> {
  const both = Promise.all([collect(query), query.summary()])
  await clock.advanceAsync(forMs)
  return await both
}

const nothing = new Uint8Array(0)

describe('queries', () => {
  test('ask all members, give the answers as they come, and a summary', async () => {
    const { clock, members } = await started(['n1', 'n2', 'n3'])
    const [n1] = members as [Membership]
    for (const [i, member] of members.entries())
      member.onQuery('greet', async ({ payload, from, deadlineMs }) => {
        expect(deadlineMs - clock.monotonicMs()).toBeLessThanOrEqual(2_000)
        await delay(clock, 100 * i)
        return utf8.encode(`${utf8.decode(payload)} ${from.id} from ${i + 1}`)
      })
    const query = n1.query('greet', utf8.encode('hello'))
    const first: string[] = []
    const loop = collect(query, first)
    await clock.advanceAsync(150)
    expect(first).toEqual(['n1 hello n1 from 1', 'n2 hello n1 from 2'])
    await clock.advanceAsync(150)
    expect(await loop).toEqual([...first, 'n3 hello n1 from 3'].slice(0, 3))
    expect(await query.summary()).toEqual({
      end: 'complete',
      answered: ['n1', 'n2', 'n3'],
      failed: [],
      silent: [],
      absent: [],
      filtered: [],
    })
    // A later loop begins with the first answer again.
    expect(await collect(query)).toHaveLength(3)
  })

  test('a handler that throws, is missing or says too much is an answer and not silence', async () => {
    const { clock, members, errors } = await started(['n1', 'n2', 'n3', 'n4', 'n5'])
    const [n1, n2, n3, n4] = members as [Membership, Membership, Membership, Membership]
    n1.onQuery('q', () => {
      throw new Error('a secret')
    })
    n2.onQuery('q', () => Promise.reject(new NotRunningError('disk', 'gone')))
    n3.onQuery('q', () => new Uint8Array(2_049))
    n4.onQuery('q', () => 'no bytes' as unknown as Uint8Array)
    const query = n1.query('q', nothing)
    const [answers, summary] = await outcome(clock, query)
    expect(answers.sort()).toEqual([
      'n1 DSYS_MEMBERSHIP_QUERY_HANDLER_FAILED',
      'n2 DSYS_NOT_RUNNING',
      'n3 DSYS_MEMBERSHIP_ANSWER_TOO_LARGE',
      'n4 DSYS_MEMBERSHIP_QUERY_HANDLER_FAILED',
      'n5 DSYS_MEMBERSHIP_QUERY_UNKNOWN',
    ])
    expect(summary).toMatchObject({ end: 'complete', answered: [], failed: ['n1', 'n2', 'n3', 'n4', 'n5'] })
    for await (const answer of query) {
      expect(answer).toMatchObject({ ok: false, error: { hint: expect.stringMatching(/\w/), from: answer.from } })
      expect(JSON.stringify(answer)).not.toContain('secret')
    }
    expect(errors.map((fields) => fields?.['query'])).toEqual(['q', 'q'])
  })

  test('only those are asked whom the options choose; the others are filtered, and whoever is not there absent', async () => {
    const { clock, members } = await started(['n1', 'n2', 'n3', 'n4'])
    const [n1] = members as [Membership]
    for (const member of members) member.onQuery('q', () => nothing)
    const inA: QueryOptions = { filter: ({ metadata }) => metadata['zone'] === 'a', nodes: ['n1', 'n2', 'n3', 'n9'] }
    const [answers, summary] = await outcome(clock, n1.query('q', nothing, inA))
    expect(answers.sort()).toEqual(['n1 ', 'n3 '])
    expect(summary).toMatchObject({ answered: ['n1', 'n3'], filtered: ['n2', 'n4'], absent: ['n9'], silent: [] })
    const [workers] = await outcome(clock, n1.query('q', nothing, { filter: { role: 'worker' } }))
    expect(workers.sort()).toEqual(['n2 ', 'n3 ', 'n4 '])
    const [, none] = await outcome(clock, n1.query('q', nothing, { nodes: [] }))
    expect(none).toMatchObject({ end: 'complete', answered: [], filtered: ['n1', 'n2', 'n3', 'n4'] })
  })

  test('at the deadline who did not answer is silent; its handler is told to give up, and its answer is not sent', async () => {
    const { clock, members, errors } = await started(['n1', 'n2'])
    const [n1, n2] = members as [Membership, Membership]
    let aborted: unknown
    n2.onQuery('q', async ({ signal }) => {
      signal.addEventListener('abort', () => {
        aborted = signal.reason
      })
      await delay(clock, 10_000, signal)
      return nothing
    })
    const query = n1.query('q', nothing, { nodes: ['n2'], timeoutMs: 500 })
    const [answers, summary] = await outcome(clock, query)
    expect(answers).toEqual([])
    expect(summary).toMatchObject({ end: 'deadline', silent: ['n2'], filtered: ['n1'] })
    expect(aborted).toMatchObject({ name: 'TimeoutError' })
    expect(errors).toEqual([])
  })

  test('a signal ends it with its reason, and leaves no listener; so does one that had fired before', async () => {
    const { clock, members } = await started(['n1', 'n2'])
    const [n1] = members as [Membership]
    const controller = new AbortController()
    const { signal } = controller
    const query = n1.query('q', nothing, { signal, nodes: ['n2'] })
    members[1]?.onQuery('q', () => delay(clock, 1_000).then(() => nothing))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    const loop = collect(query)
    const summary = query.summary()
    const reason = new Error('changed my mind')
    controller.abort(reason)
    await expect(loop).rejects.toBe(reason)
    await expect(summary).rejects.toBe(reason)
    await clock.advanceAsync(3_000)
    await expect(query.summary()).rejects.toBe(reason)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
    expect(() => n1.query('q', nothing, { signal })).toThrow(reason)
    const other = new AbortController().signal
    await outcome(clock, n1.query('q', nothing, { signal: other }))
    expect(getEventListeners(other, 'abort')).toHaveLength(0)
  })

  test('a stop ends the queries under way, and tells the handlers to give up', async () => {
    const { clock, members } = await started(['n1', 'n2'])
    const [n1, n2] = members as [Membership, Membership]
    let aborted = false
    n1.onQuery('q', ({ signal }) => delay(clock, 10_000, signal).then(() => nothing))
    n2.onQuery('q', async ({ signal }) => {
      signal.addEventListener('abort', () => {
        aborted = true
      })
      return await new Promise<Uint8Array>(() => undefined)
    })
    const query = n1.query('q', nothing, { timeoutMs: 60_000 })
    await clock.advanceAsync(100)
    const stopping = Promise.all([n1.stop(), n2.stop()])
    await clock.advanceAsync(2_000)
    await stopping
    expect(await query.summary()).toMatchObject({ end: 'stopped', silent: ['n1', 'n2'] })
    expect(aborted).toBe(true)
    // The handler that did not give up keeps no process alive by a timer.
    expect(clock.pending).toBe(0)
    expect(() => n1.query('q', nothing)).toThrow(expect.objectContaining({ code: 'DSYS_NOT_RUNNING' }))
  })

  test('too many at a time are refused with a code, here and at the member that is asked', async () => {
    const { clock, members } = await started(['n1', 'n2', 'n3'])
    const [n1, n2, n3] = members as [Membership, Membership, Membership]
    n2.onQuery('q', ({ signal }) => delay(clock, 60_000, signal).then(() => nothing))
    const queries: Query[] = []
    for (const asker of [n1, n3])
      for (let i = 0; i < 32; i++) queries.push(asker.query('q', nothing, { nodes: ['n2'], timeoutMs: 30_000 }))
    expect(() => n1.query('q', nothing)).toThrow(
      expect.objectContaining({ code: 'DSYS_MEMBERSHIP_QUERY_OVERLOADED', retryable: true, outcome: 'not-applied' }),
    )
    await clock.advanceAsync(100)
    const [answers] = await outcome(clock, n2.query('q', nothing, { nodes: ['n2'] }))
    expect(answers).toEqual(['n2 DSYS_MEMBERSHIP_QUERY_OVERLOADED'])
    await clock.advanceAsync(30_000)
    for (const query of queries) expect(await query.summary()).toMatchObject({ end: 'deadline' })
    expect(() => n1.query('q', nothing, { nodes: [] })).not.toThrow()
  })

  test('M-34: handlers that never end, or end too late, hold up nobody after their time: their place is free, what they answer is dropped, and they are counted', async () => {
    const { clock, members, counted, errors } = await started(['n1', 'n2', 'n3'])
    const [n1, n2, n3] = members as [Membership, Membership, Membership]
    const late: (() => void)[] = []
    n2.onQuery('never', () => new Promise<Uint8Array>((resolve) => void late.push(() => resolve(nothing))))
    n2.onQuery('quick', () => nothing)
    const ask = (asker: Membership): Query[] =>
      Array.from({ length: 32 }, () => asker.query('never', nothing, { nodes: ['n2'], timeoutMs: 500 }))
    const queries = [...ask(n1), ...ask(n3)]
    await clock.advanceAsync(200)
    const quick = async (): Promise<string[]> => {
      const [answers] = await outcome(clock, n2.query('quick', nothing, { nodes: ['n2'] }), 100)
      return answers
    }
    expect(late).toHaveLength(64)
    expect(await quick()).toEqual(['n2 DSYS_MEMBERSHIP_QUERY_OVERLOADED'])
    expect(counted.get('n2 late')).toBeUndefined()
    await clock.advanceAsync(300)
    expect(await quick()).toEqual(['n2 '])
    expect(counted.get('n2 late')).toBe(64)
    for (const settle of late) settle()
    await clock.advanceAsync(100)
    for (const query of queries) expect(await query.summary()).toMatchObject({ end: 'deadline', silent: ['n2'] })
    expect([counted.get('n2 late'), counted.get('n2 answered')]).toEqual([64, 1])
    expect(errors).toEqual([])
  })

  test('what cannot be asked, or handled, is refused', async () => {
    const { members } = await started(['n1'])
    const [n1] = members as [Membership]
    expect(() => n1.query('q', new Uint8Array(1_025))).toThrow(
      expect.objectContaining({ code: 'DSYS_MEMBERSHIP_QUERY_TOO_LARGE', retryable: false, outcome: 'not-applied' }),
    )
    expect(() => n1.query('', nothing)).toThrow(RangeError)
    expect(() => n1.query('q', 'x' as unknown as Uint8Array)).toThrow(TypeError)
    for (const timeoutMs of [0, 600_001, Number.NaN])
      expect(() => n1.query('q', nothing, { timeoutMs })).toThrow(RangeError)
    expect(() => n1.onQuery('q'.repeat(129), () => nothing)).toThrow(RangeError)
    expect(() => n1.onQuery('q', undefined as never)).toThrow(TypeError)
    const end = n1.onQuery('q', () => nothing)
    expect(() => n1.onQuery('q', () => nothing)).toThrow(TypeError)
    end()
    n1.onQuery('q', () => nothing)
    end()
    expect((await n1.query('q', nothing).summary()).answered).toEqual(['n1'])
  })
})
