import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { EventHub, EventsLaggedError } from '../src/index.ts'

interface Ticked {
  readonly type: 'Ticked'
  readonly n: number
}

const ticked = (n: number): Ticked => ({ type: 'Ticked', n })

async function collect(stream: AsyncIterable<Ticked>, into: number[] = []): Promise<number[]> {
  for await (const event of stream) into.push(event.n)
  return into
}

test('a stream gives the initial events, then what is published, in order, and ends after what is queued', async () => {
  const hub = new EventHub<Ticked>()
  const stream = hub.subscribe({}, [ticked(1), ticked(2)])
  hub.publish(ticked(3))
  hub.close()
  expect(await collect(stream)).toEqual([1, 2, 3])
})

test('every stream gets every event', async () => {
  const hub = new EventHub<Ticked>()
  const streams = [hub.subscribe(), hub.subscribe()]
  hub.publish(ticked(1))
  hub.close()
  expect(await Promise.all(streams.map((stream) => collect(stream)))).toEqual([[1], [1]])
})

test('who falls behind loses its own stream with an error, and nobody else’s', async () => {
  const hub = new EventHub<Ticked>()
  const slow = hub.subscribe({ capacity: 2 })
  const other = hub.subscribe()
  for (const n of [1, 2, 3]) hub.publish(ticked(n))
  hub.close()
  await expect(slow.next()).rejects.toBeInstanceOf(EventsLaggedError)
  expect(await slow.next()).toEqual({ done: true, value: undefined })
  expect(await collect(other)).toEqual([1, 2, 3])
})

test('the initial events count for the capacity only when they fit', async () => {
  const hub = new EventHub<Ticked>()
  const stream = hub.subscribe({ capacity: 1 }, [ticked(1), ticked(2)])
  hub.close()
  expect(await collect(stream)).toEqual([1, 2])
})

test('two reads that wait at once get two events, in their order', async () => {
  const hub = new EventHub<Ticked>()
  const stream = hub.subscribe()
  const [first, second] = [stream.next(), stream.next()]
  hub.publish(ticked(1))
  hub.publish(ticked(2))
  expect(await first).toMatchObject({ value: { n: 1 } })
  expect(await second).toMatchObject({ value: { n: 2 } })
})

test('the end reaches every read that waits', async () => {
  const hub = new EventHub<Ticked>()
  const stream = hub.subscribe()
  const waiting = [stream.next(), stream.next()]
  hub.close()
  expect(await Promise.all(waiting)).toEqual([
    { done: true, value: undefined },
    { done: true, value: undefined },
  ])
})

test('break ends the stream at once and forgets what is queued', async () => {
  const hub = new EventHub<Ticked>()
  const stream = hub.subscribe({}, [ticked(1), ticked(2)])
  for await (const event of stream) {
    expect(event.n).toBe(1)
    break
  }
  expect(await stream.next()).toEqual({ done: true, value: undefined })
})

test('the signal ends the stream without an error, also when it was aborted before', async () => {
  const hub = new EventHub<Ticked>()
  const abort = new AbortController()
  const seen: number[] = []
  const collecting = collect(hub.subscribe({ signal: abort.signal }, [ticked(1)]), seen)
  await expect.poll(() => seen).toEqual([1])
  abort.abort()
  await collecting
  expect(await collect(hub.subscribe({ signal: abort.signal }))).toEqual([])
})

test('no listener stays on the signal, however the stream ended', async () => {
  const { signal } = new AbortController()
  const hub = new EventHub<Ticked>()
  const broken = hub.subscribe({ signal })
  const lagged = hub.subscribe({ signal, capacity: 1 })
  hub.subscribe({ signal })
  expect(getEventListeners(signal, 'abort')).toHaveLength(3)
  await broken.return?.()
  expect(getEventListeners(signal, 'abort')).toHaveLength(2)
  for (const n of [1, 2]) hub.publish(ticked(n))
  await expect(lagged.next()).rejects.toBeInstanceOf(EventsLaggedError)
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  hub.close()
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

test('it knows how many listen, until they end', async () => {
  const hub = new EventHub<Ticked>()
  const stream = hub.subscribe()
  const end = hub.handle(() => undefined)
  expect(hub.size).toBe(2)
  end()
  await stream.return?.()
  expect(hub.size).toBe(0)
})

test('a handler hears of an event before publish returns, until it is ended', () => {
  const hub = new EventHub<Ticked>()
  const seen: number[] = []
  const end = hub.handle((event) => seen.push(event.n))
  hub.publish(ticked(1))
  expect(seen).toEqual([1])
  end()
  hub.publish(ticked(2))
  expect(seen).toEqual([1])
})

test('after close, a stream holds its initial events and ends', async () => {
  const hub = new EventHub<Ticked>()
  hub.close()
  expect(await collect(hub.subscribe({}, [ticked(1)]))).toEqual([1])
})

test.each([0, -1, 1.5, Number.NaN])('capacity %s is refused', (capacity) => {
  expect(() => new EventHub<Ticked>().subscribe({ capacity })).toThrow(RangeError)
})
