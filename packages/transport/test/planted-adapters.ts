import { type StartOptions, systemClock } from '@dsys/runtime'
import { type Destination, type FrameHandler, FrameTooLargeError, type PeerAddress } from '../src/index.ts'
import { FullLoopback } from './full-loopback.ts'

// Adapters with one bug each, which the conformance suite must find.

const later = (action: () => void): void => void systemClock.setTimer(2, action)

export class Swaps extends FullLoopback {
  #sent = 0
  protected override arrive(to: Destination, channel: string, frame: Uint8Array): void {
    if (this.#sent++ % 50 === 7) later(() => super.arrive(to, channel, frame))
    else super.arrive(to, channel, frame)
  }
}

export class SendsTheWholeBuffer extends FullLoopback {
  protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
    return super.enqueue(to, channel, new Uint8Array(frame.buffer))
  }
}

export class ReusesABuffer extends FullLoopback {
  readonly #buffer = new Uint8Array(4_096)
  protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
    this.#buffer.set(frame)
    super.receive(channel, this.#buffer.subarray(0, frame.byteLength), from)
  }
}

export class MovesItsLimit extends FullLoopback {
  override send(to: Destination, channel: string, frame: Uint8Array): boolean {
    try {
      return super.send(to, channel, frame)
    } catch (error) {
      if (error instanceof FrameTooLargeError) Object.assign(this.capabilities, { maxFrameBytes: 1_024 })
      throw error
    }
  }
}

export class BroadcastsToItself extends FullLoopback {
  override broadcast(channel: string, frame: Uint8Array): boolean {
    return super.broadcast(channel, frame) && this.enqueue(this.self, channel, frame)
  }
}

export class RemembersTheFirstLife extends FullLoopback {
  readonly #known = new Map<string, PeerAddress>()
  protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
    const known = this.#known.get(from.id) ?? from
    this.#known.set(from.id, known)
    super.receive(channel, frame, known)
  }
}

export class TakesTheLaterLifeAlong extends FullLoopback {
  protected override close(): void {
    this.wire.delete(this.self.id)
    super.close()
  }
}

export class KeepsHandlersInAnObject extends FullLoopback {
  readonly #taken: Record<string, unknown> = {}
  override listen(channel: string, handler: FrameHandler): () => void {
    if (this.#taken[channel] !== undefined) throw new Error('taken')
    return super.listen(channel, handler)
  }
}

export class KeepsNodesInAnObject extends FullLoopback {
  readonly #seen: Record<string, unknown> = {}
  protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
    this.#seen[to.id] = true
    return this.#seen[to.id] === true && super.enqueue(to, channel, frame)
  }
}

export class TakesNoHandlerForNobody extends FullLoopback {
  protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
    if (!this.handlers.has(channel)) (this.wire.get(from.id) as TakesNoHandlerForNobody).absent(this.self, channel)
    super.receive(channel, frame, from)
  }
}

export class ReportsTwice extends FullLoopback {
  protected override absent(peer: Destination, channel: string): void {
    super.absent(peer, channel)
    super.absent(peer, channel)
  }
}

export class ReportsAfterItsEnd extends FullLoopback {
  protected override close(): void {
    this.publish({ type: 'closed' })
    this.events.publish({ type: 'peer-absent', peer: { id: 'nobody' }, channel: 'test' })
    this.wire.delete(this.self.id)
  }
}

export class Unbounded extends FullLoopback {
  /** What is beyond the bound is dropped in silence, which costs less than to keep it. */
  protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
    return super.enqueue(to, channel, frame) || this.connection === 'connected'
  }
}

export class RefusesAndSends extends FullLoopback {
  protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
    const refused = this.queued >= 1_000
    return super.enqueue(to, channel, frame) && !refused
  }
}

export class StaysFull extends FullLoopback {
  #taken = 0
  protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
    return this.#taken++ < 4_000 && super.enqueue(to, channel, frame)
  }
}

export class WaitsForRoomToStop extends FullLoopback {
  #wasFull = false
  protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
    const taken = super.enqueue(to, channel, frame)
    this.#wasFull ||= !taken
    return taken
  }
  override stop(): Promise<void> {
    return this.#wasFull ? new Promise(() => undefined) : super.stop()
  }
}

export class KnowsTenPeers extends FullLoopback {
  readonly #known = new Set<string>()
  protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
    this.#known.add(to.id)
    return this.#known.size > 10 || super.enqueue(to, channel, frame)
  }
}

export class LosesBehindASlowHandler extends FullLoopback {
  #lastMs = 0
  protected override receive(channel: string, frame: Uint8Array, from: PeerAddress): void {
    const beganMs = systemClock.monotonicMs()
    if (beganMs - this.#lastMs > 0.02) super.receive(channel, frame, from)
    this.#lastMs = systemClock.monotonicMs()
  }
}

export class HandsOverInsideHandlers extends FullLoopback {
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
}

export class RemembersTheFirstHandler extends FullLoopback {
  readonly #first = new Map<string, FrameHandler>()
  override listen(channel: string, handler: FrameHandler): () => void {
    const first = this.#first.get(channel) ?? handler
    this.#first.set(channel, first)
    return super.listen(channel, first)
  }
}

export class DeafToItsEnd extends FullLoopback {
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
}

export class KeepsForLater extends FullLoopback {
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
}

export class TakesFramesWhileAway extends FullLoopback {
  override send(to: Destination, channel: string, frame: Uint8Array): boolean {
    return super.send(to, channel, frame) || this.connection === 'disconnected'
  }
}

export class RepeatsAfterAnOutage extends FullLoopback {
  #last: (() => void) | undefined
  protected override enqueue(to: Destination, channel: string, frame: Uint8Array): boolean {
    if (channel === 'test') this.#last = () => super.enqueue(to, channel, frame)
    return super.enqueue(to, channel, frame)
  }
  override reconnect(): void {
    super.reconnect()
    for (let i = 0; i < 2; i++) this.#last?.()
  }
}

export class StaysAway extends FullLoopback {
  #outages = 0
  override disconnect(): void {
    super.disconnect()
    this.#outages++
  }
  override reconnect(): void {
    if (this.#outages < 3) super.reconnect()
  }
}

export class BlamesThePeer extends FullLoopback {
  #reports: (() => void)[] = []
  override send(to: Destination, channel: string, frame: Uint8Array): boolean {
    if (this.connection === 'disconnected') this.#reports.push(() => super.absent(to, channel))
    return super.send(to, channel, frame)
  }
  override reconnect(): void {
    super.reconnect()
    for (const report of this.#reports) report()
  }
}

export class GivesNoReason extends FullLoopback {
  override disconnect(): void {
    if (this.connection === 'connected') this.publish({ type: 'disconnected', why: '' })
  }
}

export class EndsInSilence extends FullLoopback {
  protected override close(): void {
    const away = this.connection === 'disconnected'
    if (away) this.events.close()
    super.close()
  }
}

export class CannotBeAborted extends FullLoopback {
  override start(options?: StartOptions): Promise<void> {
    return super.start(options?.signal?.aborted === true ? options : {})
  }
}

export class ForgetsOtherObservers extends FullLoopback {
  override observe(handler: Parameters<FullLoopback['observe']>[0]): () => void {
    const end = super.observe(handler)
    return () => {
      end()
      this.events.close()
    }
  }
}

export class TearsTheWireDown extends FullLoopback {
  protected override close(): void {
    this.wire.clear()
    super.close()
  }
}
