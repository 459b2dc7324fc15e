import type { Random } from '@dsys/runtime'
import { entriesBehind, type HardState, type LogEntry } from '@dsys/storage'
import type { Schedule } from './schedule.ts'

/** A snapshot as the simulation keeps it: the digest stands for the whole state. */
export interface SimSnapshot {
  readonly index: number
  readonly term: number
  readonly digest: number
}

/** What is durable. */
interface DiskState {
  hardState: HardState
  snapshot: SimSnapshot | undefined
  entries: LogEntry[]
}

interface Operation {
  readonly change: (state: DiskState) => void
  readonly done: () => void
}

/** What a core finds when it is built anew. */
export interface SimRecovered {
  readonly hardState: HardState
  readonly snapshot: SimSnapshot | undefined
  readonly entries: readonly LogEntry[]
}

/**
 * The disk of one node. Operations become durable one after the other, each a while after it was submitted. A crash loses
 * those that were not durable yet, though some of them may have reached the disk without a word.
 */
export class SimDisk {
  readonly #schedule: Schedule
  readonly #random: Random
  readonly #delayMs: () => number
  readonly #state: DiskState = { hardState: { term: 0, votedFor: undefined }, snapshot: undefined, entries: [] }
  #queue: Operation[] = []
  #life = 0
  #lastDueMs = 0
  #stalledUntilMs = 0

  constructor(schedule: Schedule, random: Random, delayMs: () => number) {
    this.#schedule = schedule
    this.#random = random
    this.#delayMs = delayMs
  }

  get hardState(): HardState {
    return this.#state.hardState
  }

  get snapshot(): SimSnapshot | undefined {
    return this.#state.snapshot
  }

  stall(untilMs: number): void {
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, untilMs)
  }

  /** The durable entry at `index` has `term`, or a durable snapshot covers it. */
  holds(index: number, term: number): boolean {
    const { snapshot, entries } = this.#state
    if (snapshot !== undefined && index <= snapshot.index) return true
    const first = entries[0]
    return first !== undefined && entries[index - first.index]?.term === term
  }

  persist(hardState: HardState | undefined, entries: readonly LogEntry[], done: () => void): void {
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
      state.entries.push(...entries)
    }, done)
  }

  saveSnapshot(snapshot: SimSnapshot, done: () => void): void {
    this.#submit((state) => {
      if (snapshot.index > (state.snapshot?.index ?? 0)) state.snapshot = snapshot
    }, done)
  }

  compact(index: number, done: () => void): void {
    this.#submit((state) => {
      const first = state.entries[0]
      if (first !== undefined && first.index <= index) state.entries.splice(0, index - first.index + 1)
    }, done)
  }

  resetToSnapshot(done: () => void): void {
    this.#submit((state) => {
      state.entries = []
    }, done)
  }

  #submit(change: Operation['change'], done: () => void): void {
    const life = this.#life
    this.#queue.push({ change, done })
    const dueMs = Math.max(this.#schedule.nowMs + this.#delayMs(), this.#stalledUntilMs, this.#lastDueMs)
    this.#lastDueMs = dueMs
    this.#schedule.at(dueMs, () => {
      if (life !== this.#life) return
      const operation = this.#queue.shift() as Operation
      operation.change(this.#state)
      operation.done()
    })
  }

  crash(): void {
    this.#life++
    const reached = this.#random.float() < 0.5 ? 0 : this.#random.integer(0, this.#queue.length + 1)
    for (const { change } of this.#queue.slice(0, reached)) change(this.#state)
    this.#queue = []
    this.#lastDueMs = 0
    this.#stalledUntilMs = 0
  }

  recover(): SimRecovered {
    const { hardState, snapshot, entries } = this.#state
    const behind = [...entriesBehind(snapshot && { ...snapshot, context: new Uint8Array(0) }, entries)]
    this.#state.entries = [...behind]
    return { hardState, snapshot, entries: behind }
  }
}
