/** Ends a fault; calling it again does nothing. */
export type Restore = () => void

/** How the frames of a link fare, for a while, beyond what the plan's knobs say. */
export interface LinkTrouble {
  /** Chances from 0 to 1. */
  readonly lossRate?: number
  readonly duplicateRate?: number
  readonly reorderRate?: number
  /** Added to each frame's delay, drawn anew for each from 0 to this. */
  readonly extraDelayMs?: number
  /** Chance of a delay with a heavy tail. */
  readonly tailRate?: number
}

/** What a fault can do to the network. Troubles of different faults add up; each ends by its own {@link Restore}. */
export interface FaultyNetwork {
  /** Nothing goes from `from` to `to`, also what is under way. */
  cut(from: string, to: string): Restore
  /** What goes from `from` to `to` is kept, and arrives in one burst at the end: no frame is lost. */
  hold(from: string, to: string): Restore
  trouble(from: string, to: string, trouble: LinkTrouble): Restore
  /**
   * The node loses its broker. With `buffered` it does not know: what it sends is kept and arrives, stale, after the
   * reconnect; without, it is told that it is disconnected.
   */
  disconnect(node: string, options: { readonly buffered: boolean }): Restore
  /** From now on the links among `ids` are perfect, whatever was wrong with them; what was held there arrives. */
  healAmong(ids: readonly string[]): void
}

/** What a crash leaves of a node. */
export interface CrashFate {
  /** What was not synced: drawn by chance for each piece, all lost, or all kept as by a killed process. */
  readonly unsynced: 'drawn' | 'lost' | 'kept'
  /** The disk is gone for good. Only where the {@link FaultAtlas} allows it. */
  readonly disk: 'kept' | 'lost'
}

/** What a fault can do to a node, its machine and its disk. */
export interface FaultyNode {
  /** Whether a process of this node runs, perhaps paused. */
  readonly running: boolean
  /** Ends the process at once, where one runs; a loss of power, or of the disk, befalls the disk all the same. */
  crash(fate: CrashFate): void
  /** Does nothing when it runs, or when its disk is lost or damaged for good. */
  restart(): void
  pause(): Restore
  /** Each turn of its event loop takes this long, so its timers fire before the frames that wait. */
  slow(turnDelayMs: number): Restore
  jumpWall(ms: number): void
  jumpForward(ms: number): void
  drift(rate: number): Restore
  /** A second process with the same id starts, as by a mistake of an operator; Restore stops the second. Absent where this is no use. */
  impostor?(): Restore
  /** Absent where the scenario has no such disk. */
  readonly disk?: FaultyDisk
}

/** What a fault can do to a disk. */
export interface FaultyDisk {
  stall(): Restore
  slow(factor: number): Restore
  /** Reads fail, each with `probability`; default 1. */
  failReads(options?: { readonly probability?: number }): Restore
  /** Syncs fail, each with `probability`; default 1. Then the node must stop writing, and whoever restarts it finds what was durable. */
  failSyncs(options?: { readonly probability?: number }): Restore
  /** The disk is full after so many more bytes; default: drawn. */
  fill(options?: { readonly roomBytes?: number }): Restore
  /** One bit of what is stored changes, for good. Only where the {@link FaultAtlas} allows it. */
  flipBit(seed: number): void
}

/** What faults are made of. */
export interface FaultyWorld {
  readonly ids: readonly string[]
  /** Whom most would call the leader now. */
  leader(): string | undefined
  readonly network: FaultyNetwork
  node(id: string): FaultyNode
}

/**
 * Keeps what cannot be repaired from becoming more than the system promises to survive: else a violation would be the
 * test's own.
 */
export class FaultAtlas {
  readonly #most: number
  readonly #lost = new Set<string>()

  /** @param most how many nodes may be lost for good; of a Raft group, less than half of the voters. */
  constructor(most: number) {
    this.#most = most
  }

  get lost(): ReadonlySet<string> {
    return this.#lost
  }

  /** No other node may be lost. */
  get full(): boolean {
    return this.#lost.size >= this.#most
  }

  /** Notes that `id` is lost for good, allowed or not: it has happened. */
  mourn(id: string): void {
    this.#lost.add(id)
  }

  /** Notes that `id` is lost for good, when that is allowed; says whether it is. */
  lose(id: string): boolean {
    if (this.#lost.has(id)) return true
    if (this.full) return false
    this.#lost.add(id)
    return true
  }
}
