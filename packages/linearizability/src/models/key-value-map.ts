import { hashJson, hashText, type Json, mixHash, sameJson } from '../json.ts'
import { IMPOSSIBLE, type Model } from '../model.ts'
import {
  describeEntry,
  describeKeyValue,
  type KeyValueInput,
  type KeyValueOutput,
  keyValueProblem,
  keyValueReadOnly,
  mayChange,
  mustLeave,
  outcomeOf,
  type RevisedValue,
} from './key-value-operations.ts'

interface MapEntry extends RevisedValue {
  readonly createRevision: number
  readonly hash: number
}

/** All keys of a store with their counter of changes. */
export interface MapState {
  readonly revision: number
  readonly entries: ReadonlyMap<string, MapEntry>
  /** The sum of the hashes of all entries. */
  readonly hash: number
}

/**
 * A store of keys judged as a whole: the first change has the revision 1, and each change one more, whatever its key is. Stricter than
 * {@link keyValueModel} and slower, since nothing can be judged apart; every change of the store must be in the history.
 */
export function keyValueMapModel(): Model<MapState, KeyValueInput, KeyValueOutput> {
  return {
    name: 'key-value-map',
    init: () => ({ revision: 0, entries: new Map(), hash: 0 }),
    partition: () => '',
    step: (state, input, output, key) => {
      const entry = state.entries.get(key)
      const outcome = output === undefined ? undefined : outcomeOf(output)
      if (outcome !== undefined && 'found' in outcome) {
        return mustLeave(input, outcome.found) && isSame(entry, outcome.found) ? [state] : IMPOSSIBLE
      }
      if (input.op === 'get') return outcome === undefined ? [state] : IMPOSSIBLE
      const fits = outcome === undefined || outcome.changedAt === state.revision + 1
      const may = fits && mayChange(input, entry !== undefined, (revision) => entry?.revision === revision)
      return may ? [changed(state, key, 'value' in input ? { value: input.value } : undefined)] : IMPOSSIBLE
    },
    readOnly: keyValueReadOnly,
    equals: sameState,
    hash: (state) => mixHash(state.hash, state.revision),
    problem: keyValueProblem,
    describe: (input, output, key) => `${key}: ${describeKeyValue(input, output)}`,
    describeState: ({ revision, entries }) =>
      `revision ${revision}, { ${Array.from(entries, ([key, entry]) => `${key}: ${describeEntry(entry)}`).join(', ')} }`,
  }
}

function isSame(entry: MapEntry | undefined, found: RevisedValue | null): boolean {
  if (entry === undefined || found === null) return entry === undefined && found === null
  if (found.createRevision !== undefined && found.createRevision !== entry.createRevision) return false
  return entry.revision === found.revision && sameJson(entry.value, found.value)
}

function changed(state: MapState, key: string, written: { readonly value: Json } | undefined): MapState {
  const revision = state.revision + 1
  const entries = new Map(state.entries)
  const previous = entries.get(key)
  let hash = state.hash - (previous?.hash ?? 0)
  if (written === undefined) entries.delete(key)
  else {
    const own = mixHash(mixHash(hashText(key), revision), hashJson(written.value))
    entries.set(key, {
      value: written.value,
      revision,
      createRevision: previous?.createRevision ?? revision,
      hash: own,
    })
    hash += own
  }
  return { revision, entries, hash: hash | 0 }
}

function sameState(a: MapState, b: MapState): boolean {
  if (a.revision !== b.revision || a.entries.size !== b.entries.size) return false
  for (const [key, entry] of a.entries) {
    const other = b.entries.get(key)
    if (other === undefined || other.createRevision !== entry.createRevision || !isSame(entry, other)) return false
  }
  return true
}
