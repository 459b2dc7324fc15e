import { type StartOptions, systemClock } from '@dsys/runtime'
import type { Destination, PeerAddress } from '../../src/index.ts'
import { FullLoopback } from '../full-loopback.ts'
import type { Planted } from './planted.ts'

/** What outages can have wrong. */
export const OUTAGES_BUGS: readonly Planted[] = [
  {
    bug: 'keeps for later what it refused',
    found: ['during an outage send says false, and what it refused never arrives'],
    kind: class extends FullLoopback {
      #kept: (() => void)[] = []
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        if (this.connection === 'disconnected') this.#kept.push(() => super.enqueue(to, channel, frame))
        return super.enqueue(to, channel, frame)
      }
      override reconnect(): void {
        super.reconnect()
        for (const send of this.#kept) send()
        this.#kept = []
      }
    },
  },
  {
    bug: 'says true while it is away',
    found: ['during an outage send says false, and what it refused never arrives'],
    kind: class extends FullLoopback {
      override send(to: Destination, channel: string, frame: Uint8Array): boolean {
        return super.send(to, channel, frame) || this.connection === 'disconnected'
      }
    },
  },
  {
    bug: 'repeats frames after an outage',
    found: ['what an outage loses is whole frames: the others arrive as they are, and once'],
    kind: class extends FullLoopback {
      #last: (() => void) | undefined
      protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
        if (channel === 'test') this.#last = () => super.enqueue(to, channel, frame)
        return super.enqueue(to, channel, frame)
      }
      override reconnect(): void {
        super.reconnect()
        for (let i = 0; i < 2; i++) this.#last?.()
      }
    },
  },
  {
    bug: 'gives up after some outages',
    found: ['after an outage the nodes reach each other again by themselves'],
    kind: class extends FullLoopback {
      #outages = 0
      override disconnect(): void {
        super.disconnect()
        this.#outages++
      }
      override reconnect(): void {
        if (this.#outages < 3) super.reconnect()
      }
    },
  },
  {
    bug: 'blames the peer for its own outage',
    found: ['an outage is no evidence about a peer'],
    kind: class extends FullLoopback {
      #reports: (() => void)[] = []
      override send(to: Destination, channel: string, frame: Uint8Array): boolean {
        if (this.connection === 'disconnected') this.#reports.push(() => super.absent(to, channel))
        return super.send(to, channel, frame)
      }
      override reconnect(): void {
        super.reconnect()
        for (const report of this.#reports) report()
      }
    },
  },
  {
    bug: 'gives no reason',
    found: ['a disconnected event says why'],
    kind: class extends FullLoopback {
      override disconnect(): void {
        if (this.connection === 'connected') this.publish({ type: 'disconnected', why: '' })
      }
    },
  },
  {
    bug: 'ends an outage without a word',
    found: ['stop and disposal work during an outage'],
    kind: class extends FullLoopback {
      protected override close(): void {
        const away = this.connection === 'disconnected'
        if (away) this.events.close()
        super.close()
      }
    },
  },
  {
    bug: 'delivers half of the frame that was under way',
    found: ['what an outage loses is whole frames: the others arrive as they are, and once'],
    kind: class extends FullLoopback {
      #half: (() => void) | undefined
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        if (this.connection === 'disconnected')
          this.#half = () => super.receive(channel, frame.subarray(0, frame.byteLength / 2), from)
        else super.receive(channel, frame, from)
      }
      override reconnect(): void {
        super.reconnect()
        this.#half?.()
      }
    },
  },
  {
    bug: 'delivers frames from before the outage after those from after it',
    found: ['what an outage loses is whole frames: the others arrive as they are, and once'],
    kind: class extends FullLoopback {
      #late: (() => void) | undefined
      protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
        if (this.connection === 'disconnected') this.#late ??= () => super.receive(channel, frame, from)
        else super.receive(channel, frame, from)
        if (this.connection !== 'connected' || channel !== 'test') return
        this.#late?.()
        this.#late = undefined
      }
    },
  },
  {
    bug: 'is idle until it is connected',
    found: ['a start during an outage can be aborted, and joined by disposal'],
    kind: class extends FullLoopback {
      override async start(options?: StartOptions): Promise<void> {
        await systemClock.monotonicMs()
        await super.start(options)
      }
    },
  },
]
