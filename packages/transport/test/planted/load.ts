import { systemClock } from '@dsys/runtime'
import type { Destination, FrameHandler, PeerAddress } from '../../src/index.ts'
import { FullLoopback } from '../full-loopback.ts'
import type { Planted } from './planted.ts'

/** What load can have wrong. */
export const LOAD_BUGS: readonly Planted[] = [
  {
    bug: 'has no bound for its queue',
    found: [
      'send says false when the queue is full; what it refused never arrives',
      'broadcast says false when the queue is full; what it refused never arrives',
      'small frames are bounded too, and leave room again',
    ],
    kind: class extends FullLoopback {
      /** What is beyond the bound is dropped in silence, which costs less than to keep it. */
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        return super.enqueue(to, channel, frame) || this.connection === 'connected'
      }
    },
  },
  {
    bug: 'refuses a frame and sends it',
    found: [
      'send says false when the queue is full; what it refused never arrives',
      'broadcast says false when the queue is full; what it refused never arrives',
    ],
    kind: class extends FullLoopback {
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        const refused = this.queued >= 1_000
        return super.enqueue(to, channel, frame) && !refused
      }
    },
  },
  {
    bug: 'stays full once it was',
    found: [
      'a queue that was full takes frames again, and they arrive',
      'small frames are bounded too, and leave room again',
    ],
    kind: class extends FullLoopback {
      #taken = 0
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        return this.#taken++ < 4_000 && super.enqueue(to, channel, frame)
      }
    },
  },
  {
    bug: 'never stops once it was full',
    found: ['stop ends also with a full queue'],
    kind: class extends FullLoopback {
      #wasFull = false
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        const taken = super.enqueue(to, channel, frame)
        this.#wasFull ||= !taken
        return taken
      }
      override stop(): Promise<void> {
        return this.#wasFull ? new Promise(() => undefined) : super.stop()
      }
    },
  },
  {
    bug: 'knows ten peers at most',
    found: ['each of many nodes reaches each other'],
    kind: class extends FullLoopback {
      readonly #known = new Set<string>()
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        this.#known.add(to.id)
        return this.#known.size > 10 || super.enqueue(to, channel, frame)
      }
    },
  },
  {
    bug: 'loses frames behind a slow handler',
    found: ['a receiver that is slow with each frame gets all of them, whole and once'],
    kind: class extends FullLoopback {
      #lastMs = 0
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        const beganMs = systemClock.monotonicMs()
        if (beganMs - this.#lastMs > 0.02) super.receive(channel, frame, from)
        this.#lastMs = systemClock.monotonicMs()
      }
    },
  },
  {
    bug: 'hands frames over inside handlers',
    found: ['handlers are called one at a time, also where they send'],
    kind: class extends FullLoopback {
      #inside = false
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        this.#inside = true
        super.receive(channel, frame, from)
        this.#inside = false
      }
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        if (!this.#inside || to.id !== this.self.id) return super.enqueue(to, channel, frame)
        this.receive(channel, frame, this.self)
        return true
      }
    },
  },
  {
    bug: 'remembers the first handler of a channel',
    found: ['a handler may end itself and begin another, in the middle of a burst'],
    kind: class extends FullLoopback {
      readonly #first = new Map<string, FrameHandler>()
      readonly #ends = new Map<string, () => void>()
      override listen(channel: string, handler: FrameHandler): () => void {
        const first = this.#first.get(channel) ?? handler
        this.#first.set(channel, first)
        this.#ends.set(channel, super.listen(channel, first))
        // It is the first one that calls this, again and again, and none of its calls may fail.
        return () => this.#ends.get(channel)?.()
      }
    },
  },
  {
    bug: 'goes on handing over after its end',
    found: [
      'a handler may stop its transport, and gets nothing once that is done',
      'nothing is handed over after stop has resolved',
    ],
    kind: class extends FullLoopback {
      #handler: FrameHandler | undefined
      override listen(channel: string, handler: FrameHandler): () => void {
        if (channel === 'test') this.#handler = handler
        return super.listen(channel, handler)
      }
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        if (channel === 'test') this.#handler?.(frame, from)
        else super.receive(channel, frame, from)
      }
      protected override close(): void {
        this.publish({ type: 'closed' })
        this.events.close()
      }
    },
  },
]
