import type { HardState, LogEntry } from '@dsys/storage'
import type { RaftLog } from './log.ts'
import type { Envelope, Message } from './messages.ts'

/**
 * What must be durable before a message may leave.
 *
 * - `nothing`: a leader's requests, whose content it need not have on its own disk yet.
 * - `hard-state`: term and vote as they are now.
 * - `log`: everything as it is now, entries included.
 */
export type Durability = 'nothing' | 'hard-state' | 'log'

/** One change of the stored state, to be made durable in the order of the ids. */
export interface WriteEffect {
  readonly id: number
  readonly hardState: HardState | undefined
  readonly entries: readonly LogEntry[]
}

interface StagedMessage extends Envelope {
  readonly needs: Durability
}

interface OutstandingWrite {
  readonly id: number
  readonly issuedMs: number
  /** The last entry that this write makes durable, clamped when the log is cut before it is (P-39). */
  lastIndex: number
}

interface HeldMessage extends Envelope {
  readonly writeId: number
}

/**
 * Gathers what one turn of the core wants from the world: one write and many messages. A message that claims something of
 * the stored state stays here until the write that it depends on is durable, so no driver can send it early.
 */
export class Outbox {
  #staged: StagedMessage[] = []
  #held: HeldMessage[] = []
  #hardStateChanged = false
  /** Entries from here on are not handed to the disk yet. */
  #unwrittenFrom: number
  #lastWriteId = 0
  #lastHardStateWriteId = 0
  #durableWriteId = 0
  #durableIndex: number
  readonly #outstanding: OutstandingWrite[] = []

  constructor(log: RaftLog) {
    this.#unwrittenFrom = log.lastIndex + 1
    this.#durableIndex = log.lastIndex
  }

  /** Entries up to here are on this node's disk. */
  get durableIndex(): number {
    return this.#durableIndex
  }

  /** The write that will hold what is staged now; the newest one when nothing is. */
  get nextWriteId(): number {
    return this.#lastWriteId + 1
  }

  get durableWriteId(): number {
    return this.#durableWriteId
  }

  /** When the oldest write under way was issued. */
  get oldestWriteMs(): number | undefined {
    return this.#outstanding[0]?.issuedMs
  }

  send(to: string, message: Message, needs: Durability): void {
    this.#staged.push({ to, message, needs })
  }

  hardStateChanged(): void {
    this.#hardStateChanged = true
  }

  /** The log was cut from `index` on. */
  truncated(index: number): void {
    this.#unwrittenFrom = Math.min(this.#unwrittenFrom, index)
    this.#durableIndex = Math.min(this.#durableIndex, index - 1)
    for (const write of this.#outstanding) write.lastIndex = Math.min(write.lastIndex, index - 1)
  }

  /** Whether the entry at `index` has been handed to the disk. */
  handedOver(index: number): boolean {
    return index < this.#unwrittenFrom
  }

  /** A durable snapshot holds everything up to `index`; the stored log goes on behind it. */
  covered(index: number): void {
    this.#durableIndex = Math.max(this.#durableIndex, index)
  }

  /** The stored log is replaced by a durable snapshot at `index`; what the log has behind it is still to be written. */
  reset(index: number): void {
    this.#unwrittenFrom = index + 1
    this.#durableIndex = index
    for (const write of this.#outstanding) write.lastIndex = 0
  }

  /** The one write of this turn, if there is anything to write. */
  takeWrite(log: RaftLog, hardState: HardState, nowMs: number): WriteEffect | undefined {
    const entries = this.#unwrittenFrom <= log.lastIndex ? log.slice(this.#unwrittenFrom, Number.POSITIVE_INFINITY) : []
    if (entries.length === 0 && !this.#hardStateChanged) return undefined
    this.#lastWriteId++
    if (this.#hardStateChanged) this.#lastHardStateWriteId = this.#lastWriteId
    const write: WriteEffect = {
      id: this.#lastWriteId,
      hardState: this.#hardStateChanged ? hardState : undefined,
      entries,
    }
    this.#hardStateChanged = false
    this.#unwrittenFrom = log.lastIndex + 1
    this.#outstanding.push({ id: write.id, issuedMs: nowMs, lastIndex: entries.at(-1)?.index ?? 0 })
    return write
  }

  /** The messages that may leave now, in the order in which they were staged. Call after {@link Outbox.takeWrite}. */
  takeMessages(): Envelope[] {
    const ready: Envelope[] = []
    const stillHeld: HeldMessage[] = []
    for (const held of this.#held) (held.writeId <= this.#durableWriteId ? ready : stillHeld).push(held)
    this.#held = stillHeld
    for (const { to, message, needs } of this.#staged) {
      const writeId = this.#writeIdFor(needs)
      if (writeId <= this.#durableWriteId) ready.push({ to, message })
      else this.#held.push({ to, message, writeId })
    }
    this.#staged = []
    return ready
  }

  #writeIdFor(needs: Durability): number {
    if (needs === 'nothing') return 0
    return needs === 'hard-state' ? this.#lastHardStateWriteId : this.#lastWriteId
  }

  /** Every write up to and including `writeId` is durable. */
  durable(writeId: number): void {
    this.#durableWriteId = Math.max(this.#durableWriteId, writeId)
    for (let write = this.#outstanding[0]; write !== undefined && write.id <= writeId; write = this.#outstanding[0]) {
      this.#durableIndex = Math.max(this.#durableIndex, write.lastIndex)
      this.#outstanding.shift()
    }
  }
}
