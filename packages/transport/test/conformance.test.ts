import { describe, expect, test } from 'vitest'
import { transportConformance } from '../src/conformance.ts'
import { Loopback } from './loopback.ts'

const factory = () => {
  const wire = new Map<string, Loopback>()
  return { endpoint: (self: { id: string; generation: number }) => new Loopback(wire, self) }
}

transportConformance({ describe, test }, factory, { broadcast: false, fastNegative: false })

/** Runs the whole suite with a runner of our own, and returns the names of the cases that failed. */
async function failuresOf(change: (transport: Loopback) => void): Promise<string[]> {
  const cases: { name: string; body: () => Promise<void> }[] = []
  const runner = {
    describe: (_name: string, body: () => void) => body(),
    test: (name: string, body: () => Promise<void>) => cases.push({ name, body }),
  }
  const changed = () => {
    const fixture = factory()
    return {
      endpoint: (self: { id: string; generation: number }) => {
        const transport = fixture.endpoint(self)
        change(transport)
        return transport
      },
    }
  }
  transportConformance(runner, changed, { broadcast: false, fastNegative: false })
  const failed: string[] = []
  for (const { name, body } of cases) {
    await body().catch(() => failed.push(name))
  }
  return failed
}

describe('the suite finds an adapter that', () => {
  test('is right: nothing', async () => {
    expect(await failuresOf(() => undefined)).toEqual([])
  })

  test('ignores the generation', async () => {
    const failed = await failuresOf((transport) => {
      const send = transport.send.bind(transport)
      transport.send = (to, channel, frame) => send({ id: to.id }, channel, frame)
    })
    expect(failed).toContain('after a restart, a frame for the earlier life reaches nobody')
  })

  test('delivers twice', async () => {
    const failed = await failuresOf((transport) => {
      const send = transport.send.bind(transport)
      transport.send = (to, channel, frame) => send(to, channel, frame) && send(to, channel, frame)
    })
    expect(failed).toContain('each of many frames arrives once')
  })

  test('hands over a Buffer, whose slice() is a view', async () => {
    const failed = await failuresOf((transport) => {
      const listen = transport.listen.bind(transport)
      transport.listen = (channel, handler) => listen(channel, (frame, from) => handler(Buffer.from(frame), from))
    })
    expect(failed).toEqual(['a frame is a plain Uint8Array, so slice() copies'])
  })
})
