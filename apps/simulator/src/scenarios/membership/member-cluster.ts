import type { Membership, Metadata } from '@dsys/membership'
import { SeededRandom } from '@dsys/runtime'
import {
  type MachineProgram,
  type Scheduler,
  type SimLife,
  SimMachine,
  type SimNetwork,
  type Trace,
} from '@dsys/simulation'
import { describedBy } from './described-by.ts'
import { sameMetadata } from './event-order.ts'
import { KeptPeers } from './kept-peers.ts'
import { MemberLife, type Surroundings } from './member-life.ts'

/** What a {@link MemberCluster} is made of. */
export interface ClusterParts {
  readonly ids: readonly string[]
  readonly cluster: string
  readonly network: SimNetwork
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly around: Surroundings
}

/** How long whoever runs a process waits before starting another that could not start. */
const START_AGAIN_MS = 500

/** The machines of a run, who is to run on them, and who does. */
export class MemberCluster {
  readonly machines: readonly SimMachine[]
  /** Whom an operator wants to run. The others have left, or have not come yet. */
  readonly wanted: Set<string> = new Set()
  readonly #parts: ClusterParts
  readonly #seeds: readonly string[]
  /** The latest process of each node, impostors apart. */
  readonly #current = new Map<string, MemberLife>()
  readonly #lives = new Set<MemberLife>()
  readonly #facts = new Map<string, Metadata>()
  readonly #kept = new Map<string, KeptPeers>()
  /** By how much the count of the lives of a node has fallen behind. */
  readonly #uncounted = new Map<string, number>()
  /** Whose disk is gone since their last life. */
  readonly #losers = new Set<string>()
  /** Nodes that two processes have claimed to be at the same time, as the same life. */
  readonly twins: Set<string> = new Set()
  /** Nodes that a second process has claimed to be, as the same life or as a later one. */
  readonly impostors: Set<string> = new Set()

  constructor(parts: ClusterParts) {
    this.#parts = parts
    this.#seeds = parts.ids.slice(0, parts.around.knobs.seeds)
    const clocks = new SeededRandom(parts.ids.length).stream('clocks')
    this.machines = parts.ids.map((id) => {
      const program: MachineProgram = { start: (life) => this.#begin(life) }
      const { scheduler, trace } = parts
      // No two monotonic clocks show the same.
      const clock = { monotonicMs: clocks.integer(0, 1_000_000) }
      return new SimMachine({ id, scheduler, trace, program }, { clock, impostors: true, restartsEmpty: true })
    })
  }

  get lives(): ReadonlySet<MemberLife> {
    return this.#lives
  }

  machine(id: string): SimMachine {
    const machine = this.machines.find((one) => one.id === id)
    if (machine === undefined) throw new RangeError(`there is no machine ${id}`)
    return machine
  }

  /** The process of the node, where one runs. */
  current(id: string): MemberLife | undefined {
    const current = this.#current.get(id)
    return current?.life.alive === true ? current : undefined
  }

  isSeed(id: string): boolean {
    return this.#seeds.includes(id)
  }

  /** Facts of the node from its next life on. */
  facts(id: string): Metadata {
    return this.#facts.get(id) ?? { zone: `z${id.length}`, version: '0' }
  }

  setFacts(id: string, facts: Metadata): void {
    this.#facts.set(id, facts)
  }

  /** Whoever operates the cluster starts the node, for the first time or again. */
  join(id: string): void {
    this.wanted.add(id)
    this.machine(id).restart()
  }

  /** A node that has fallen silent because of a later life of it, which is gone, has to be started again. */
  replaceSilent(ids: readonly string[]): void {
    for (const id of ids) {
      if (this.current(id)?.superseded !== true) continue
      this.machine(id).crash({ unsynced: 'kept', disk: 'kept' })
      this.machine(id).restart()
    }
  }

  /** The machine loses all that it has kept, in the middle of a life; it starts again with nothing. */
  loseDisk(id: string): void {
    this.machine(id).crash({ unsynced: 'lost', disk: 'lost' })
    this.#losers.add(id)
  }

  #begin(life: SimLife): void {
    const { network, cluster, around } = this.#parts
    const { id } = life
    // Faults end by a restart of what they stopped; who has left stays away.
    if (!this.wanted.has(id)) {
      life.end()
      return
    }
    const isTwin = life.impostor && around.knobs.impostor === 'twin'
    const lost = !life.impostor && this.#losers.delete(id)
    if (lost) this.#kept.get(id)?.lose()
    const counted = this.#count(life, lost)
    const generation = isTwin ? (this.current(id)?.self.generation ?? counted) : counted
    if (life.impostor) around.count(`impostor.${around.knobs.impostor}`)
    if (isTwin) this.twins.add(id)
    if (life.impostor) this.impostors.add(id)
    const metadata = life.impostor ? { ...this.facts(id), impostor: 'yes' } : this.facts(id)
    const { maxFrameBytes } = around.knobs
    const transport = network.endpoint(id, { process: life.process, generation, maxFrameBytes })
    const peers = this.#peersOf(life)
    // All of them, as at the end any one may be the only one that is there.
    const others = this.#seeds.filter((seed) => seed !== id)
    const finds = others.length > 0 && others.every((seed) => peers?.includes(seed))
    if (finds) around.count('peers.instead-of-seeds')
    const seeds = finds ? [] : this.#seeds
    const member = new MemberLife(around, { life, transport, cluster, seeds, metadata, peers })
    this.#lives.add(member)
    if (!life.impostor) this.#current.set(id, member)
    life.onEnd(() => void this.#lives.delete(member))
    if (!isTwin) this.#measure(member)
    member.start(() => this.#startAgain(life))
  }

  /** Which life this is by the count of the machine. */
  #count({ id, generation }: SimLife, lost: boolean): number {
    const { countOfLives } = this.#parts.around.knobs
    const before = this.#uncounted.get(id) ?? 0
    if (lost && countOfLives !== 'kept') {
      this.#parts.around.count(`lives.${countOfLives}`)
      this.#uncounted.set(id, countOfLives === 'last-lost' ? before + 1 : generation - 1)
      // Earlier processes spoke under the numbers that come now.
      this.twins.add(id)
      this.impostors.add(id)
    }
    return Math.max(1, generation - (this.#uncounted.get(id) ?? 0))
  }

  /** What the machine of the node keeps; a second process runs elsewhere, and keeps nothing. */
  #peersOf({ id, impostor }: SimLife): KeptPeers | undefined {
    if (impostor || !this.#parts.around.knobs.keepsPeers) return undefined
    const kept = this.#kept.get(id) ?? new KeptPeers(this.#parts.around.stirred)
    this.#kept.set(id, kept)
    return kept
  }

  #measure({ self, life }: MemberLife): void {
    const { scheduler, around } = this.#parts
    const begunMs = scheduler.nowMs
    around.measure.begins(self.id, self.generation)
    life.onEnd(() => around.measure.ends(self.id, self.generation, scheduler.nowMs - begunMs))
  }

  #startAgain(life: SimLife): void {
    this.#parts.around.count('branch.start-refused')
    life.end()
    if (!life.impostor) this.#parts.scheduler.after(START_AGAIN_MS, () => this.machine(life.id).restart())
  }
}

/** Whether `membership` sees exactly `expected` alive, each in its present life with its newest facts. */
export function sees(membership: Membership, expected: readonly MemberLife[]): string | undefined {
  const live = membership.members().filter(({ state }) => state === 'alive' || state === 'suspect')
  for (const { self, metadata } of expected) {
    const member = live.find(({ id }) => id === self.id)
    if (member?.state !== 'alive') return `it sees ${self.id} ${membership.member(self.id)?.state ?? 'nowhere'}`
    if (member.generation !== self.generation) return `it sees an old life of ${self.id}`
    if (!sameMetadata(member.metadata, metadata)) return `it has old metadata of ${self.id}`
    const { roles, tags } = describedBy(metadata)
    const isDescribed = sameMetadata(member.tags, tags) && roles.every((role) => member.roles.includes(role))
    if (!isDescribed) return `it has old roles or tags of ${self.id}`
  }
  return undefined
}
