import type { Random } from '@dsys/runtime'
import type { MemoryNetwork } from '@dsys/transport-memory'

/** What goes wrong in the network of a simulation. Each fault is told of. */
export class NetworkFaults {
  readonly #network: MemoryNetwork
  readonly #ids: readonly string[]
  readonly #random: Random
  readonly #tell: (what: string) => void

  constructor(network: MemoryNetwork, ids: readonly string[], random: Random, tell: (what: string) => void) {
    this.#network = network
    this.#ids = ids
    this.#random = random
    this.#tell = tell
  }

  /** Some nodes do not reach the others. */
  partition(): void {
    const side = this.#ids.filter(() => this.#random.float() < 0.5)
    this.#tell(`${side.join(', ') || 'nobody'} is cut off from the rest`)
    this.#network.partition(
      side,
      this.#ids.filter((id) => !side.includes(id)),
    )
  }

  /** One node does not reach another. */
  cut(): void {
    const [from, to] = [this.#anyone(), this.#anyone()]
    this.#tell(`nothing goes from ${from} to ${to}`)
    this.#network.cut(from, to)
  }

  /** Frames are lost, doubled, reordered and late. */
  roughen(maxDelayMs: number): void {
    const rate = (): number => (this.#random.float() < 0.5 ? 0 : 0.3 * this.#random.float())
    const link = {
      lossRate: rate(),
      duplicateRate: rate(),
      reorderRate: rate(),
      maxDelayMs: maxDelayMs * this.#random.float(),
    }
    this.#tell(`links: ${JSON.stringify(link)}`)
    this.#network.setLink(link)
  }

  #anyone(): string {
    return this.#ids[this.#random.integer(0, this.#ids.length)] as string
  }
}

/** A sync that takes a few milliseconds, and now and then long. */
export const slowSync = (disks: Random, setTimer: (delayMs: number, fire: () => void) => void): Promise<void> =>
  new Promise((resolve) => setTimer(disks.float() < 0.02 ? 400 * disks.float() : 3 * disks.float(), resolve))
