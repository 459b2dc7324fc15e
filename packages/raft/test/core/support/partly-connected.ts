import { SeededRandom } from '@dsys/runtime'
import type { RaftLog } from '../../../src/core/log.ts'
import type { Message } from '../../../src/core/messages.ts'
import { RaftCore } from '../../../src/core/raft-core.ts'
import { ELECTION_TIMEOUT_MS, HEARTBEAT_INTERVAL_MS, NOTHING_STORED } from './cluster.ts'
import { hears, type Links } from './graphs.ts'

/** How a {@link PartlyConnected} is set up. */
export interface PartlyConnectedOptions {
  readonly nodes: number
  readonly seed: number
  /** How long a frame takes at the most; at the least it is a fifth of that. */
  readonly delayMs: number
  readonly leaseClockDrift?: number
}

interface Due {
  readonly atMs: number
  readonly order: number
  readonly action: () => void
}

/** Cores in virtual time, whose frames arrive where the links of the moment let them, and whose disks are as fast as memory. */
export class PartlyConnected {
  nowMs = 0
  /** When the links changed, or somebody began or ceased to lead: the last of these. */
  lastChangeMs = 0
  readonly #cores: readonly RaftCore[]
  readonly #random: SeededRandom
  readonly #delayMs: number
  readonly #timers: number[]
  #links: Links
  #queue: Due[] = []
  #order = 0
  readonly #leads: boolean[]

  constructor({ nodes, seed, delayMs, leaseClockDrift }: PartlyConnectedOptions) {
    const voters = Array.from({ length: nodes }, (_, i) => `n${i}`)
    this.#random = new SeededRandom(seed)
    this.#delayMs = delayMs
    this.#links = voters.map((_, a) => voters.map((_, b) => a !== b))
    this.#leads = voters.map(() => false)
    this.#timers = voters.map(() => Number.POSITIVE_INFINITY)
    this.#cores = voters.map((id) => {
      const config = {
        ...{ id, voters, electionTimeoutMs: ELECTION_TIMEOUT_MS, heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS },
        ...{ maxAppendBytes: 1_000, maxInflightAppends: 8, maxInflightBytes: 1 << 20, maxUncommittedBytes: 1 << 20 },
        ...(leaseClockDrift === undefined ? {} : { leaseClockDrift }),
      }
      return new RaftCore(config, NOTHING_STORED, this.#random.integer(0, 2 ** 32), 0)
    })
    for (const node of this.#cores.keys()) this.#turn(node)
  }

  /** From now on frames arrive only where `links` has it. What is on its way is lost where it has not. */
  cut(links: Links): void {
    this.#links = links
    this.lastChangeMs = this.nowMs
  }

  /** Node `node` is asked to lead. */
  campaign(node: number): void {
    this.#core(node).campaign(this.nowMs)
    this.#turn(node)
  }

  /** A write at `node`. Returns its index, or nothing where `node` does not lead. */
  propose(node: number): number | undefined {
    const core = this.#core(node)
    const refusal = core.propose([{ kind: 1, data: new Uint8Array(1) }])
    this.#turn(node)
    return refusal === undefined ? core.log.lastIndex : undefined
  }

  /** The nodes that take themselves for the leader. */
  get leaders(): number[] {
    return [...this.#cores.entries()].filter(([, { role }]) => role === 'leader').map(([node]) => node)
  }

  log(node: number): RaftLog {
    return this.#core(node).log
  }

  commitIndex(node: number): number {
    return this.#core(node).commitIndex
  }

  run(untilMs: number): void {
    for (;;) {
      const next = this.#queue[0]
      if (next === undefined || next.atMs > untilMs) break
      this.#queue.shift()
      this.nowMs = next.atMs
      next.action()
    }
    this.nowMs = untilMs
  }

  #core(node: number): RaftCore {
    return this.#cores[node] as RaftCore
  }

  #at(atMs: number, action: () => void): void {
    const due = { atMs, order: this.#order++, action }
    let place = this.#queue.length
    while (place > 0 && (this.#queue[place - 1] as Due).atMs > atMs) place--
    this.#queue.splice(place, 0, due)
  }

  #turn(node: number): void {
    const core = this.#core(node)
    for (let again = true; again; ) {
      const { write, messages } = core.takeEffects()
      for (const { to, message } of messages) this.#send(node, Number(to.slice(1)), message)
      again = write !== undefined
      if (write !== undefined) core.durable(write.id, this.nowMs)
    }
    core.takeEvents()
    const leads = core.role === 'leader'
    if (leads !== this.#leads[node]) {
      this.#leads[node] = leads
      this.lastChangeMs = this.nowMs
    }
    this.#arm(node)
  }

  #send(from: number, to: number, message: Message): void {
    if (!hears(this.#links, from, to)) return
    this.#at(this.nowMs + this.#delayMs * (0.2 + 0.8 * this.#random.float()), () => {
      if (!hears(this.#links, from, to)) return
      this.#core(to).step(`n${from}`, message, this.nowMs)
      this.#turn(to)
    })
  }

  /** A timer that was set for a time that has been moved finds nothing to do. */
  #arm(node: number): void {
    const dueMs = Math.max(this.#core(node).nextDueMs, this.nowMs)
    if (this.#timers[node] === dueMs) return
    this.#timers[node] = dueMs
    this.#at(dueMs, () => {
      if (this.#timers[node] !== dueMs) return
      this.#timers[node] = Number.POSITIVE_INFINITY
      this.#core(node).tick(this.nowMs)
      this.#turn(node)
    })
  }
}
