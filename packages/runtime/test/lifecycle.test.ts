import { expect, test } from 'vitest'
import { Lifecycle, NotRunningError } from '../src/index.ts'

interface Gate {
  readonly promise: Promise<void>
  open(): void
}

function gate(): Gate {
  let open = (): void => undefined
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, open: () => open() }
}

const nothing = async (): Promise<void> => undefined

test('new, starting, running, stopping, stopped', async () => {
  const [starts, stops] = [gate(), gate()]
  const life = new Lifecycle('part', { start: () => starts.promise, stop: () => stops.promise })
  expect(life.state).toBe('new')
  const starting = life.start()
  expect(life.state).toBe('starting')
  starts.open()
  await starting
  expect(life.state).toBe('running')
  const stopping = life.stop()
  expect(life.state).toBe('stopping')
  stops.open()
  await stopping
  expect(life.state).toBe('stopped')
})

test('assertRunning throws in every state but running, and names the part and its state', async () => {
  const life = new Lifecycle('the log', { start: nothing, stop: nothing })
  expect(() => life.assertRunning()).toThrow('the log is not running (it is new)')
  await life.start()
  life.assertRunning()
  await life.stop()
  expect(() => life.assertRunning()).toThrow(NotRunningError)
})

test('a second start joins the first, and a second stop too', async () => {
  const calls: string[] = []
  const life = new Lifecycle('part', {
    start: async () => void calls.push('start'),
    stop: async () => void calls.push('stop'),
  })
  await Promise.all([life.start(), life.start()])
  await life.start()
  await Promise.all([life.stop(), life.stop()])
  await life.stop()
  expect(calls).toEqual(['start', 'stop'])
})

test('it starts once only', async () => {
  const life = new Lifecycle('part', { start: nothing, stop: nothing })
  await life.start()
  await life.stop()
  await expect(life.start()).rejects.toMatchObject({ code: 'DSYS_NOT_RUNNING', outcome: 'not-applied' })
})

test('stop before start runs no hook, and start is refused from then on', async () => {
  const calls: string[] = []
  const life = new Lifecycle('part', {
    start: async () => void calls.push('start'),
    stop: async () => void calls.push('stop'),
  })
  await life.stop()
  expect(life.state).toBe('stopped')
  await expect(life.start()).rejects.toBeInstanceOf(NotRunningError)
  expect(calls).toEqual([])
})

test('a failed start cleans up once and throws its own error', async () => {
  let stops = 0
  const life = new Lifecycle('part', {
    start: () => Promise.reject(new Error('port taken')),
    stop: async () => void stops++,
  })
  await expect(life.start()).rejects.toThrow('port taken')
  expect(life.state).toBe('stopped')
  await life.stop()
  expect(stops).toBe(1)
})

test('a clean-up that fails after a failed start does not hide why, and stop tells it', async () => {
  const life = new Lifecycle('part', {
    start: () => Promise.reject(new Error('port taken')),
    stop: () => Promise.reject(new Error('cannot close')),
  })
  await expect(life.start()).rejects.toThrow('port taken')
  await expect(life.stop()).rejects.toThrow('cannot close')
  expect(life.state).toBe('stopped')
})

test('the signal cancels the start, with its reason, and leaves no listener', async () => {
  const abort = new AbortController()
  let given: AbortSignal | undefined
  const start = async ({ signal }: { signal: AbortSignal }): Promise<void> => {
    given = signal
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
  }
  const life = new Lifecycle('part', { start, stop: nothing })
  const starting = life.start({ signal: abort.signal })
  abort.abort(new Error('changed my mind'))
  await expect(starting).rejects.toThrow('changed my mind')
  expect(given?.aborted).toBe(true)
  expect(life.state).toBe('stopped')
})

test('a signal that was aborted before runs no start hook', async () => {
  let starts = 0
  const life = new Lifecycle('part', { start: async () => void starts++, stop: nothing })
  await expect(life.start({ signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late')
  expect(starts).toBe(0)
})

test('once started, the signal means nothing any more', async () => {
  const abort = new AbortController()
  let given: AbortSignal | undefined
  const start = async ({ signal }: { signal: AbortSignal }): Promise<void> => {
    given = signal
  }
  const life = new Lifecycle('part', { start, stop: nothing })
  await life.start({ signal: abort.signal })
  abort.abort()
  expect(life.state).toBe('running')
  expect(given?.aborted).toBe(false)
})

test('stop cancels a start under way, waits for its end, and then cleans up once', async () => {
  const log: string[] = []
  const start = async ({ signal }: { signal: AbortSignal }): Promise<void> => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    log.push('start ended')
  }
  const life = new Lifecycle('part', { start, stop: async () => void log.push('stop') })
  const starting = life.start()
  const stopping = life.stop()
  await expect(starting).rejects.toBeInstanceOf(NotRunningError)
  await stopping
  expect(log).toEqual(['start ended', 'stop'])
  expect(life.state).toBe('stopped')
})

test('a stop hook that makes others call stop at once still runs once', async () => {
  let stops = 0
  const life: Lifecycle = new Lifecycle('part', {
    start: nothing,
    stop: async () => {
      stops++
      // Somebody hears of the end of the part and stops it, as is their right. They do not wait for it in here.
      void life.stop()
    },
  })
  await life.start()
  await life.stop()
  expect(stops).toBe(1)
})

test('a stop hook that fails tells everyone who stops', async () => {
  const life = new Lifecycle('part', { start: nothing, stop: () => Promise.reject(new Error('cannot close')) })
  await life.start()
  await expect(life.stop()).rejects.toThrow('cannot close')
  await expect(life.stop()).rejects.toThrow('cannot close')
  expect(life.state).toBe('stopped')
})
