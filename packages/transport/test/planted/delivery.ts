import { systemClock } from '@dsys/runtime'
import {
  BroadcastUnsupportedError,
  type Destination,
  FrameTooLargeError,
  type PeerAddress,
  type TransportCapabilities,
} from '../../src/index.ts'
import { FullLoopback } from '../full-loopback.ts'
import { NOTHING, type Planted } from './planted.ts'

const CAN_NOTHING = Object.freeze({ broadcast: false, fastNegative: false, maxFrameBytes: 4_096 })

/** What delivery can have wrong. */
export const DELIVERY_BUGS: readonly Planted[] = [
  {
    bug: 'sends the buffer behind a view',
    found: ['a frame may be a view into a larger buffer, or a Buffer: only its own bytes arrive'],
    kind: class extends FullLoopback {
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        return super.enqueue(to, channel, new Uint8Array(frame.buffer))
      }
    },
  },
  {
    bug: 'reuses its receive buffer',
    found: [
      'several frames of the largest size arrive whole, whoever they are for',
      'a receiver that is slow with each frame gets all of them, whole and once',
    ],
    kind: class extends FullLoopback {
      readonly #buffer = new Uint8Array(4_096)
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        this.#buffer.set(frame)
        super.receive(channel, this.#buffer.subarray(0, frame.byteLength), from)
      }
    },
  },
  {
    bug: 'moves its limit',
    found: ['the limit stays what it was once the transport runs'],
    kind: class extends FullLoopback {
      override send(to: Destination, channel: string, frame: Uint8Array): boolean {
        try {
          return super.send(to, channel, frame)
        } catch (error) {
          if (error instanceof FrameTooLargeError) Object.assign(this.capabilities, { maxFrameBytes: 1_024 })
          throw error
        }
      }
    },
  },
  {
    bug: 'broadcasts to itself',
    found: [
      'a broadcast where nobody else is harms nothing',
      'a broadcast reaches every other node once, and not oneself',
    ],
    kind: class extends FullLoopback {
      override broadcast(channel: string, frame: Uint8Array): boolean {
        return super.broadcast(channel, frame) && this.enqueue(this.self, channel, frame)
      }
    },
  },
  {
    bug: 'signs each frame with the first life of its sender',
    found: ['a frame arrives with the address of its sender'],
    kind: class extends FullLoopback {
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        super.receive(channel, frame, { id: from.id, generation: 1 })
      }
    },
  },
  {
    bug: 'hands each frame over twice',
    found: [
      'each of many frames arrives once',
      'a broadcast reaches every other node once, and not oneself',
      'a receiver that is slow with each frame gets all of them, whole and once',
    ],
    kind: class extends FullLoopback {
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        super.receive(channel, new Uint8Array(frame), from)
        super.receive(channel, frame, from)
      }
    },
  },
  {
    bug: 'hands frames to itself from inside send',
    found: ['a frame is never handed over from inside send, not even to oneself'],
    kind: class extends FullLoopback {
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        if (to.id !== this.self.id) return super.enqueue(to, channel, frame)
        this.receive(channel, new Uint8Array(frame), this.self)
        return true
      }
    },
  },
  {
    bug: 'takes a frame back after its handler returned',
    found: ['a frame stays as it was after the handler returned'],
    kind: class extends FullLoopback {
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        super.receive(channel, frame, from)
        systemClock.afterIo(() => void frame.fill(0))
      }
    },
  },
  {
    bug: 'hands over the bytes of the sender',
    found: [
      'a frame belongs to its handler: writing to it changes no other',
      'each receiver of a broadcast has bytes of its own',
    ],
    kind: class extends FullLoopback {
      protected override copyOf(frame: Uint8Array): Uint8Array {
        return frame
      }
    },
  },
  {
    bug: 'hands over a Buffer',
    found: ['a frame is a plain Uint8Array, so slice() copies'],
    kind: class extends FullLoopback {
      protected override copyOf(frame: Uint8Array): Uint8Array {
        return Buffer.from(frame)
      }
    },
  },
  {
    bug: 'takes an empty frame for none',
    found: ['an empty frame arrives'],
    kind: class extends FullLoopback {
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        if (frame.byteLength > 0) super.receive(channel, frame, from)
      }
    },
  },
  {
    bug: 'cuts long frames',
    found: [
      'a frame of the largest size arrives whole',
      'several frames of the largest size arrive whole, whoever they are for',
    ],
    kind: class extends FullLoopback {
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        super.receive(channel, frame.slice(0, 4_000), from)
      }
    },
  },
  {
    bug: 'refuses a frame that is too large, and sends it',
    found: ['a frame over the limit throws, and nothing is sent'],
    kind: class extends FullLoopback {
      override send(to: Destination, channel: string, frame: Uint8Array): boolean {
        if (frame.byteLength > this.capabilities.maxFrameBytes) this.enqueue(to, channel, frame)
        return super.send(to, channel, frame)
      }
    },
  },
  {
    bug: 'drops a frame that is too large in silence',
    found: ['a frame over the limit throws, and nothing is sent'],
    kind: class extends FullLoopback {
      override send(to: Destination, channel: string, frame: Uint8Array): boolean {
        return frame.byteLength <= this.capabilities.maxFrameBytes && super.send(to, channel, frame)
      }
    },
  },
  {
    bug: 'drops a broadcast that is too large in silence',
    found: ['a frame over the limit throws, and nothing is sent'],
    kind: class extends FullLoopback {
      override broadcast(channel: string, frame: Uint8Array): boolean {
        return frame.byteLength <= this.capabilities.maxFrameBytes && super.broadcast(channel, frame)
      }
    },
  },
  {
    bug: 'broadcasts on every channel',
    found: ['a broadcast reaches only those who listen on its channel'],
    kind: class extends FullLoopback {
      override broadcast(channel: string, frame: Uint8Array): boolean {
        return super.broadcast(channel, frame) && super.broadcast('test', frame)
      }
    },
  },
  {
    bug: 'says false where nobody is who could hear a broadcast',
    found: ['a broadcast where nobody else is harms nothing'],
    kind: class extends FullLoopback {
      override broadcast(channel: string, frame: Uint8Array): boolean {
        return super.broadcast(channel, frame) && this.wire.size > 1
      }
    },
  },
  {
    bug: 'does nothing where it cannot broadcast',
    found: ['broadcast is declared unsupported, and throws'],
    declares: NOTHING,
    kind: class extends FullLoopback {
      override readonly capabilities: TransportCapabilities = CAN_NOTHING
      override broadcast(): boolean {
        return false
      }
    },
  },
  {
    bug: 'declares what it does not do',
    found: ['broadcast is declared unsupported, and throws', 'peer-absent is declared unsupported'],
    declares: NOTHING,
    kind: class extends FullLoopback {
      override readonly capabilities: TransportCapabilities = { ...CAN_NOTHING, broadcast: true, fastNegative: true }
      override broadcast(): boolean {
        throw new BroadcastUnsupportedError()
      }
    },
  },
]
