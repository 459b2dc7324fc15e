import { type Logger, silentLogger, systemRuntime } from '@dsys/runtime'
import type { TransportEvent } from '@dsys/transport'
import { afterEach } from 'vitest'
import type { NatsForTests, NatsServer, StartNatsOptions } from '../../../tooling/nats-server/index.mjs'
import { NatsTransport, type NatsTransportOptions } from '../src/index.ts'

type Servers = NatsTransportOptions['servers']
type SomeOptions = Partial<NatsTransportOptions>

/** A started transport, and a way to wait for its events and frames. */
export interface StartedNode {
  readonly transport: NatsTransport
  readonly events: TransportEvent[]
  /** The first byte of each frame on the channels `test` and `membership`, the latter being one of control. */
  readonly frames: number[]
  /** Resolves when `holds` does; it is looked at again with each event and frame. A test that never gets there times out. */
  until(holds: () => boolean): Promise<void>
}

/** What tests of whole transports start, all of which ends after each test. To be called once in a file. */
export class Nodes {
  readonly #nats: NatsForTests
  readonly #cleanups: (() => Promise<unknown>)[] = []

  constructor(nats: NatsForTests) {
    this.#nats = nats
    afterEach(async () => {
      for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup()
    })
  }

  /** Calls `cleanup` after the test, before what was started earlier ends. */
  after(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup)
  }

  async server(options: StartNatsOptions = {}): Promise<NatsServer> {
    const server = await this.#nats.start(options)
    this.after(() => server.stop())
    return server
  }

  create(servers: Servers, nodeId: string, options: SomeOptions = {}, logger?: Logger): NatsTransport {
    const runtime = systemRuntime(logger === undefined ? {} : { logger })
    const transport = new NatsTransport(runtime, {
      servers,
      cluster: 'test',
      nodeId,
      generation: 1,
      reconnectWaitMs: 20,
      ...options,
    })
    this.after(() => transport.stop())
    return transport
  }

  async start(servers: Servers, nodeId: string, options: SomeOptions = {}, logger?: Logger): Promise<StartedNode> {
    const transport = this.create(servers, nodeId, options, logger)
    const events: TransportEvent[] = []
    const frames: number[] = []
    let wake = (): void => undefined
    transport.observe((event) => {
      events.push(event)
      wake()
    })
    for (const channel of ['test', 'membership']) {
      transport.listen(channel, (frame) => {
        frames.push(frame[0] ?? -1)
        wake()
      })
    }
    await transport.start()
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds()) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    return { transport, events, frames, until }
  }
}

/** The log lines as text, errors and fields included, to look for secrets in. */
export function recordingLogger(): { logger: Logger; lines: string[] } {
  const lines: string[] = []
  const logger: Logger = { ...silentLogger, log: (...parts) => void lines.push(JSON.stringify(parts)) }
  return { logger, lines }
}

export const errorOf = (promise: Promise<unknown>): Promise<Error & { code?: string; hint?: string }> =>
  promise.then(
    () => {
      throw new Error('it was expected to fail')
    },
    (error) => error,
  )

/** An error as a person or a log may see it: with its causes and all fields. */
export function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error)
  return [
    error.message,
    error.stack,
    JSON.stringify(error),
    JSON.stringify(Object.entries(error)),
    everythingIn(error.cause ?? ''),
  ].join()
}
