import type { LogEntry } from '@dsys/storage'
import { CONFIGURATION_KIND, type Configuration, countsAsVoter, decodeConfiguration } from './configuration.ts'

/** A configuration and the entry that it came with. */
export interface PlacedConfiguration {
  /** 0, or the index of a snapshot: from where on it holds. */
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
  at(index: number): Configuration {
    const placed = this.#placed.findLast((each) => each.index <= index) ?? (this.#placed[0] as PlacedConfiguration)
    return placed.configuration
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

  /** Entries were added to the log. Returns whether another configuration is in force now. */
  appended(entries: readonly LogEntry[]): boolean {
    const before = this.#placed.length
    for (const { kind, index, data } of entries) {
      if (kind === CONFIGURATION_KIND) this.#placed.push({ index, configuration: decodeConfiguration(data) })
    }
    return this.#placed.length > before
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
