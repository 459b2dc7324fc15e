import { IdentityLostError } from '@dsys/raft'
import type { SimWorld } from '@dsys/simulation'
import type { KvService } from './kv-program.ts'

/** What {@link LostDisks} works with. */
export interface LostDisksParts {
  readonly world: SimWorld
  /** The nodes whose disks are lost. */
  readonly lost: readonly string[]
  /** The node gets an empty disk, unless it has one already. */
  readonly replace: (id: string) => void
  readonly service: (id: string) => KvService | undefined
  readonly count: (what: string) => void
}

/** Whether a node has ended since its group knows it by another disk (P-30). */
export function isIdentityLost(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof IdentityLostError
}

/** The nodes whose disks were lost, which come back under their ids with empty ones. */
export class LostDisks {
  readonly #parts: LostDisksParts
  readonly #stopped = new Set<string>()
  #isRemoved = false

  constructor(parts: LostDisksParts) {
    this.#parts = parts
  }

  get ids(): readonly string[] {
    return this.#parts.lost
  }

  /** Those that have stopped themselves. */
  get stopped(): readonly string[] {
    return [...this.#stopped]
  }

  begin(): void {
    const { lost, replace, world } = this.#parts
    // Who has stopped before starts again, and has to stop again.
    this.#stopped.clear()
    for (const id of lost) {
      replace(id)
      world.node(id).restart()
    }
  }

  /** The node `id` has ended since its group knows it by another disk. */
  onStopped(id: string): void {
    this.#parts.count('lost-disk.stopped')
    // What it heard may be older than its removal.
    if (this.#isRemoved) this.#parts.world.node(id).restart()
    else this.#stopped.add(id)
  }

  /** Those that were stopped run again, with the disk that they have by now. */
  restart(): void {
    this.#isRemoved = true
    for (const id of this.#stopped) this.#parts.world.node(id).restart()
  }

  /** Everybody has stopped itself, is of the group no more, or takes part: the group has never known it by a disk. */
  get settled(): boolean {
    const { lost, service } = this.#parts
    const { removed } = this
    return lost.every(
      (id) => this.#stopped.has(id) || removed.includes(id) || (service(id)?.raft.status().lastApplied ?? 0) > 0,
    )
  }

  /** Those that an operator has removed, and not added again, while there were faults. */
  get removed(): readonly string[] {
    const { lost, world, service } = this.#parts
    const leading = world.ids.map((id) => service(id)?.raft.status()).find((status) => status?.role === 'leader')
    const named = [...(leading?.voters ?? lost), ...(leading?.learners ?? [])]
    return lost.filter((id) => !named.includes(id))
  }
}
