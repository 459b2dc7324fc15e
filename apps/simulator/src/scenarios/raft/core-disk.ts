import type { PlacedConfiguration, RestoredState, WriteEffect } from '@dsys/raft/core'
import type { Random } from '@dsys/runtime'
import type { CrashFate, FaultyDisk, MachineDisk, Restore, Scheduler } from '@dsys/simulation'
import { entriesBehind, type HardState, type LogEntry } from '@dsys/storage'
import type { MachineState } from './register-machine.ts'

/** A snapshot as this disk keeps it. */
export interface StoredSnapshot {
  readonly index: number
  readonly term: number
  readonly configuration: PlacedConfiguration
  readonly state: MachineState
}

/** Told once when an operation is durable, or has failed: then nobody knows what the disk holds. */
export type Done = (failed: boolean) => void

interface DiskState {
  hardState: HardState
  snapshot: StoredSnapshot | undefined
  entries: LogEntry[]
}

interface Operation {
  readonly dueMs: number
  readonly change: (state: DiskState) => void
  readonly done: Done
}

const NO_BYTES = new Uint8Array(0)

const emptyState = (): DiskState => ({
  hardState: { term: 0, votedFor: undefined },
  snapshot: undefined,
  entries: [],
})

/** What a {@link CoreDisk} works with. */
export interface CoreDiskParts {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly delayMs: () => number
}

/**
 * The log and the snapshot of one node with the crash semantics of `LogStorage`. Operations become durable one after the
 * other, each a while after it was given; a crash keeps those that were not durable yet up to some point, and no further.
 */
export class CoreDisk implements MachineDisk {
  readonly faults: FaultyDisk
  readonly #parts: CoreDiskParts
  /** What the disks held that were lost, for the checker: nothing starts on them again. */
  readonly #former: DiskState[] = []
  #state: DiskState = emptyState()
  readonly #slownesses: { readonly factor: number }[] = []
  #queue: Operation[] = []
  #pumpAtMs = Number.POSITIVE_INFINITY
  #lastDueMs = 0
  #stalls = 0
  #full = 0
  readonly #syncFailures: { readonly probability: number }[] = []
  #readFailures = 0
  #damaged = false

  constructor(parts: CoreDiskParts) {
    this.#parts = parts
    this.faults = {
      stall: () => {
        this.#stalls++
        return once(() => {
          this.#stalls--
          this.#pump()
        })
      },
      slow: (factor) => {
        const slowness = { factor }
        this.#slownesses.push(slowness)
        return once(() => {
          this.#slownesses.splice(this.#slownesses.indexOf(slowness), 1)
          this.hurry()
        })
      },
      failReads: () => {
        this.#readFailures++
        return once(() => this.#readFailures--)
      },
      failSyncs: ({ probability = 1 } = {}) => {
        const failure = { probability }
        this.#syncFailures.push(failure)
        return once(() => this.#syncFailures.splice(this.#syncFailures.indexOf(failure), 1))
      },
      fill: () => {
        this.#full++
        return once(() => this.#full--)
      },
      flipBit: () => {
        this.#damaged = true
      },
    }
  }

  get hardState(): HardState {
    return this.#state.hardState
  }

  get snapshot(): StoredSnapshot | undefined {
    return this.#state.snapshot
  }

  /** Where the durable log ends. */
  get lastIndex(): number {
    const { snapshot, entries } = this.#state
    return Math.max(entries.at(-1)?.index ?? 0, snapshot?.index ?? 0)
  }

  /** Reads fail for the moment. */
  get unreadable(): boolean {
    return this.#readFailures > 0
  }

  /** A bit has changed that a checksum covers: whoever opens this log refuses it. */
  get damaged(): boolean {
    return this.#damaged
  }

  /** How often it was replaced by an empty one. */
  get replaced(): number {
    return this.#former.length
  }

  /** What is durable. */
  get recovered(): Pick<DiskState, 'snapshot' | 'entries'> {
    return this.#state
  }

  /** The disk is lost, and an empty one takes its place. What it was slowed or stalled by goes on. */
  replace(): void {
    this.#former.push(this.#state)
    this.#state = emptyState()
    this.#queue = []
    this.#lastDueMs = 0
    this.#damaged = false
  }

  /**
   * The durable entry at `index` has `term`, or a durable snapshot covers it: on the disk of this incarnation, where the group knows one, and
   * if that is lost, then when it was.
   */
  holds(index: number, term: number, incarnation?: number): boolean {
    const known = incarnation === undefined || incarnation === this.#state.hardState.incarnation
    const state = known ? this.#state : this.#former.find(({ hardState }) => hardState.incarnation === incarnation)
    if (state === undefined) return false
    const { snapshot, entries } = state
    if (snapshot !== undefined && index <= snapshot.index) return true
    const first = entries[0]
    return first !== undefined && entries[index - first.index]?.term === term
  }

  persist({ hardState, entries }: Pick<WriteEffect, 'hardState' | 'entries'>, done: Done): void {
    this.#submit((state) => {
      if (hardState !== undefined) {
        if (hardState.term < state.hardState.term) throw new Error('a durable term went back')
        state.hardState = hardState
      }
      const next = entries[0]
      if (next === undefined) return
      const kept = next.index - (state.entries[0]?.index ?? next.index)
      // Behind a snapshot that lies ahead of the log, the log begins anew.
      state.entries.length = kept >= 0 && kept <= state.entries.length ? kept : 0
      for (const entry of entries) state.entries.push(entry)
    }, done)
  }

  saveSnapshot(snapshot: StoredSnapshot, done: Done): void {
    this.#submit((state) => {
      if (snapshot.index > (state.snapshot?.index ?? 0)) state.snapshot = snapshot
    }, done)
  }

  compact(index: number, done: Done): void {
    this.#submit((state) => {
      const first = state.entries[0]
      if (first !== undefined && first.index <= index) state.entries.splice(0, index - first.index + 1)
    }, done)
  }

  resetToSnapshot(done: Done): void {
    this.#submit((state) => {
      state.entries = []
    }, done)
  }

  /** A disk that is lost stays as it was, for the checker: see there. Nothing starts on it again. */
  crash({ unsynced }: CrashFate): void {
    for (const { change } of this.#queue.slice(0, this.#keptBy(unsynced))) change(this.#state)
    this.#queue = []
    this.#lastDueMs = 0
  }

  /** The disk is not as slow any more: what waits becomes durable as soon as what is given now. */
  hurry(): void {
    if (this.#queue.length === 0) return
    const dueMs = this.#parts.scheduler.nowMs + this.#parts.delayMs()
    this.#queue = this.#queue.map((operation) => ({ ...operation, dueMs: Math.min(operation.dueMs, dueMs) }))
    this.#lastDueMs = Math.min(this.#lastDueMs, dueMs)
    this.#pump()
  }

  /** The content for a core that begins anew. */
  recover(): RestoredState & { readonly snapshot: StoredSnapshot | undefined } {
    const { hardState, snapshot, entries } = this.#state
    const behind = entriesBehind(snapshot && { ...snapshot, context: NO_BYTES }, entries)
    this.#state.entries = [...behind]
    return { hardState, snapshot, entries: behind }
  }

  #keptBy(unsynced: CrashFate['unsynced']): number {
    if (unsynced === 'lost') return 0
    if (unsynced === 'kept') return this.#queue.length
    return this.#parts.random.integer(0, this.#queue.length + 1)
  }

  #submit(change: Operation['change'], done: Done): void {
    const { scheduler, delayMs } = this.#parts
    if (this.#full > 0) {
      scheduler.after(0, () => done(true))
      return
    }
    let factor = 1
    for (const slowness of this.#slownesses) factor *= slowness.factor
    const dueMs = Math.max(scheduler.nowMs + delayMs() * factor, this.#lastDueMs)
    this.#lastDueMs = dueMs
    this.#queue.push({ dueMs, change, done })
    this.#pump()
  }

  /** Sees to it that the first operation that waits is looked at when it is due. */
  #pump(): void {
    const first = this.#queue[0]
    if (first === undefined || this.#stalls > 0 || this.#pumpAtMs <= first.dueMs) return
    this.#pumpAtMs = first.dueMs
    this.#parts.scheduler.at(first.dueMs, () => this.#sync())
  }

  #syncFails(): boolean {
    return this.#syncFailures.some(({ probability }) => probability >= 1 || this.#parts.random.float() < probability)
  }

  #sync(): void {
    this.#pumpAtMs = Number.POSITIVE_INFINITY
    if (this.#stalls > 0) return
    const { nowMs } = this.#parts.scheduler
    for (let first = this.#queue[0]; first !== undefined && first.dueMs <= nowMs; first = this.#queue[0]) {
      if (this.#syncFails()) {
        // What the failed sync was to keep is still unsynced; the node ends over it, and a crash decides what is left.
        first.done(true)
        return
      }
      this.#queue.shift()
      first.change(this.#state)
      first.done(false)
    }
    this.#pump()
  }
}

function once(action: () => void): Restore {
  let done = false
  return () => {
    if (done) return
    done = true
    action()
  }
}
