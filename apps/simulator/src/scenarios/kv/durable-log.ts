import { CONFIGURATION_KIND, type Configuration, decodeConfiguration, decodePlaced } from '@dsys/raft/core'
import type { GroupLog, HardState, LogEntry, LogStorage, LogWrite, RecoveredLog } from '@dsys/storage'

/** What one life asked its log to change and was not told about: it may be durable, in part or not at all. */
interface Asked {
  readonly hardState: HardState | undefined
  /** From here on entries may have been replaced. */
  readonly fromIndex: number
}

/**
 * Remembers what the log of one node has said to be durable, over all of its lives, and compares that with what the next life finds:
 * more than a cluster shows, whose other nodes have the same entries.
 */
export class DurableLog {
  readonly #lost: (what: string) => void
  readonly #nowMs: () => number
  #hardState: HardState = { term: 0, votedFor: undefined }
  #entries = new Map<number, LogEntry>()
  #snapshotIndex = 0
  /** What Raft keeps with the snapshot: who is in the group. */
  #context: Uint8Array | undefined
  #asked = new Set<Asked>()
  /** What was said to be durable last, and when: nothing behind it proves it yet. */
  #last: { readonly write: LogWrite; atMs: number }[] = []
  /** Term and vote before that. */
  #hardStateBefore: HardState = this.#hardState
  #endedMs = Number.POSITIVE_INFINITY

  /** @param lost is told what a life does not find that was durable. */
  constructor(lost: (what: string) => void, nowMs: () => number) {
    this.#lost = lost
    this.#nowMs = nowMs
  }

  /** Whether a configuration that is committed at `commitIndex`, and durable here, says by which disks these nodes are known. */
  knowsDisks(ids: readonly string[], commitIndex: number): boolean {
    const known = ({ pins = [] }: Configuration): boolean => ids.every((id) => pins.some(([pinned]) => pinned === id))
    if (this.#context !== undefined && known(decodePlaced(this.#context).configuration)) return true
    for (const { index, kind, data } of this.#entries.values()) {
      if (index <= commitIndex && kind === CONFIGURATION_KIND && known(decodeConfiguration(data))) return true
    }
    return false
  }

  /** The life that writes is over. */
  ended(): void {
    this.#endedMs = this.#nowMs()
  }

  /**
   * The log for one life; `inner` is its log, which changes in nothing.
   *
   * @param unprovenMs of a damaged disk: what became durable last, and no longer than this before the end of the life, may be taken for a write
   *   that the end cut off.
   */
  watch(inner: LogStorage, unprovenMs = 0): LogStorage {
    return {
      start: (...options) => inner.start(...options),
      stop: () => inner.stop(),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
      openGroup: async (...group) => {
        const log = await inner.openGroup(...group)
        this.#compare(log.recovered, unprovenMs)
        this.#begin(log.recovered)
        return this.#watchGroup(log)
      },
    }
  }

  #watchGroup(log: GroupLog): GroupLog {
    return {
      recovered: log.recovered,
      persist: async (write) => {
        const asked = { hardState: write.hardState, fromIndex: write.entries?.[0]?.index ?? Number.POSITIVE_INFINITY }
        this.#asked.add(asked)
        await log.persist(write)
        this.#asked.delete(asked)
        this.#persisted(write)
      },
      saveSnapshot: async (meta, content) => {
        await log.saveSnapshot(meta, content)
        this.#context = meta.context
        this.#snapshotIndex = Math.max(this.#snapshotIndex, meta.index)
      },
      snapshot: () => log.snapshot(),
      compact: (index) => {
        this.#remove(index)
        return log.compact(index)
      },
      resetToSnapshot: () => {
        this.#remove(Number.POSITIVE_INFINITY)
        return log.resetToSnapshot()
      },
      [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    }
  }

  #begin({ hardState, entries, snapshot }: RecoveredLog): void {
    this.#hardState = hardState
    this.#entries = new Map(entries.map((entry) => [entry.index, entry]))
    this.#snapshotIndex = snapshot?.index ?? 0
    this.#context = snapshot?.context
    this.#last = []
    this.#hardStateBefore = hardState
    // What was asked in an earlier life is settled: it is there now, or it never comes.
    this.#asked = new Set()
  }

  #persisted(write: LogWrite): void {
    const { hardState, entries = [] } = write
    const atMs = this.#nowMs()
    // Writes that end together stood in one batch.
    if (this.#last[0]?.atMs !== atMs) {
      this.#last = []
      this.#hardStateBefore = this.#hardState
    }
    this.#last.push({ write, atMs })
    if (hardState !== undefined) this.#hardState = hardState
    const first = entries[0]
    if (first === undefined) return
    for (let index = first.index; this.#entries.delete(index); index++);
    for (const entry of entries) this.#entries.set(entry.index, entry)
  }

  #remove(upTo: number): void {
    // They are in the order of their indexes.
    for (const index of this.#entries.keys()) {
      if (index > upTo) return
      this.#entries.delete(index)
    }
  }

  #compare({ hardState, snapshot, entries, lost }: RecoveredLog, unprovenMs: number): void {
    const unproven = this.#last.filter(({ atMs }) => this.#endedMs - atMs < unprovenMs).map(({ write }) => write)
    const possible = [this.#hardState, ...[...this.#asked].flatMap((asked) => asked.hardState ?? [])]
    if (unproven.length > 0) possible.push(this.#hardStateBefore)
    const same = ({ term, votedFor }: HardState): boolean => term === hardState.term && votedFor === hardState.votedFor
    if (!possible.some(same))
      this.#lost(`the vote ${JSON.stringify(this.#hardState)}: it has ${JSON.stringify(hardState)}`)
    if (lost !== undefined) {
      this.#compareLoss(lost.throughIndex, unproven)
      return
    }
    const base = snapshot?.index ?? 0
    if (base < this.#snapshotIndex) this.#lost(`the snapshot at ${this.#snapshotIndex}: it has that at ${base}`)
    const found = new Map(entries.map((entry) => [entry.index, entry]))
    const replaced = this.#replacedFrom(unproven)
    for (const [index, entry] of this.#entries) {
      if (index <= base || index >= replaced) continue
      const there = found.get(index)
      if (there !== undefined && equal(there, entry)) continue
      this.#lost(
        `entry ${index} of term ${entry.term}: it has ${there === undefined ? 'none' : `one of ${there.term}`}`,
      )
    }
  }

  /** From here on nobody knows what a life finds. */
  #replacedFrom(unproven: readonly LogWrite[]): number {
    const fromUnproven = unproven.map((write) => write.entries?.[0]?.index ?? Number.POSITIVE_INFINITY)
    return Math.min(...[...this.#asked].map(({ fromIndex }) => fromIndex), ...fromUnproven)
  }

  /** Entries that damage took, and that are told of, up to `throughIndex`: there must be none beyond. */
  #compareLoss(throughIndex: number, unproven: readonly LogWrite[]): void {
    const replaced = this.#replacedFrom(unproven)
    const beyond = [...this.#entries.keys()].find((index) => index > throughIndex && index < replaced)
    if (beyond !== undefined) this.#lost(`entry ${beyond}, and says that it has lost entries up to ${throughIndex}`)
  }
}

function equal(a: LogEntry, b: LogEntry): boolean {
  return a.term === b.term && a.kind === b.kind && Buffer.compare(a.data, b.data) === 0
}
