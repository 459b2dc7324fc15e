import { encodeMessage, type Message } from '@dsys/membership/wire'
import { type Random, SeededRandom } from '@dsys/runtime'
import { MachineClock, pick, type Scheduler, SimLife, type SimNetwork } from '@dsys/simulation'
import type { Transport } from './watched-transport.ts'

const CHANNEL = 'membership'
const GHOST_STATES = ['dead', 'left'] as const

/** Somebody on the same network who is no member: sends what members of `cluster` must not understand, or must bear. */
export class Stranger {
  readonly #transport: Transport
  readonly #cluster: string
  #ghosts = 0

  constructor(network: SimNetwork, scheduler: Scheduler, cluster: string) {
    const clock = new MachineClock(() => scheduler.nowMs)
    const life = new SimLife({ id: 'x0', generation: 1, impostor: false, diskLost: false, scheduler, clock })
    this.#transport = network.endpoint('x0', { process: life.process })
    this.#cluster = cluster
  }

  async start(): Promise<void> {
    await this.#transport.start()
  }

  /** Sends one frame to `to`, of a kind that is drawn from `seed`. */
  bother(to: string, seed: number): void {
    const random = new SeededRandom(seed)
    const make = pick(random, [this.#noise, this.#otherVersion, this.#otherCluster, this.#ghostsOf, this.#ghostsOf])
    this.#transport.send({ id: to }, CHANNEL, make.call(this, random))
  }

  #noise(random: Random): Uint8Array {
    const header = encodeMessage({ kind: 'gossip', rumors: [] }, this.#cluster)
    return Uint8Array.from([...header.subarray(0, header.length - 1), ...random.bytes(random.integer(1, 60))])
  }

  #otherVersion(): Uint8Array {
    const frame = encodeMessage({ kind: 'gossip', rumors: [] }, this.#cluster)
    frame[0] = 255
    return frame
  }

  #otherCluster(): Uint8Array {
    const record = { id: 'x0', generation: 1, incarnation: 0, state: 'alive', metadata: [] } as const
    return encodeMessage({ kind: 'hello', answers: 0, joined: false, rumors: [{ record, ageMs: 0 }] }, 'bank')
  }

  /** Members that were here once and are dead, as an old member would know many of. */
  #ghostsOf(random: Random): Uint8Array {
    const rumors = Array.from({ length: random.integer(1, 20) }, () => {
      const id = `ghost${this.#ghosts++}`
      const record = { id, generation: 1, incarnation: 3, state: pick(random, GHOST_STATES), metadata: [] } as const
      return { record, ageMs: random.integer(0, 30_000) }
    })
    const message: Message = { kind: 'gossip', rumors }
    return encodeMessage(message, this.#cluster)
  }
}
