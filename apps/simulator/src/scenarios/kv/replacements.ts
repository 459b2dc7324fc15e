import type { Membership } from '@dsys/raft/core'
import type { Random } from '@dsys/runtime'
import type { FaultAction, FaultAtlas, Scheduler, SimWorld } from '@dsys/simulation'
import type { KvProgram, KvService } from './kv-program.ts'

/** How many of those who lose their disk have somebody who minds, while there are still faults. */
const TENDED = 0.7

/** What {@link Replacements} works with. */
export interface ReplacementsParts {
  readonly world: () => SimWorld
  readonly atlas: FaultAtlas
  readonly scheduler: Scheduler
  readonly random: Random
  readonly program: (id: string) => KvProgram | undefined
  /** The node gets an empty disk. */
  readonly replace: (id: string) => void
  readonly count: (what: string) => void
  /** An operator asks again after this, and gives each request as long. */
  readonly patienceMs: number
}

/**
 * Nodes that lose their disk amid other faults and come back under their ids with empty ones: they must count for nothing, and stop
 * themselves when they hear of it (P-30). Mostly an operator has the group take them back, as far as the other faults let it.
 */
export class Replacements {
  readonly #parts: ReplacementsParts
  /** Whoever has the configuration that knows all disks: for good, as no later one forgets any that is not removed. */
  readonly #informed = new Set<string>()
  readonly #tended = new Set<string>()
  readonly #replaced = new Set<string>()
  #over = false

  constructor(parts: ReplacementsParts) {
    this.#parts = parts
  }

  /** Those that have an empty disk already, or what has come on it since. */
  get replaced(): ReadonlySet<string> {
    return this.#replaced
  }

  /** No operator begins anything any more. */
  end(): void {
    this.#over = true
  }

  /** The fault. It is made only where the promise holds: who may take part in an election knows the node by its disk. */
  get action(): FaultAction {
    return ({ id, node, atlas, forMs, random, later }) => {
      if (!node.running || atlas.lost.has(id) || !this.#isKnown(id) || !atlas.lose(id)) return undefined
      this.#replaced.add(id)
      this.#parts.replace(id)
      later(forMs * random.float(), () => node.restart())
      return () => node.restart()
    }
  }

  /** Looks again and again who knows the disks: in the moment of a fault many may be down. */
  watch(): void {
    if (this.#over) return
    const { scheduler, world, program, patienceMs } = this.#parts
    const { ids } = world()
    for (const each of ids) if (program(each)?.knowsDisks(ids) === true) this.#informed.add(each)
    if (this.#informed.size < ids.length) scheduler.after(patienceMs / 4, () => this.watch())
  }

  #isKnown(id: string): boolean {
    const { world, atlas } = this.#parts
    const { ids } = world()
    return ids.every((each) => each === id || atlas.lost.has(each) || this.#informed.has(each))
  }

  /** The node has stopped itself. Says whether that was to be: its disk was replaced. */
  onStopped(id: string): boolean {
    const { atlas, count, random } = this.#parts
    if (this.#over || !atlas.lost.has(id)) return false
    count('lost-disk.stopped-amid-faults')
    if (this.#tended.has(id) || random.float() >= TENDED) return true
    this.#tended.add(id)
    this.#ask(
      id,
      ({ voters, learners }) => membersOf(without(voters, id), learners),
      () => {
        this.#parts.world().node(id).restart()
        this.#ask(
          id,
          ({ voters, learners }) => membersOf([...without(voters, id), id], learners),
          () => count('lost-disk.taken-back'),
        )
      },
    )
    return true
  }

  /** Asks one node after the other, any but `id`, until the group is what `targetOf` makes of it; then `done`. */
  #ask(id: string, targetOf: (members: Membership) => Membership, done: () => void): void {
    const { scheduler, random, patienceMs, program, world } = this.#parts
    if (this.#over) return
    const others = world().ids.filter((each) => each !== id)
    const service = program(others[random.integer(0, others.length)] as string)?.service
    let ended = false
    const end = (then: () => void): void => {
      if (ended) return
      ended = true
      then()
    }
    const again = (): void => end(() => scheduler.after(patienceMs, () => this.#ask(id, targetOf, done)))
    if (service === undefined) again()
    else change(service, targetOf, patienceMs, { again, done: () => end(done) })
  }
}

const without = (ids: readonly string[], id: string): string[] => ids.filter((each) => each !== id)

/** While a change is under way a voter may be about to become a learner. */
const membersOf = (voters: readonly string[], learners: readonly string[]): Membership => ({
  voters,
  learners: learners.filter((id) => !voters.includes(id)),
})

function change(
  { raft, life }: KvService,
  targetOf: (members: Membership) => Membership,
  timeoutMs: number,
  { again, done }: { readonly again: () => void; readonly done: () => void },
): void {
  life.onEnd(again)
  life.process.input(() => {
    const { voters, learners } = raft.status()
    raft.reconfigure(targetOf({ voters, learners }), { expected: { voters, learners }, timeoutMs }).then(
      () => {
        if (life.alive) done()
      },
      () => {
        if (life.alive) again()
      },
    )
  })
}
