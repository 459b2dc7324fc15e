import { hashJson, type Json, mixHash, sameJson } from '../json.ts'
import { IMPOSSIBLE, type Model } from '../model.ts'
import { foresight } from './key-value-foresight.ts'
import {
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

/** One key of a store, as far as it can be known: a change of unknown outcome has a revision that nobody was told. */
export interface KeyState {
  readonly isThere: boolean
  /** `null` when the key is not there. */
  readonly value: Json
  /**
   * The latest change of the key has this revision, or, when it is not exact, this or a higher one. 0 before the first change. Of a key
   * that is not there it only counts that the next change is higher.
   */
  readonly revision: number
  readonly isExact: boolean
  /** `undefined` when the key is not there, or when it was the latest change, of a revision that is not exact, that created it. */
  readonly created: Creation | undefined
}

/** Between which revisions the key was created; when that leaves more than one, the latest change came later. */
export interface Creation {
  readonly lowest: number
  readonly highest: number
}

const EMPTY: KeyState = { isThere: false, value: null, revision: 0, isExact: true, created: undefined }

/**
 * A store of keys with revisions, judged key by key: the revisions of one key grow with each change, by one or more, since those of
 * the other keys lie between. Whether revisions also fit together across keys is what {@link keyValueMapModel} judges.
 */
export function keyValueModel(): Model<KeyState, KeyValueInput, KeyValueOutput> {
  return {
    name: 'key-value',
    init: () => EMPTY,
    step: (state, input, output) => {
      if (input.op === 'get' && output === undefined) return [state]
      const outcome = output === undefined ? { changedAt: undefined } : outcomeOf(output)
      if ('found' in outcome) {
        const seen = mustLeave(input, outcome.found) ? afterReading(state, outcome.found) : undefined
        return seen === undefined ? IMPOSSIBLE : [seen]
      }
      const before = whereItChanges(state, input)
      if (before === undefined || (outcome.changedAt ?? Number.POSITIVE_INFINITY) <= before.revision) return IMPOSSIBLE
      return [changed(before, input, outcome.changedAt)]
    },
    readOnly: keyValueReadOnly,
    // A key never has an earlier revision again.
    marks: {
      of: (state) => (state.isThere && state.isExact ? state.revision : undefined),
      needed: neededRevision,
      given: () => undefined,
    },
    foresight,
    equals: sameState,
    hash: (state) => mixHash(mixHash(state.isThere ? 1 : 2, hashJson(state.value)), state.revision),
    problem: keyValueProblem,
    describe: describeKeyValue,
    describeState: ({ isThere, value, revision, isExact }) =>
      isThere
        ? `${JSON.stringify(value)} at ${isExact ? '' : 'at least '}${revision}`
        : `none, next revision above ${revision}`,
  }
}

/** The revision that the key must have had, as the output tells. */
function neededRevision(input: KeyValueInput, output: KeyValueOutput | undefined): number | undefined {
  if (output === undefined) return undefined
  const outcome = outcomeOf(output)
  if ('found' in outcome) return outcome.found?.revision
  return 'revision' in input ? input.revision : undefined
}

const couldBeAt = (state: KeyState, revision: number): boolean =>
  state.isExact ? revision === state.revision : revision >= state.revision

/** What remains possible when the key is there and has this revision. */
function atRevision(state: KeyState, revision: number): KeyState {
  const { lowest, highest } = state.created ?? { lowest: revision, highest: revision }
  const created = { lowest, highest: lowest === highest ? highest : Math.min(highest, revision - 1) }
  return { ...state, revision, isExact: true, created }
}

/** What remains possible when this entry was read, or `undefined`. */
function afterReading(state: KeyState, found: RevisedValue | null): KeyState | undefined {
  if (found === null) return state.isThere ? undefined : state
  if (!state.isThere || !couldBeAt(state, found.revision) || !sameJson(state.value, found.value)) return undefined
  const seen = atRevision(state, found.revision)
  if (found.createRevision === undefined) return seen
  const { lowest, highest } = seen.created as Creation
  const fits = lowest <= found.createRevision && found.createRevision <= highest
  return fits ? { ...seen, created: { lowest: found.createRevision, highest: found.createRevision } } : undefined
}

/** What remains possible when the operation changes the key, or `undefined` when it cannot. A condition that held tells the revision. */
function whereItChanges(state: KeyState, input: KeyValueInput): KeyState | undefined {
  if (!mayChange(input, state.isThere, (revision) => couldBeAt(state, revision))) return undefined
  return 'revision' in input && input.revision !== undefined ? atRevision(state, input.revision) : state
}

function changed(before: KeyState, input: KeyValueInput, changedAt: number | undefined): KeyState {
  if (!('value' in input)) return { ...EMPTY, revision: changedAt ?? before.revision + 1 }
  const isExact = changedAt !== undefined
  const revision = changedAt ?? unknownRevision(before)
  return { isThere: true, value: input.value, revision, isExact, created: creationAfter(before, changedAt) }
}

/**
 * The least revision of a change of unknown outcome. Behind another such change, one that created nothing, it could also have come
 * without that one, so it has no higher one: nothing more becomes possible, and the search sees that the other was not needed.
 */
function unknownRevision(before: KeyState): number {
  const isBehindAnother = before.isThere && !before.isExact && before.created !== undefined
  return isBehindAnother ? before.revision : before.revision + 1
}

function creationAfter(before: KeyState, changedAt: number | undefined): Creation | undefined {
  if (!before.isThere) return changedAt === undefined ? undefined : { lowest: changedAt, highest: changedAt }
  const { lowest, highest } = before.created ?? { lowest: before.revision, highest: Number.POSITIVE_INFINITY }
  if (lowest === highest || changedAt === undefined) return { lowest, highest }
  return { lowest, highest: Math.min(highest, changedAt - 1) }
}

function sameState(a: KeyState, b: KeyState): boolean {
  return (
    a.isThere === b.isThere &&
    a.revision === b.revision &&
    a.isExact === b.isExact &&
    a.created?.lowest === b.created?.lowest &&
    a.created?.highest === b.created?.highest &&
    sameJson(a.value, b.value)
  )
}
