import { type Random, SeededRandom } from '@dsys/runtime'
import { Counts, seededBuggify } from '../chance.ts'
import { SimDisk } from '../disk/sim-disk.ts'
import type { LinkKnobs } from '../network/links.ts'
import { SimNetwork, type SimNetworkOptions } from '../network/sim-network.ts'
import { Scheduler } from '../scheduler.ts'
import { Trace } from '../trace.ts'
import { HostedNode } from './hosted-node.ts'
import { LogBook, type LogLine } from './log-book.ts'
import { SimMachine } from './machine.ts'
import { SimMachineDisk } from './machine-disk.ts'
import type { StartService, TestService } from './test-node.ts'
import { TrackedNetwork } from './tracked-network.ts'
import { SimWorld } from './world.ts'

/** What a {@link ClusterHost} is made of. */
export interface ClusterHostParts<S extends TestService> {
  readonly ids: readonly string[]
  readonly seed: number
  readonly start: StartService<S>
  readonly link: LinkKnobs
  readonly network: SimNetworkOptions
  readonly buggify: boolean
  readonly keepTrace: boolean
}

/** The machines of a test cluster and what they share. */
export class ClusterHost<S extends TestService> {
  readonly scheduler: Scheduler = new Scheduler()
  readonly trace: Trace
  readonly counts: Counts = new Counts()
  readonly random: Random
  readonly logs: LogBook
  readonly network: TrackedNetwork
  readonly world: SimWorld
  readonly #nodes = new Map<string, HostedNode<S>>()

  constructor(parts: ClusterHostParts<S>) {
    const { ids, seed, keepTrace } = parts
    const { scheduler, counts } = this
    this.random = new SeededRandom(seed)
    this.trace = new Trace({ keep: keepTrace })
    this.logs = new LogBook(scheduler, (line) => this.#onLine(line))
    const count = (what: string): void => counts.add(what)
    const network = new SimNetwork(
      { scheduler, random: this.random.stream('network'), knobs: parts.link, count, trace: this.trace, describe },
      parts.network,
    )
    this.network = new TrackedNetwork(network.links)
    const machines = ids.map((id) => this.#machine(id, parts, network))
    this.world = new SimWorld({ machines, network: network.links, leader: () => this.leader() })
  }

  /** What runs on a node. Throws RangeError when there is none of this name. */
  hosted(id: string): HostedNode<S> {
    const node = this.#nodes.get(id)
    if (node === undefined)
      throw new RangeError(`there is no node ${id}; there are ${[...this.#nodes.keys()].join(', ')}`)
    return node
  }

  /** Whom most take for the leader, when it does so itself. */
  leader(): string | undefined {
    const votes = new Map<string, number>()
    for (const { service } of this.#nodes.values()) {
      const leader = service?.leader?.()
      if (leader !== undefined) votes.set(leader, (votes.get(leader) ?? 0) + 1)
    }
    let best: string | undefined
    for (const [id, count] of votes) {
      const claims = this.#nodes.get(id)?.service?.leader?.() === id
      if (claims && count > (best === undefined ? 0 : (votes.get(best) ?? 0))) best = id
    }
    return best
  }

  /** Whether every service that runs gives the same answer, and none is busy. */
  converged(): boolean {
    const answers = [...this.#nodes.values()]
      .map(({ service }) => service)
      .filter((service) => service !== undefined)
      .map((service) => service.converged?.())
    return answers.length > 0 && answers.every((answer) => answer !== undefined && answer === answers[0])
  }

  /** Ends every life. */
  end(): void {
    for (const id of this.world.ids) this.world.node(id).end()
  }

  #machine(id: string, parts: ClusterHostParts<S>, network: SimNetwork): SimMachine {
    const { ids, start, buggify } = parts
    const { scheduler, trace, logs, counts } = this
    const random = this.random.stream(`machine ${id}`)
    const disk = new SimDisk({
      random: random.stream('disk'),
      count: (what, times) => counts.add(`disk.${what}`, times),
    })
    const rare = { activeShare: buggify ? 0.25 : 0, fireShare: 0.25, off: [] }
    const program = new HostedNode<S>({
      id,
      ids,
      network,
      disk,
      random: random.stream('lives'),
      logs,
      buggify: seededBuggify(random.stream('buggify'), rare, (what) => counts.add(what)),
      start,
    })
    this.#nodes.set(id, program)
    return new SimMachine({ id, scheduler, trace, program, disk: new SimMachineDisk(disk) }, { impostors: true })
  }

  /** Warnings and errors stand in the trace; what they say is for people, and no part of the hash. */
  #onLine({ atMs, node, level, message }: LogLine): void {
    if (level !== 'warn' && level !== 'error') return
    this.trace.add(atMs, node, `log.${level}`)
    this.trace.detail(message)
  }
}

/** Frames of dsys and of services of one's own have no form in common: how large it is says enough. */
function describe(_channel: string, frame: Uint8Array): string {
  return `${frame.byteLength} bytes`
}
