import { type DsysError, SeededRandom, silentLogger, VirtualClock } from '@dsys/runtime'
import { afterEach, describe, expect, test } from 'vitest'
import { type FaultyTransport, faulty } from '../src/faulty.ts'
import { Rpc, type RpcContext, type RpcOptions, RpcOverloadedError } from '../src/index.ts'
import { FullLoopback } from './full-loopback.ts'

const parts: { stop(): Promise<void> }[] = []

afterEach(async () => {
  for (const part of parts.splice(0).reverse()) await part.stop()
})

const NOTHING = new Uint8Array(0)

/** What became of a call: what it gave, or its error. Never unhandled. */
function watch(promise: Promise<Uint8Array>): { result?: number | undefined; error?: DsysError } {
  const seen: { result?: number | undefined; error?: DsysError } = {}
  promise.then(
    (frame) => {
      seen.result = frame[0]
    },
    (error) => {
      seen.error = error
    },
  )
  return seen
}

interface Node {
  readonly transport: FaultyTransport
  readonly rpc: Rpc
  readonly logged: unknown[]
}

function setUp(seed = 1) {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const wire = new Map<string, FullLoopback>()
  const node = async (id: string, options: Partial<RpcOptions> = {}): Promise<Node> => {
    const transport = faulty(new FullLoopback(wire, { id, generation: 1 }), { clock, random })
    const logged: unknown[] = []
    const logger = { ...silentLogger, log: (...line: unknown[]) => void logged.push(line) }
    const rpc = new Rpc({ clock, random, logger, transport }, { channel: 'rpc', ...options })
    parts.push(transport, rpc)
    await transport.start()
    await rpc.start()
    return { transport, rpc, logged }
  }
  /** Time goes on, and what was sent meanwhile goes there and back. */
  const advance = async (ms = 0): Promise<void> => {
    await clock.advanceAsync(ms)
    for (let turn = 0; turn < 4; turn++) await clock.advanceAsync(0)
  }
  return { clock, node, advance }
}

/** A handler that answers when it is told to. */
function gate(): { handler: () => Promise<Uint8Array>; open: () => void; readonly waiting: number } {
  const waiting: ((answer: Uint8Array) => void)[] = []
  return {
    handler: () => new Promise((resolve) => waiting.push(resolve)),
    open: () => {
      for (const resolve of waiting.splice(0)) resolve(Uint8Array.of(1))
    },
    get waiting() {
      return waiting.length
    },
  }
}

describe('room for calls', () => {
  test('one peer that hangs leaves room for the others', async () => {
    const { node, advance } = setUp()
    const a = await node('a', { maxInFlight: 6, maxInFlightPerPeer: 4 })
    const [b, c] = [await node('b'), await node('c')]
    const stuck = gate()
    b.rpc.handle('ask', stuck.handler)
    c.rpc.handle('ask', async () => Uint8Array.of(7))
    const calls = Array.from({ length: 5 }, () => watch(a.rpc.call({ id: 'b' }, 'ask', NOTHING)))
    const other = watch(a.rpc.call({ id: 'c' }, 'ask', NOTHING))
    await advance()
    expect(stuck.waiting).toBe(4)
    expect(calls[4]?.error).toBeInstanceOf(RpcOverloadedError)
    expect(calls[4]?.error).toMatchObject({ side: 'local', outcome: 'not-applied', retryable: true })
    expect(other.result).toBe(7)
    stuck.open()
    await advance()
    expect(calls.map(({ result }) => result)).toEqual([1, 1, 1, 1, undefined])
  })

  test('who waits gets room in order, as far as the peer has any, and is as fast as its peers are', async () => {
    const { clock, node, advance } = setUp()
    const a = await node('a', { maxInFlight: 3, maxInFlightPerPeer: 2 })
    const [b, c] = [await node('b'), await node('c')]
    const [atB, atC] = [gate(), gate()]
    b.rpc.handle('ask', atB.handler)
    c.rpc.handle('ask', atC.handler)
    const ask = (id: string) => watch(a.rpc.call({ id }, 'ask', NOTHING, { whenFull: 'wait' }))
    const [b1, b2, b3, c1, c2] = [ask('b'), ask('b'), ask('b'), ask('c'), ask('c')]
    await advance()
    // b has no room for its third, so the first to c went before it; then there is room for nobody.
    expect([atB.waiting, atC.waiting]).toEqual([2, 1])
    atC.open()
    await advance()
    expect([atB.waiting, atC.waiting]).toEqual([2, 1])
    atB.open()
    await advance()
    expect([atB.waiting, atC.waiting]).toEqual([1, 1])
    atB.open()
    atC.open()
    await advance()
    expect([b1, b2, b3, c1, c2].map(({ result }) => result)).toEqual([1, 1, 1, 1, 1])
    expect(clock.pending).toBe(0)
  })

  test('waiting counts against the deadline, and the rest of it goes to the peer', async () => {
    const { node, advance } = setUp()
    const [a, b] = [await node('a', { maxInFlight: 1 }), await node('b')]
    const stuck = gate()
    let deadlineMs = 0
    b.rpc.handle('stuck', stuck.handler)
    b.rpc.handle('ask', async (_payload, context) => {
      deadlineMs = context.deadlineMs
      return Uint8Array.of(2)
    })
    const first = watch(a.rpc.call({ id: 'b' }, 'stuck', NOTHING, { timeoutMs: 1_000 }))
    const inTime = watch(a.rpc.call({ id: 'b' }, 'ask', NOTHING, { whenFull: 'wait', timeoutMs: 1_500 }))
    const late = watch(a.rpc.call({ id: 'b' }, 'ask', NOTHING, { whenFull: 'wait', timeoutMs: 900 }))
    await advance(900)
    expect(late.error).toMatchObject({ code: 'DSYS_RPC_OVERLOADED', outcome: 'not-applied' })
    await advance(100)
    expect(first.error?.code).toBe('DSYS_RPC_TIMEOUT')
    expect([inTime.result, deadlineMs]).toEqual([2, 1_500])
  })

  test('giving up while waiting, or a stop, sends nothing and keeps no room', async () => {
    const { clock, node, advance } = setUp()
    const [a, b] = [await node('a', { maxInFlight: 1, maxWaiting: 2 }), await node('b')]
    const stuck = gate()
    b.rpc.handle('ask', stuck.handler)
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    watch(a.rpc.call({ id: 'b' }, 'ask', NOTHING))
    const wait = (signal?: AbortSignal) =>
      watch(a.rpc.call({ id: 'b' }, 'ask', NOTHING, { whenFull: 'wait', ...(signal && { signal }) }))
    const given = wait(controller.signal)
    const next = wait()
    const tooMany = wait()
    await advance()
    expect(tooMany.error).toMatchObject({ code: 'DSYS_RPC_OVERLOADED', side: 'local' })
    controller.abort(reason)
    await advance()
    expect(given.error).toBe(reason)
    stuck.open()
    await advance()
    expect(stuck.waiting).toBe(1)
    const last = wait()
    await a.rpc.stop()
    await advance()
    expect(next.error).toMatchObject({ code: 'DSYS_RPC_STOPPED', outcome: 'unknown' })
    expect(last.error).toMatchObject({ code: 'DSYS_NOT_RUNNING', outcome: 'not-applied' })
    await b.rpc.stop()
    expect(clock.pending).toBe(0)
  })

  test.each([0, 1, 2, 3, 4, 5])(
    'a turn that comes in the moment of giving up is passed on (%i microtasks apart)',
    async (apart) => {
      const { node, advance } = setUp()
      const [a, b] = [await node('a', { maxInFlight: 1 }), await node('b')]
      const stuck = gate()
      b.rpc.handle('ask', stuck.handler)
      const first = new AbortController()
      const second = new AbortController()
      watch(a.rpc.call({ id: 'b' }, 'ask', NOTHING, { signal: first.signal }))
      const given = watch(a.rpc.call({ id: 'b' }, 'ask', NOTHING, { whenFull: 'wait', signal: second.signal }))
      const next = watch(a.rpc.call({ id: 'b' }, 'ask', NOTHING, { whenFull: 'wait' }))
      await advance()
      first.abort()
      // A few microtasks from here the room is given on: to one who has just given up, or gives up before it runs on.
      for (let i = 0; i < apart; i++) await Promise.resolve()
      second.abort()
      await advance()
      expect(given.error).toMatchObject({ name: 'AbortError' })
      stuck.open()
      await advance()
      expect(next.result).toBe(1)
    },
  )

  test('every way to end gives the room back', async () => {
    const { clock, node, advance } = setUp()
    const [a, b] = [await node('a', { maxInFlight: 1 }), await node('b')]
    b.rpc.handle('ask', async () => Uint8Array.of(3))
    b.rpc.handle('fail', async () => {
      throw new Error('no')
    })
    b.rpc.handle('slow', () => new Promise(() => undefined))
    const aborted = new AbortController()
    const ends: [string, () => Promise<Uint8Array>][] = [
      ['DSYS_RPC_HANDLER_FAILED', () => a.rpc.call({ id: 'b' }, 'fail', NOTHING)],
      ['DSYS_RPC_UNKNOWN_METHOD', () => a.rpc.call({ id: 'b' }, 'what', NOTHING)],
      ['DSYS_RPC_PEER_ABSENT', () => a.rpc.call({ id: 'nobody' }, 'ask', NOTHING)],
      ['DSYS_TRANSPORT_FRAME_TOO_LARGE', () => a.rpc.call({ id: 'b' }, 'ask', new Uint8Array(5_000))],
      ['DSYS_RPC_TIMEOUT', () => a.rpc.call({ id: 'b' }, 'slow', NOTHING, { timeoutMs: 5 })],
      ['aborted', () => a.rpc.call({ id: 'b' }, 'slow', NOTHING, { signal: aborted.signal })],
    ]
    const codes: unknown[] = []
    for (const [, end] of ends) {
      const seen = watch(end())
      await advance(5)
      aborted.abort('aborted')
      await advance()
      codes.push(seen.error?.code ?? seen.error)
    }
    expect(codes).toEqual(ends.map(([code]) => code))
    a.transport.disconnect()
    const unsent = watch(a.rpc.call({ id: 'b' }, 'ask', NOTHING))
    await advance()
    expect(unsent.error?.code).toBe('DSYS_RPC_NOT_SENT')
    a.transport.reconnect()
    const last = watch(a.rpc.call({ id: 'b' }, 'ask', NOTHING))
    await advance()
    expect(last.result).toBe(3)
    expect(clock.pending).toBe(0)
  })

  test.each([
    { maxInFlightPerPeer: 0 },
    { maxWaiting: 0.5 },
    { maxInFlight: Number.NaN },
    { defaultTimeoutMs: 2 ** 32 },
  ])('%j is a RangeError', (wrong) => {
    const ports = {
      clock: new VirtualClock(),
      logger: silentLogger,
      transport: new FullLoopback(new Map(), { id: 'a', generation: 1 }),
    }
    expect(() => new Rpc(ports, { channel: 'rpc', ...wrong })).toThrow(RangeError)
  })

  test('to end a handler twice does not end the next one, be it the same function', async () => {
    const { node } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    const echo = async (payload: Uint8Array): Promise<Uint8Array> => payload
    const end = b.rpc.handle('echo', echo)
    end()
    b.rpc.handle('echo', echo)
    end()
    expect(await a.rpc.call({ id: 'b' }, 'echo', Uint8Array.of(7))).toEqual(Uint8Array.of(7))
  })

  test('a deadline has to fit the wire', async () => {
    const { node } = setUp()
    const a = await node('a')
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32]) {
      await expect(a.rpc.call({ id: 'b' }, 'ask', NOTHING, { timeoutMs })).rejects.toThrow(RangeError)
    }
  })
})

describe('the trace of a call', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

  test('is carried as it is to the handler, which hands it and the rest of the deadline on', async () => {
    const { node, advance } = setUp()
    const [a, b, c] = [await node('a'), await node('b'), await node('c')]
    const seen: Partial<RpcContext>[] = []
    b.rpc.handle('first', (payload, { traceparent, tracestate, deadlineMs }) => {
      seen.push({ traceparent, tracestate, deadlineMs })
      return b.rpc.call({ id: 'c' }, 'second', payload, { timeoutMs: deadlineMs, traceparent, tracestate })
    })
    c.rpc.handle('second', async (_payload, { traceparent, tracestate, deadlineMs }) => {
      seen.push({ traceparent, tracestate, deadlineMs })
      return Uint8Array.of(1)
    })
    const call = watch(
      a.rpc.call({ id: 'b' }, 'first', NOTHING, { timeoutMs: 700, traceparent, tracestate: 'congo=t61' }),
    )
    await advance()
    expect(call.result).toBe(1)
    expect(seen).toEqual(Array(2).fill({ traceparent, tracestate: 'congo=t61', deadlineMs: 700 }))
  })

  test('none is none; and one that is too long is refused before anything is sent', async () => {
    const { node, advance } = setUp()
    const [a, b] = [await node('a', { maxInFlight: 1 }), await node('b')]
    let seen: RpcContext | undefined
    b.rpc.handle('ask', async (_payload, context) => {
      seen = context
      return Uint8Array.of(1)
    })
    await expect(a.rpc.call({ id: 'b' }, 'ask', NOTHING, { traceparent: 'x'.repeat(513) })).rejects.toThrow(RangeError)
    watch(a.rpc.call({ id: 'b' }, 'ask', NOTHING))
    await advance()
    expect([seen?.traceparent, seen?.tracestate]).toEqual([undefined, undefined])
  })

  test('stands in the log line of a handler that failed', async () => {
    const { node, advance } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    b.rpc.handle('fail', async () => {
      throw new Error('broken')
    })
    watch(a.rpc.call({ id: 'b' }, 'fail', NOTHING, { traceparent }))
    await advance()
    expect(b.logged).toEqual([
      ['error', 'a handler of RPC failed', expect.objectContaining({ traceparent, method: 'fail' })],
    ])
  })
})

describe('a report that a request met nobody', () => {
  test.each([
    ['of the same Rpc', false],
    ['of an earlier Rpc on this channel', true],
  ])('about a call that was given up, %s, does not make one that ran "not applied"', async (_whose, isAnew) => {
    const { clock, node, advance } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    b.rpc.handle('slow', () => new Promise(() => undefined))
    a.transport.setLink({ reorderRate: 1, minDelayMs: 500 }, { direction: 'out' })
    const early = watch(a.rpc.call({ id: 'b' }, 'slow', NOTHING, { timeoutMs: 100 }))
    await advance(200)
    expect(early.error?.code).toBe('DSYS_RPC_TIMEOUT')
    if (isAnew) await a.rpc.stop()
    const ports = { clock, logger: silentLogger, transport: a.transport, random: new SeededRandom(9) }
    const rpc = isAnew ? new Rpc(ports, { channel: 'rpc' }) : a.rpc
    if (isAnew) await rpc.start()
    a.transport.setLink(undefined)
    const late = watch(rpc.call({ id: 'b' }, 'slow', NOTHING, { timeoutMs: 2_000 }))
    await advance()
    await b.transport.stop()
    const tags: unknown[] = []
    a.transport.observe((event) => {
      if (event.type === 'peer-absent' && event.channel === 'rpc') tags.push(event.tag)
    })
    await advance(1_500)
    expect([tags, late]).toEqual([[expect.any(Number)], {}])
    await advance(500)
    expect(late.error).toMatchObject({ code: 'DSYS_RPC_TIMEOUT', outcome: 'unknown' })
    const after = watch(rpc.call({ id: 'b' }, 'slow', NOTHING))
    await advance()
    expect(after.error).toMatchObject({ code: 'DSYS_RPC_PEER_ABSENT', outcome: 'not-applied' })
    await rpc.stop()
  })
})

describe('faults between caller and peer', () => {
  test.each([1, 2, 3])(
    'every call ends right or with an honest outcome, and no room or timer is lost (seed %i)',
    async (seed) => {
      const { clock, node, advance } = setUp(seed)
      const [a, b] = [await node('a', { maxInFlight: 20 }), await node('b')]
      const ran = new Map<number, number>()
      b.rpc.handle('echo', async (payload) => {
        ran.set(payload[0] ?? -1, (ran.get(payload[0] ?? -1) ?? 0) + 1)
        return payload
      })
      for (const { transport } of [a, b])
        transport.setLink({ lossRate: 0.03, duplicateRate: 0.2, reorderRate: 0.2, minDelayMs: 1, maxDelayMs: 20 })
      const calls: ReturnType<typeof watch>[] = []
      for (let i = 0; i < 150; i++) {
        const whenFull = i % 2 === 0 ? ('wait' as const) : ('refuse' as const)
        calls.push(watch(a.rpc.call({ id: 'b' }, 'echo', Uint8Array.of(i), { timeoutMs: 200, whenFull })))
        if (i === 60) b.transport.cut('a', 'out')
        if (i === 80) b.transport.heal()
        await advance(2)
      }
      await advance(1_000)
      for (const [index, { result, error }] of calls.entries()) {
        if (error === undefined) expect(result).toBe(index)
        else if (error.outcome === 'not-applied') expect(ran.has(index)).toBe(false)
        else expect(error.outcome).toBe('unknown')
        expect(ran.get(index) ?? 0).toBeLessThanOrEqual(1)
      }
      expect(calls.filter(({ result }) => result !== undefined).length).toBeGreaterThan(50)
      expect(clock.pending).toBe(0)
      for (const { transport } of [a, b]) transport.setLink(undefined)
      const after = Array.from({ length: 20 }, (_, i) => watch(a.rpc.call({ id: 'b' }, 'echo', Uint8Array.of(200 + i))))
      await advance()
      expect(after.map(({ result }) => result)).toEqual(after.map((_, i) => 200 + i))
    },
  )
})
