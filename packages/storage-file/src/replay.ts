import { appendEntries, type CorruptionError, type LogEntry } from '@dsys/storage'
import { entriesBytes, type LogRecord } from './format/records.ts'
import { GroupIndex } from './group-index.ts'

type GroupRecord = Exclude<LogRecord, { type: 'group' } | { type: 'all-listed' }>

/**
 * The state of the groups, built up from records in their order.
 *
 * Where batches are missing, each group is in doubt until a later record tells by its number whether records of it were among them.
 * Such a group is damaged: term and vote are known from that record on, and of its entries those before the gap.
 */
export class Replay {
  readonly groups: Map<number, GroupIndex> = new Map()
  /** Where batches are missing, in the order of the log. */
  readonly gaps: CorruptionError[] = []
  readonly #entries = new Map<number, LogEntry[]>()
  readonly #only: number | undefined
  /** The first gap of which it is not known which groups it took records of, those among them of which nothing else is left. */
  #open: { readonly damage: CorruptionError; readonly batch: number } | undefined
  #undecidable: CorruptionError | undefined

  /** @param only keeps the entries of this group alone. */
  constructor(only?: number) {
    this.#only = only
  }

  /** Damage of which it is not known what it took: then nobody can go on. */
  get undecided(): CorruptionError | undefined {
    return this.#undecidable ?? this.#open?.damage
  }

  /** The entries of a group that are still there. */
  entriesOf(group: number): LogEntry[] {
    let entries = this.#entries.get(group)
    if (entries === undefined) {
      entries = []
      this.#entries.set(group, entries)
    }
    return entries
  }

  /** Batches from number `batch` on are missing here. */
  gap(damage: CorruptionError, batch: number): void {
    this.gaps.push(damage)
    this.#open ??= { damage, batch }
    for (const group of this.groups.values()) group.doubt ??= damage
  }

  /** Takes `record`, which stands in `segment`. Returns what is wrong with it, if anything is. */
  apply(record: LogRecord, segment: number): string | undefined {
    if (record.type === 'group') return this.#name(record.group, record.name)
    if (record.type === 'all-listed') {
      this.#allListed(record.since)
      return undefined
    }
    const group = this.groups.get(record.group)
    // Its name was in a batch that is missing. Until a checkpoint names it, nothing is decided.
    if (group === undefined) return this.#open === undefined ? `group ${record.group} has no name` : undefined
    const wrong = this.#count(group, record)
    if (wrong !== undefined) return wrong
    if (record.hardState !== undefined) group.hardState = record.hardState
    this.#change(group, record, segment)
    return undefined
  }

  /** All groups with records since then were just listed. Whoever was not among them has none in a gap behind that. */
  #allListed(since: number): void {
    if (this.#open === undefined || since >= this.#open.batch) return
    this.#open = undefined
    for (const group of this.groups.values()) group.doubt = undefined
  }

  /** Compares the number of a record with that of the one before. */
  #count(group: GroupIndex, record: GroupRecord): string | undefined {
    const { number, doubt } = group
    if (record.number === undefined) return undefined
    const expected = number === undefined || record.type === 'checkpoint' ? number : number + 1
    group.number = record.number
    group.doubt = undefined
    if (doubt === undefined) {
      if (expected === undefined || expected === record.number) return undefined
      return `record ${expected} of group "${group.name}" should stand here, and it is ${record.number}`
    }
    // Records of format version 1 have no numbers, so nobody can say whether some are missing.
    if (expected === undefined) this.#undecidable ??= doubt
    else if (expected !== record.number) group.damage ??= doubt
    return undefined
  }

  #change(group: GroupIndex, record: GroupRecord, segment: number): void {
    const kept = this.#only === undefined || this.#only === record.group
    switch (record.type) {
      case 'checkpoint':
        group.compact(record.base)
        if (record.end !== undefined) group.end = record.end
        if (kept) this.#forget(record.group, record.base)
        break
      case 'write': {
        const { entries } = record
        const [first, last] = [entries[0], entries.at(-1)]
        if (first === undefined || last === undefined) {
          if (record.end !== undefined) group.end = record.end
          break
        }
        group.end = { last: last.index, lastTerm: last.term }
        if (group.damage === undefined) group.append(segment, first.index, last.index, entriesBytes(entries))
        else group.cut(first.index)
        if (kept) this.#append(group, entries, first.index)
        break
      }
      case 'compact':
        group.compact(record.index)
        if (kept) this.#forget(record.group, record.index)
        break
      case 'reset':
        group.reset(record.index)
        group.end = { last: record.index, lastTerm: record.term ?? group.end.lastTerm }
        this.#entries.delete(record.group)
        break
      case 'salvage':
        group.salvaged(record.kept)
        if (kept) this.#cut(record.group, record.kept + 1)
        break
    }
  }

  #name(id: number, name: string): string | undefined {
    const known = this.groups.get(id)
    if (known !== undefined) return known.name === name ? undefined : `group ${id} has two names`
    const group = new GroupIndex(id, name)
    group.named = true
    group.doubt = this.#open?.damage
    // Behind a gap it is as if it had no records before: if it had, they are missing.
    group.number = this.#open === undefined ? undefined : 0
    this.groups.set(id, group)
    return undefined
  }

  #append(group: GroupIndex, entries: readonly LogEntry[], first: number): void {
    // Behind damage nobody knows whether they join what stands before it.
    if (group.damage === undefined) appendEntries(this.entriesOf(group.id), entries)
    else this.#cut(group.id, first)
  }

  #cut(group: number, from: number): void {
    const entries = this.entriesOf(group)
    const first = entries[0]
    if (first !== undefined) entries.length = Math.min(entries.length, Math.max(0, from - first.index))
  }

  #forget(group: number, upTo: number): void {
    const entries = this.entriesOf(group)
    const first = entries[0]
    if (first !== undefined && first.index <= upTo) entries.splice(0, upTo - first.index + 1)
  }
}
