import { systemClock } from '@dsys/runtime'
import {
  type Destination,
  FrameBudget,
  type PeerAddress,
  type TransportCapabilities,
  TransportEndpoint,
} from '../src/index.ts'

const LIMITS = Object.freeze({ maxQueuedFrames: 4_096, maxQueuedBytes: 2 ** 22 })

/** The least that a transport can be: no broadcast, no report of absence. Endpoints that share `wire` reach each other. */
export class Loopback extends TransportEndpoint {
  readonly capabilities: TransportCapabilities = { broadcast: false, fastNegative: false, maxFrameBytes: 4_096 }
  readonly #wire: Map<string, Loopback>
  readonly #underWay = new FrameBudget(LIMITS)

  constructor(wire: Map<string, Loopback>, self: PeerAddress) {
    super({ clock: systemClock }, { self })
    this.#wire = wire
  }

  protected override async join(): Promise<void> {
    this.#wire.set(this.self.id, this)
    this.connected()
  }

  protected override async leave(): Promise<void> {
    if (this.#wire.get(this.self.id) === this) this.#wire.delete(this.self.id)
  }

  protected override transmit(to: Destination, channel: string, frame: Uint8Array): boolean {
    if (!this.#underWay.take(1, frame.byteLength)) return false
    const copy = new Uint8Array(frame)
    systemClock.afterIo(() => {
      this.#underWay.giveBack(1, copy.byteLength)
      const target = this.#wire.get(to.id)
      if (target === undefined || (to.generation ?? target.self.generation) !== target.self.generation) return
      target.arrived(channel, copy, this.self)
    })
    return true
  }
}
