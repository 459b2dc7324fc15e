import { assertChannel, assertFrameFits, type Destination, type TransportCapabilities } from '../src/index.ts'
import { Loopback } from './loopback.ts'

/** A {@link Loopback} that can all that a transport may: the one in which the tests of the suite plant their bugs. */
export class FullLoopback extends Loopback {
  override readonly capabilities: TransportCapabilities = { broadcast: true, fastNegative: true, maxFrameBytes: 4_096 }

  override broadcast(channel: string, frame: Uint8Array): boolean {
    this.lifecycle.assertRunning()
    assertChannel(channel)
    assertFrameFits(frame, this.capabilities.maxFrameBytes)
    if (this.connection !== 'connected') return false
    for (const peer of this.wire.values()) if (peer !== this && !this.enqueue(peer.self, channel, frame)) return false
    return true
  }

  protected override absent(peer: Destination, channel: string): void {
    if (this.connection === 'connected') this.publish({ type: 'peer-absent', peer, channel })
  }
}
