import { type StartOptions, systemClock } from '@dsys/runtime'
import type { Destination } from '../../src/index.ts'
import { FullLoopback } from '../full-loopback.ts'
import type { Planted } from './planted.ts'

/** What lifecycle can have wrong. */
export const LIFECYCLE_BUGS: readonly Planted[] = [
  {
    bug: 'cannot be aborted while it starts',
    found: [
      'a start that is aborted under way rejects with the reason, and leaves nothing behind',
      'a start during an outage can be aborted, and joined by disposal',
    ],
    kind: class extends FullLoopback {
      override start(options?: StartOptions): Promise<void> {
        return super.start(options?.signal?.aborted === true ? options : {})
      }
    },
  },
  {
    bug: 'forgets the other observers',
    found: ['an observer hears each event once, also beside others, until it ends'],
    kind: class extends FullLoopback {
      override observe(handler: Parameters<FullLoopback['observe']>[0]): () => void {
        const end = super.observe(handler)
        return () => {
          end()
          this.events.close()
        }
      }
    },
  },
  {
    bug: 'tears down the network of others',
    found: ['a network outlives each of its nodes'],
    kind: class extends FullLoopback {
      protected override close(): void {
        this.wire.clear()
        super.close()
      }
    },
  },
  {
    bug: 'says false before its start',
    found: ['sending before start throws'],
    kind: class extends FullLoopback {
      override send(to: Destination, channel: string, frame: Uint8Array): boolean {
        return this.connection !== 'idle' && super.send(to, channel, frame)
      }
    },
  },
  {
    bug: 'says false after its end',
    found: ['sending after stop throws'],
    kind: class extends FullLoopback {
      override send(to: Destination, channel: string, frame: Uint8Array): boolean {
        return this.connection !== 'closed' && super.send(to, channel, frame)
      }
    },
  },
  {
    bug: 'broadcasts to nobody before its start and after its end',
    found: ['sending before start throws', 'sending after stop throws'],
    kind: class extends FullLoopback {
      override broadcast(channel: string, frame: Uint8Array): boolean {
        return this.connection === 'connected' && super.broadcast(channel, frame)
      }
    },
  },
  {
    bug: 'forgets its handlers when it starts',
    found: ['a handler set before start gets frames'],
    kind: class extends FullLoopback {
      override async start(options?: StartOptions): Promise<void> {
        this.handlers.clear()
        await super.start(options)
      }
    },
  },
  {
    bug: 'says that it started before it can be reached',
    found: ['once start has resolved, the node can be reached'],
    kind: class extends FullLoopback {
      override async start(options?: StartOptions): Promise<void> {
        await super.start(options)
        this.wire.delete(this.self.id)
        systemClock.setTimer(2, () => this.wire.set(this.self.id, this))
      }
    },
  },
  {
    bug: 'starts as often as it is told to',
    found: ['start twice is one start'],
    kind: class extends FullLoopback {
      #starts = 0
      override async start(options?: StartOptions): Promise<void> {
        await super.start(options)
        if (this.#starts++ > 0) this.publish({ type: 'connected' })
      }
    },
  },
  {
    bug: 'ignores the signal of its start',
    found: [
      'an aborted start rejects with the reason, and leaves nothing behind',
      'a start that is aborted under way rejects with the reason, and leaves nothing behind',
    ],
    kind: class extends FullLoopback {
      override start(): Promise<void> {
        return super.start()
      }
    },
  },
  {
    bug: 'starts again after a start that was aborted',
    found: ['an aborted start rejects with the reason, and leaves nothing behind'],
    kind: class extends FullLoopback {
      #aborted = false
      override async start(options?: StartOptions): Promise<void> {
        if (this.#aborted) return
        this.#aborted = options?.signal?.aborted === true
        await super.start(options)
      }
    },
  },
  {
    bug: 'stops with the signal of its start',
    found: ['the signal of start does not stop a transport that runs'],
    kind: class extends FullLoopback {
      override async start(options?: StartOptions): Promise<void> {
        options?.signal?.addEventListener('abort', () => void this.stop())
        await super.start(options)
      }
    },
  },
  {
    bug: 'is connected for ever',
    found: ['the connection and its events tell the same story', 'stop and disposal work in every state, and again'],
    kind: class extends FullLoopback {
      override async stop(): Promise<void> {
        await super.stop()
        this.connection = 'connected'
      }
    },
  },
  {
    bug: 'tells observers that ended',
    found: [
      'the connection and its events tell the same story',
      'an observer hears each event once, also beside others, until it ends',
    ],
    kind: class extends FullLoopback {
      override observe(handler: Parameters<FullLoopback['observe']>[0]): () => void {
        super.observe(handler)
        return () => undefined
      }
    },
  },
  {
    bug: 'drops what waits when it stops',
    found: ['what was sent before stop leaves'],
    kind: class extends FullLoopback {
      protected override arrive(to: Destination, channel: string, frame: Uint8Array): void {
        if (this.connection === 'connected') super.arrive(to, channel, frame)
      }
    },
  },
  {
    bug: 'stays in its place when it is gone',
    found: [
      'a start that is aborted under way rejects with the reason, and leaves nothing behind',
      'a node that has stopped is gone',
    ],
    kind: class extends FullLoopback {
      protected override close(): void {
        super.close()
        if (!this.wire.has(this.self.id)) this.wire.set(this.self.id, this)
      }
    },
  },
  {
    bug: 'cannot be disposed before it started',
    found: ['stop and disposal work in every state, and again'],
    kind: class extends FullLoopback {
      override [Symbol.asyncDispose](): Promise<void> {
        this.lifecycle.assertRunning()
        return this.stop()
      }
    },
  },
  {
    bug: 'stops only after it started',
    found: ['stop and disposal work in every state, and again'],
    kind: class extends FullLoopback {
      #starting: Promise<void> | undefined
      override start(options?: StartOptions): Promise<void> {
        this.#starting = super.start(options)
        return this.#starting
      }
      override async stop(): Promise<void> {
        await this.#starting
        await super.stop()
      }
    },
  },
  {
    bug: 'says again that it is closed',
    found: ['stop and disposal work in every state, and again'],
    kind: class extends FullLoopback {
      override async stop(): Promise<void> {
        this.publish({ type: 'closed' })
        await super.stop()
      }
    },
  },
]
