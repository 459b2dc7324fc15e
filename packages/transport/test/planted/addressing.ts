import type { Destination, FrameHandler, PeerAddress } from '../../src/index.ts'
import { FullLoopback } from '../full-loopback.ts'
import type { Planted } from './planted.ts'

/** What addressing can have wrong. */
export const ADDRESSING_BUGS: readonly Planted[] = [
  {
    bug: 'remembers the first life of a sender',
    found: ['each of many lives of a node gets what is for it, and speaks in its own name'],
    kind: class extends FullLoopback {
      readonly #known = new Map<string, PeerAddress>()
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        const known = this.#known.get(from.id) ?? from
        this.#known.set(from.id, known)
        super.receive(channel, frame, known)
      }
    },
  },
  {
    bug: 'takes the later life along when an earlier one stops',
    found: ['while an earlier life still runs, what names the later one reaches that alone'],
    kind: class extends FullLoopback {
      protected override close(): void {
        this.wire.delete(this.self.id)
        super.close()
      }
    },
  },
  {
    bug: 'keeps handlers in a plain object',
    found: ['channels are apart, however many there are'],
    kind: class extends FullLoopback {
      readonly #taken: Record<string, unknown> = {}
      override listen(channel: string, handler: FrameHandler): () => void {
        if (this.#taken[channel] !== undefined) throw new Error('taken')
        return super.listen(channel, handler)
      }
    },
  },
  {
    bug: 'keeps nodes in a plain object',
    found: ['a node id may hold any characters, and each reaches only its node'],
    kind: class extends FullLoopback {
      readonly #seen: Record<string, unknown> = {}
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        this.#seen[to.id] = true
        return this.#seen[to.id] === true && super.enqueue(to, channel, frame)
      }
    },
  },
  {
    bug: 'takes a channel without a handler for an absent peer',
    found: ['a frame that met its node, and a broadcast, are not reported'],
    kind: class TakesNoHandlerForNobody extends FullLoopback {
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        if (!this.handlers.has(channel)) (this.wire.get(from.id) as TakesNoHandlerForNobody).absent(this.self, channel)
        super.receive(channel, frame, from)
      }
    },
  },
  {
    bug: 'reports each absence twice',
    found: ['a frame is reported once at most, and no report comes after the stop'],
    kind: class extends FullLoopback {
      protected override absent(peer: Destination, channel: string): void {
        super.absent(peer, channel)
        super.absent(peer, channel)
      }
    },
  },
  {
    bug: 'says that it closed, and then more',
    found: ['a frame is reported once at most, and no report comes after the stop'],
    kind: class extends FullLoopback {
      protected override close(): void {
        this.publish({ type: 'closed' })
        this.events.publish({ type: 'peer-absent', peer: { id: 'nobody' }, channel: 'test' })
        this.wire.delete(this.self.id)
      }
    },
  },
  {
    bug: 'ignores the generation',
    found: [
      'a frame with a generation reaches that life, one without reaches any',
      'after a restart, a frame for the earlier life reaches nobody',
      'frames that are under way during a restart reach the life they are for, or nobody',
      'each of many lives of a node gets what is for it, and speaks in its own name',
    ],
    kind: class extends FullLoopback {
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        return super.enqueue({ id: to.id }, channel, frame)
      }
    },
  },
  {
    bug: 'looks at the generation only when it sends',
    found: ['frames that are under way during a restart reach the life they are for, or nobody'],
    kind: class extends FullLoopback {
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        const there = this.wire.get(to.id)?.self.generation
        return super.enqueue(there === to.generation ? { id: to.id } : to, channel, frame)
      }
    },
  },
  {
    bug: 'needs a generation',
    found: [
      'a frame with a generation reaches that life, one without reaches any',
      'after a restart, a frame for the earlier life reaches nobody',
    ],
    kind: class extends FullLoopback {
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        return super.enqueue({ generation: 1, ...to }, channel, frame)
      }
    },
  },
  {
    bug: 'keeps 32 bits of a generation',
    found: ['a generation may be any whole number'],
    kind: class extends FullLoopback {
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        super.receive(channel, frame, { id: from.id, generation: from.generation | 0 })
      }
    },
  },
  {
    bug: 'sends to any id and on any channel',
    found: ['an illegal id, generation or channel throws RangeError'],
    kind: class extends FullLoopback {
      override send(to: Destination, channel: string, frame: Uint8Array): boolean {
        this.lifecycle.assertRunning()
        return this.enqueue(to, channel, frame)
      }
    },
  },
  {
    bug: 'broadcasts on channels that nobody can hear',
    found: ['an illegal id, generation or channel throws RangeError'],
    kind: class extends FullLoopback {
      override broadcast(channel: string, frame: Uint8Array): boolean {
        return channel !== 'Upper' && super.broadcast(channel, frame)
      }
    },
  },
  {
    bug: 'listens on channels on which nobody can send',
    found: ['an illegal id, generation or channel throws RangeError'],
    kind: class extends FullLoopback {
      override listen(channel: string, handler: FrameHandler): () => void {
        return channel === 'dot.ted' ? () => undefined : super.listen(channel, handler)
      }
    },
  },
  {
    bug: 'keeps frames until somebody listens',
    found: ['a frame on a channel without a handler is dropped, and harms nothing'],
    kind: class extends FullLoopback {
      readonly #kept: (() => void)[] = []
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        if (this.handlers.has(channel)) super.receive(channel, frame, from)
        else this.#kept.push(() => super.receive(channel, frame, from))
      }
      override listen(channel: string, handler: FrameHandler): () => void {
        const end = super.listen(channel, handler)
        for (const deliver of this.#kept.splice(0)) deliver()
        return end
      }
    },
  },
  {
    bug: 'lets a second handler take a channel',
    found: ['a second handler on a channel throws, until the first one ended'],
    kind: class extends FullLoopback {
      readonly #ends = new Map<string, () => void>()
      override listen(channel: string, handler: FrameHandler): () => void {
        this.#ends.get(channel)?.()
        const end = super.listen(channel, handler)
        this.#ends.set(channel, end)
        return end
      }
    },
  },
  {
    bug: 'ends the handler that came after',
    found: ['a second handler on a channel throws, until the first one ended'],
    kind: class extends FullLoopback {
      readonly #ends = new Map<string, () => void>()
      override listen(channel: string, handler: FrameHandler): () => void {
        this.#ends.set(channel, super.listen(channel, handler))
        return () => this.#ends.get(channel)?.()
      }
    },
  },
  {
    bug: 'says false when nobody is there',
    found: ['sending to nobody neither throws nor says false'],
    kind: class extends FullLoopback {
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        return this.wire.has(to.id) && super.enqueue(to, channel, frame)
      }
    },
  },
  {
    bug: 'names the wrong channel of a frame that met nobody',
    found: ['a frame that met nobody is reported, with its destination and channel'],
    kind: class extends FullLoopback {
      protected override absent(peer: Destination, _channel: string, tag?: number): void {
        super.absent(peer, 'other', tag)
      }
    },
  },
  {
    bug: 'does not say which life was not there',
    found: ['a frame that met nobody is reported, with its destination and channel'],
    kind: class extends FullLoopback {
      protected override absent(peer: Destination, channel: string, tag?: number): void {
        super.absent({ id: peer.id }, channel, tag)
      }
    },
  },
  {
    bug: 'does not say which frame met nobody',
    found: ['a report names the tag of its frame, and none where that had none'],
    kind: class extends FullLoopback {
      protected override absent(peer: Destination, channel: string): void {
        super.absent(peer, channel)
      }
    },
  },
  {
    bug: 'names the last frame to a node that is not there',
    found: ['a report names the tag of its frame, and none where that had none'],
    kind: class extends FullLoopback {
      #last: number | undefined
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array, tag?: number): boolean {
        this.#last = tag
        return super.enqueue(to, channel, frame, tag)
      }
      protected override absent(peer: Destination, channel: string): void {
        super.absent(peer, channel, this.#last)
      }
    },
  },
  {
    bug: 'gives every frame a tag',
    found: [
      'a frame that met nobody is reported, with its destination and channel',
      'a report names the tag of its frame, and none where that had none',
    ],
    kind: class extends FullLoopback {
      protected override absent(peer: Destination, channel: string, tag = 0): void {
        super.absent(peer, channel, tag)
      }
    },
  },
  {
    bug: 'keeps 32 bits of a tag',
    found: ['a report names the tag of its frame, and none where that had none'],
    kind: class extends FullLoopback {
      protected override absent(peer: Destination, channel: string, tag?: number): void {
        super.absent(peer, channel, tag === undefined ? tag : tag >>> 0)
      }
    },
  },
  {
    bug: 'takes any tag',
    found: ['a frame with a tag arrives as any other, whatever the tag'],
    kind: class extends FullLoopback {
      override send(to: Destination, channel: string, frame: Uint8Array): boolean {
        return super.send(to, channel, frame)
      }
    },
  },
]
