import { DsysError, type Logger, SeededRandom, silentLogger, VirtualClock } from '@dsys/runtime'
import { Rpc, type RpcOptions, RpcOverloadedError, RpcRemoteError } from '@dsys/transport'
import { describe, expect, test } from 'vitest'
import { MemoryNetwork, type MemoryNetworkOptions } from '../src/index.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (frame: Uint8Array): string => new TextDecoder().decode(frame)

/** What became of a promise: its value as text, or its error. Never unhandled. */
function watch(promise: Promise<Uint8Array>): { result?: string; error?: DsysError } {
  const seen: { result?: string; error?: DsysError } = {}
  promise.then(
    (frame) => {
      seen.result = text(frame)
    },
    (error) => {
      seen.error = error
    },
  )
  return seen
}

class Deferred<T> {
  resolve: (value: T) => void = () => undefined
  readonly promise = new Promise<T>((resolve) => {
    this.resolve = resolve
  })
}

function setUp(networkOptions: MemoryNetworkOptions = {}, seed = 1) {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const network = new MemoryNetwork({ clock, random }, networkOptions)
  const node = async (id: string, options: Partial<RpcOptions> = {}) => {
    const transport = network.endpoint(id)
    await transport.start()
    const rpc = new Rpc({ clock, random, logger: silentLogger, transport }, { channel: 'rpc', ...options })
    await rpc.start()
    return { transport, rpc }
  }
  return { clock, network, node }
}

describe('calls', () => {
  test('a call is answered, by a handler that knows who asks', async () => {
    const { clock, node } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    b.rpc.handle('greet', async (payload, { from }) => bytes(`hello ${text(payload)} of ${from.id}/${from.generation}`))
    const call = watch(a.rpc.call({ id: 'b' }, 'greet', bytes('x')))
    const exact = watch(a.rpc.call(b.transport.self, 'greet', bytes('y')))
    await clock.advanceAsync(0)
    expect([call.result, exact.result]).toEqual(['hello x of a/1', 'hello y of a/1'])
  })

  test('a node calls itself, and both sides call at once', async () => {
    const { clock, node } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    for (const { rpc, transport } of [a, b]) rpc.handle('who', async () => bytes(transport.self.id))
    const calls = [
      a.rpc.call({ id: 'a' }, 'who', bytes('')),
      a.rpc.call({ id: 'b' }, 'who', bytes('')),
      b.rpc.call({ id: 'a' }, 'who', bytes('')),
    ]
    const seen = calls.map(watch)
    await clock.advanceAsync(0)
    expect(seen.map(({ result }) => result)).toEqual(['a', 'b', 'a'])
  })

  test('an error made for the wire arrives whole; any other tells nothing of itself', async () => {
    class SoldOut extends DsysError {
      constructor() {
        super('sold out', { code: 'SHOP_SOLD_OUT', retryable: true, outcome: 'applied', hint: 'Come back tomorrow.' })
      }
    }
    const { clock, node } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    b.rpc.handle('buy', async () => {
      throw new SoldOut()
    })
    b.rpc.handle('crash', () => {
      throw new Error('secret detail')
    })
    const buy = watch(a.rpc.call({ id: 'b' }, 'buy', bytes('')))
    const crash = watch(a.rpc.call({ id: 'b' }, 'crash', bytes('')))
    await clock.advanceAsync(0)
    expect(buy.error).toBeInstanceOf(RpcRemoteError)
    expect(buy.error?.toJSON()).toEqual(new SoldOut().toJSON())
    expect(crash.error).toMatchObject({ code: 'DSYS_RPC_HANDLER_FAILED', outcome: 'unknown' })
    expect(JSON.stringify(crash.error)).not.toContain('secret')
  })

  test('a result that is no bytes is a defect of the handler: logged, and told to the caller at once', async () => {
    const { clock, network, node } = setUp()
    const a = await node('a')
    const transport = network.endpoint('b')
    await transport.start()
    const lines: string[] = []
    const logger: Logger = { log: (level, message) => lines.push(`${level} ${message}`), child: () => logger }
    const b = new Rpc({ clock, logger, transport }, { channel: 'rpc' })
    await b.start()
    b.handle('forgets', async () => undefined as unknown as Uint8Array)
    const call = watch(a.rpc.call({ id: 'b' }, 'forgets', bytes('')))
    await clock.advanceAsync(0)
    expect(call.error).toMatchObject({ code: 'DSYS_RPC_HANDLER_FAILED', outcome: 'unknown' })
    expect(lines).toEqual(['error a handler of RPC failed'])
  })

  test('an unknown method is refused and did not run', async () => {
    const { clock, node } = setUp()
    const [a] = [await node('a'), await node('b')]
    const call = watch(a.rpc.call({ id: 'b' }, 'nothing', bytes('')))
    await clock.advanceAsync(0)
    expect(call.error).toMatchObject({ code: 'DSYS_RPC_UNKNOWN_METHOD', outcome: 'not-applied' })
  })

  test('an answer that is too large is an error, whose outcome is unknown', async () => {
    const { clock, node } = setUp({ maxFrameBytes: 300 })
    const [a, b] = [await node('a'), await node('b')]
    b.rpc.handle('big', async () => new Uint8Array(301))
    const call = watch(a.rpc.call({ id: 'b' }, 'big', bytes('')))
    await clock.advanceAsync(0)
    expect(call.error).toMatchObject({ code: 'DSYS_TRANSPORT_FRAME_TOO_LARGE', outcome: 'unknown' })
    await expect(a.rpc.call({ id: 'b' }, 'big', new Uint8Array(300))).rejects.toMatchObject({ outcome: 'not-applied' })
  })
})

describe('endings without an answer', () => {
  test('a deadline means unknown, on the caller’s clock; the handler is told, and a late answer changes nothing', async () => {
    const { clock, node } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    const answer = new Deferred<Uint8Array>()
    let seen: AbortSignal | undefined
    b.rpc.handle('slow', (_payload, { signal }) => {
      seen = signal
      return answer.promise
    })
    const call = watch(a.rpc.call({ id: 'b' }, 'slow', bytes(''), { timeoutMs: 100 }))
    await clock.advanceAsync(99)
    expect([call.error, seen?.aborted]).toEqual([undefined, false])
    await clock.advanceAsync(1)
    expect(call.error).toMatchObject({ code: 'DSYS_RPC_TIMEOUT', outcome: 'unknown', retryable: true })
    expect(seen?.aborted).toBe(true)
    answer.resolve(bytes('late'))
    await clock.advanceAsync(1_000)
    expect(call.result).toBeUndefined()
  })

  test('the server gives up by itself when no cancel reaches it', async () => {
    const { clock, network, node } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    let reason: unknown
    b.rpc.handle('slow', (_payload, { signal }) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason
      })
      return new Promise(() => undefined)
    })
    watch(a.rpc.call({ id: 'b' }, 'slow', bytes(''), { timeoutMs: 100 }))
    await clock.advanceAsync(1)
    network.cut('a', 'b')
    await clock.advanceAsync(200)
    expect(reason).toMatchObject({ code: 'DSYS_RPC_TIMEOUT' })
  })

  test('a caller that aborts gets its reason, and the handler is told at once', async () => {
    const { clock, node } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    let seen: AbortSignal | undefined
    b.rpc.handle('slow', (_payload, { signal }) => {
      seen = signal
      return new Promise(() => undefined)
    })
    const controller = new AbortController()
    const reason = new DsysTestReason()
    const call = watch(a.rpc.call({ id: 'b' }, 'slow', bytes(''), { signal: controller.signal }))
    await clock.advanceAsync(0)
    controller.abort(reason)
    await clock.advanceAsync(0)
    expect(call.error).toBe(reason)
    expect(seen?.aborted).toBe(true)
    await expect(a.rpc.call({ id: 'b' }, 'slow', bytes(''), { signal: controller.signal })).rejects.toBe(reason)
  })

  test('stop rejects what is under way as unknown, and leaves no timer', async () => {
    const { clock, node } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    b.rpc.handle('slow', () => new Promise(() => undefined))
    const call = watch(a.rpc.call({ id: 'b' }, 'slow', bytes('')))
    await clock.advanceAsync(0)
    await a.rpc.stop()
    await clock.advanceAsync(0)
    expect(call.error).toMatchObject({ code: 'DSYS_RPC_STOPPED', outcome: 'unknown' })
    await b.rpc.stop()
    await clock.advanceAsync(0)
    expect(clock.pending).toBe(0)
    await expect(a.rpc.call({ id: 'b' }, 'slow', bytes(''))).rejects.toMatchObject({ code: 'DSYS_NOT_RUNNING' })
    const again = new Rpc({ clock, logger: silentLogger, transport: a.transport }, { channel: 'rpc' })
    await again.start()
  })

  test('a request that cannot leave did not run', async () => {
    const { network, node } = setUp()
    const a = await node('a')
    network.disconnect('a')
    await expect(a.rpc.call({ id: 'b' }, 'x', bytes(''))).rejects.toMatchObject({
      code: 'DSYS_RPC_NOT_SENT',
      outcome: 'not-applied',
    })
  })
})

class DsysTestReason extends Error {}

describe('nobody there', () => {
  const absent = { code: 'DSYS_RPC_PEER_ABSENT', outcome: 'not-applied' }

  test('all calls to an absent node end at once, and did not run', async () => {
    const { clock, node } = setUp()
    const a = await node('a')
    const calls = [1, 2, 3].map(() => watch(a.rpc.call({ id: 'b' }, 'x', bytes(''))))
    await clock.advanceAsync(0)
    for (const { error } of calls) expect(error).toMatchObject(absent)
    expect(clock.pending).toBe(0)
  })

  test('a call that runs at a node is not ended by a later one that met nobody', async () => {
    const { clock, node } = setUp()
    const [a, b] = [await node('a'), await node('b')]
    b.rpc.handle('slow', () => new Promise(() => undefined))
    const first = watch(a.rpc.call({ id: 'b' }, 'slow', bytes('')))
    await clock.advanceAsync(0)
    await b.transport.stop()
    const second = watch(a.rpc.call({ id: 'b' }, 'slow', bytes('')))
    await clock.advanceAsync(0)
    expect([first, second]).toEqual([{}, { error: expect.objectContaining(absent) }])
    await clock.advanceAsync(10_000)
    expect(first.error?.outcome).toBe('unknown')
  })

  test('a call to an earlier life meets nobody', async () => {
    const { clock, node } = setUp()
    const [a] = [await node('a'), await node('b')]
    const b2 = await node('b')
    b2.rpc.handle('x', async () => bytes('wrong life'))
    const call = watch(a.rpc.call({ id: 'b', generation: 1 }, 'x', bytes('')))
    await clock.advanceAsync(0)
    expect(call.error).toMatchObject(absent)
  })
})

describe('bounds', () => {
  test('too many calls here, or there, are refused and did not run', async () => {
    const { clock, node } = setUp()
    const a = await node('a', { maxInFlight: 3 })
    const b = await node('b', { maxConcurrentRequests: 2 })
    const answers = [new Deferred<Uint8Array>(), new Deferred<Uint8Array>()]
    let runs = 0
    b.rpc.handle('slow', () => answers[runs++]?.promise ?? Promise.resolve(bytes('extra')))
    const calls = [1, 2, 3].map(() => watch(a.rpc.call({ id: 'b' }, 'slow', bytes(''))))
    const local = watch(a.rpc.call({ id: 'b' }, 'slow', bytes('')))
    await clock.advanceAsync(0)
    expect(local.error).toBeInstanceOf(RpcOverloadedError)
    expect(local.error).toMatchObject({ side: 'local', outcome: 'not-applied' })
    expect(calls[2]?.error).toMatchObject({ side: 'remote', outcome: 'not-applied' })
    expect(runs).toBe(2)
    for (const answer of answers) answer.resolve(bytes('done'))
    await clock.advanceAsync(0)
    expect(calls.map(({ result }) => result)).toEqual(['done', 'done', undefined])
    const next = watch(a.rpc.call({ id: 'b' }, 'slow', bytes('')))
    await clock.advanceAsync(0)
    expect(next.result).toBe('extra')
  })

  test('a handler that ignores its signal still counts', async () => {
    const { clock, node } = setUp()
    const [a, b] = [await node('a'), await node('b', { maxConcurrentRequests: 1 })]
    b.rpc.handle('stuck', () => new Promise(() => undefined))
    watch(a.rpc.call({ id: 'b' }, 'stuck', bytes(''), { timeoutMs: 10 }))
    await clock.advanceAsync(100)
    const call = watch(a.rpc.call({ id: 'b' }, 'stuck', bytes('')))
    await clock.advanceAsync(0)
    expect(call.error).toMatchObject({ code: 'DSYS_RPC_OVERLOADED', side: 'remote' })
  })
})

describe('an unfriendly network', () => {
  test('a request that arrives twice runs once', async () => {
    const { clock, node } = setUp({ link: { duplicateRate: 1, reorderRate: 0.5, maxDelayMs: 5 } })
    const [a, b] = [await node('a'), await node('b')]
    let runs = 0
    b.rpc.handle('count', async () => bytes(String(++runs)))
    const calls: { result?: string }[] = []
    for (let i = 0; i < 50; i++) calls.push(watch(a.rpc.call({ id: 'b' }, 'count', bytes(''))))
    await clock.advanceAsync(1_000)
    expect(runs).toBe(50)
    expect(new Set(calls.map(({ result }) => result)).size).toBe(50)
  })

  test.each([1, 2, 3, 4, 5])('every call ends, right or with an honest outcome (seed %i)', async (seed) => {
    const link = { lossRate: 0.1, duplicateRate: 0.1, reorderRate: 0.2, minDelayMs: 1, maxDelayMs: 20 }
    const { clock, network, node } = setUp({ link }, seed)
    const [a, b] = [await node('a'), await node('b')]
    const ran = new Map<string, number>()
    b.rpc.handle('echo', async (payload) => {
      ran.set(text(payload), (ran.get(text(payload)) ?? 0) + 1)
      return payload
    })
    const calls: { result?: string; error?: DsysError }[] = []
    for (let i = 0; i < 200; i++) {
      calls.push(watch(a.rpc.call({ id: 'b' }, 'echo', bytes(String(i)), { timeoutMs: 100 })))
      if (i === 100) network.partition(['a'], ['b'])
      if (i === 120) network.heal()
      await clock.advanceAsync(2)
    }
    await clock.advanceAsync(1_000)
    for (const [index, { result, error }] of calls.entries()) {
      if (error === undefined) expect(result).toBe(String(index))
      else if (error.outcome === 'not-applied') expect(ran.has(String(index))).toBe(false)
      else expect(error.outcome).toBe('unknown')
      expect(ran.get(String(index)) ?? 0).toBeLessThanOrEqual(1)
    }
    expect(calls.filter(({ result }) => result !== undefined).length).toBeGreaterThan(100)
    expect(clock.pending).toBe(0)
  })

  test('answers of an earlier Rpc, of another node or of another life are ignored', async () => {
    const { clock, network, node } = setUp()
    const [a, b, c] = [await node('a'), await node('b'), await node('c')]
    b.rpc.handle('slow', () => new Promise(() => undefined))
    let forged: Uint8Array | undefined
    c.rpc.handle('x', async () => bytes('forged'))
    const probe = network.endpoint('probe')
    await probe.start()
    probe.listen('rpc', (frame) => {
      forged = frame
    })
    watch(a.rpc.call({ id: 'probe' }, 'slow', bytes(''), { timeoutMs: 50 }))
    const call = watch(a.rpc.call({ id: 'b' }, 'slow', bytes(''), { timeoutMs: 5_000 }))
    await clock.advanceAsync(1)
    // An answer to call 2 (that to b) in the name of the probe: the head of its own request, with kind and id changed.
    const answer = (forged ?? new Uint8Array(12)).slice(0, 12)
    answer[1] = 1
    answer[11] = 2
    probe.send({ id: 'a' }, 'rpc-reply', answer)
    const otherSession = answer.slice()
    otherSession[2] = (otherSession[2] ?? 0) ^ 1
    b.transport.send({ id: 'a' }, 'rpc-reply', otherSession)
    b.transport.send({ id: 'a' }, 'rpc-reply', Uint8Array.of(9, 9))
    await clock.advanceAsync(10)
    expect(call).toEqual({})
    b.transport.send({ id: 'a' }, 'rpc-reply', answer)
    await clock.advanceAsync(0)
    expect(call.result).toBe('')
  })
})
