import { hashJson, hashText, type Json, mixHash, sameJson } from '../json.ts'
import { type Foresight, IMPOSSIBLE, type Model, type RecordedOperation } from '../model.ts'
import { showFirst } from './items.ts'
import { goesBack } from './key-value-foresight.ts'
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
import { PersistentMap } from './persistent-map.ts'

interface MapEntry extends RevisedValue {
  readonly createRevision: number
  readonly hash: number
}

/** All keys of a store with their counter of changes. */
export interface MapState {
  readonly revision: number
  readonly entries: PersistentMap<MapEntry>
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
    init: () => ({ revision: 0, entries: PersistentMap.empty(), hash: 0 }),
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
    foresight,
    equals: sameState,
    hash: (state) => mixHash(state.hash, state.revision),
    problem: keyValueProblem,
    describe: (input, output, key) => `${key}: ${describeKeyValue(input, output)}`,
    describeState: ({ revision, entries }) =>
      `revision ${revision}, { ${showFirst(entries.entries(), entries.size, ([key, entry]) => `${key}: ${describeEntry(entry)}`)} }`,
  }
}

/** The change at a revision comes right behind the one before, and no key goes back. */
function foresight(
  operations: readonly RecordedOperation<KeyValueInput, KeyValueOutput>[],
): Foresight<MapState, KeyValueInput, KeyValueOutput> {
  const keys = new Map<string, RecordedOperation<KeyValueInput, KeyValueOutput>[]>()
  for (const operation of operations) {
    const known = keys.get(operation.key)
    if (known === undefined) keys.set(operation.key, [operation])
    else known.push(operation)
  }
  const latest = (_input: KeyValueInput, output: KeyValueOutput | undefined): number | undefined => {
    const outcome = output === undefined ? undefined : outcomeOf(output)
    return outcome !== undefined && 'changedAt' in outcome ? outcome.changedAt - 1 : undefined
  }
  return {
    isHopeless: [...keys.values()].some(goesBack),
    progress: { of: ({ revision }) => revision, latest },
  }
}

function isSame(entry: MapEntry | undefined, found: RevisedValue | null): boolean {
  if (entry === undefined || found === null) return entry === undefined && found === null
  if (found.createRevision !== undefined && found.createRevision !== entry.createRevision) return false
  return entry.revision === found.revision && sameJson(entry.value, found.value)
}

function changed(state: MapState, key: string, written: { readonly value: Json } | undefined): MapState {
  const revision = state.revision + 1
  const previous = state.entries.get(key)
  const rest = state.hash - (previous?.hash ?? 0)
  if (written === undefined) return { revision, entries: state.entries.without(key), hash: rest | 0 }
  const { value } = written
  const hash = mixHash(mixHash(hashText(key), revision), hashJson(value))
  const createRevision = previous?.createRevision ?? revision
  const entries = state.entries.with(key, { value, revision, createRevision, hash })
  return { revision, entries, hash: (rest + hash) | 0 }
}

const sameState = (a: MapState, b: MapState): boolean =>
  a.revision === b.revision && a.entries.equals(b.entries, sameEntry)

const sameEntry = (a: MapEntry, b: MapEntry): boolean => a.createRevision === b.createRevision && isSame(a, b)
