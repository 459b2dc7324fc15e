import { InvariantError } from '@dsys/runtime'
import type { LogEntry } from '@dsys/storage'
import { MalformedError } from '../bytes.ts'
import { CONFIGURATION_KIND, type Configuration, countsAsVoter } from './configuration.ts'
import { decodeConfiguration } from './configuration-codec.ts'

/** A configuration and the entry that it came with. */
export interface PlacedConfiguration {
  /** From where on it holds: 0 for the one that a group begins with. */
  readonly index: number
  readonly configuration: Configuration
}

/**
 * The configurations along the log of one node, oldest first: the first is that of the base of the log, the last is in force.
 * It follows the log in everything, so a configuration whose entry is cut off, or covered by a snapshot, is gone (P-28).
 */
export class Configurations {
  #placed: PlacedConfiguration[]

  constructor(base: PlacedConfiguration) {
    this.#placed = [base]
  }

  /** The one in force. */
  get current(): PlacedConfiguration {
    return this.#placed[this.#placed.length - 1] as PlacedConfiguration
  }

  /** The one that was in force at `index`, which must not lie before the base. */
  at(index: number): PlacedConfiguration {
    return this.#placed.findLast((each) => each.index <= index) ?? (this.#placed[0] as PlacedConfiguration)
  }

  /**
   * Whether `id` is a voter in a configuration that may be in force: the newest that is surely committed, or any behind it. A voter that
   * is removed by an entry that is not committed yet may be the only one that can be elected (dissertation §4.2.2).
   */
  mayBeVoter(id: string, commitIndex: number): boolean {
    const committed = Math.max(
      this.#placed.findLastIndex((placed) => placed.index <= commitIndex),
      0,
    )
    return this.#placed.slice(committed).some(({ configuration }) => countsAsVoter(configuration, id))
  }

  /**
   * These entries come next in the log. Returns whether another configuration is in force then. Throws InvariantError, before anything has
   * changed, when one cannot be read: going on without it would count other majorities than everybody else.
   */
  appended(entries: readonly LogEntry[]): boolean {
    const known = this.#placed.length
    for (const entry of entries) if (entry.kind === CONFIGURATION_KIND) this.#placed.push(readEntry(entry))
    return this.#placed.length > known
  }

  /** The log was cut from `index` on. Returns whether another configuration is in force now. */
  truncated(index: number): boolean {
    const kept = this.#placed.filter((placed, i) => i === 0 || placed.index < index)
    const changed = kept.length < this.#placed.length
    this.#placed = kept
    return changed
  }

  /** The log begins behind `index` now; what is in force stays. */
  compacted(index: number): void {
    const inForce = this.#placed.findLastIndex((placed) => placed.index <= index)
    if (inForce > 0) this.#placed.splice(0, inForce)
  }

  /** The log was replaced by a snapshot. */
  reset(base: PlacedConfiguration): void {
    this.#placed = [base]
  }
}

function readEntry({ index, data }: LogEntry): PlacedConfiguration {
  try {
    return { index, configuration: decodeConfiguration(data) }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw new InvariantError(`the configuration in entry ${index} cannot be read: ${error.message}`)
  }
}
