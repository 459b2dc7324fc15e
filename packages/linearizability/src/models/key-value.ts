import { hashJson, type Json, mixHash, sameJson } from '../json.ts'
import { IMPOSSIBLE, type Model } from '../model.ts'
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

/**
 * One key of a store, as far as it can be known: a change of unknown outcome has a revision that nobody was told.
 */
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
  /** `undefined` when the key is not there, or was created by a change of unknown outcome and not read since. */
  readonly createRevision: number | undefined
}

const EMPTY: KeyState = { isThere: false, value: null, revision: 0, isExact: true, createRevision: undefined }

/**
 * A store of keys with revisions, judged key by key: the revisions of one key grow with each change, by one or more, since those of
 * the other keys lie between. Whether revisions also fit together across keys is what {@link keyValueMapModel} judges.
 */
export function keyValueModel(): Model<KeyState, KeyValueInput, KeyValueOutput> {
  return {
    name: 'kv',
    init: () => EMPTY,
    step: (state, input, output) => {
      if (input.op === 'get' && output === undefined) return [state]
      if (output === undefined) return mayChangeHere(state, input) ? [changed(state, input, undefined)] : IMPOSSIBLE
      const outcome = outcomeOf(output)
      if ('found' in outcome) return mustLeave(input, outcome.found) ? seen(state, outcome.found) : IMPOSSIBLE
      const { changedAt } = outcome
      const fits = mayChangeHere(state, input) && changedAt > floorOf(state, input)
      return fits ? [changed(state, input, changedAt)] : IMPOSSIBLE
    },
    readOnly: keyValueReadOnly,
    // A key never has an earlier revision again.
    marks: {
      of: (state) => (state.isThere && state.isExact ? state.revision : undefined),
      needed: neededRevision,
      given: () => undefined,
    },
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

const mayChangeHere = (state: KeyState, input: KeyValueInput): boolean =>
  mayChange(input, state.isThere, (revision) => couldBeAt(state, revision))

/** The next change has a higher revision than this. A condition that held tells the revision that the key had. */
function floorOf(state: KeyState, input: KeyValueInput): number {
  return 'revision' in input && input.revision !== undefined ? input.revision : state.revision
}

/**
 * The least revision of a change of unknown outcome. A put behind another such change could also have come without that one, so it has
 * no higher one: nothing more becomes possible, and the search sees that the other was not needed.
 */
function unknownRevision(state: KeyState, input: KeyValueInput): number {
  return input.op === 'put' && state.isThere && !state.isExact ? state.revision : floorOf(state, input) + 1
}

function changed(state: KeyState, input: KeyValueInput, revision: number | undefined): KeyState {
  const next = revision ?? unknownRevision(state, input)
  if (!('value' in input)) return { ...EMPTY, revision: next }
  const createRevision = state.isThere ? state.createRevision : revision
  return { isThere: true, value: input.value, revision: next, isExact: revision !== undefined, createRevision }
}

/** What remains possible when this entry was read. */
function seen(state: KeyState, found: RevisedValue | null): readonly KeyState[] {
  if (found === null) return state.isThere ? IMPOSSIBLE : [state]
  if (!state.isThere || !couldBeAt(state, found.revision) || !sameJson(state.value, found.value)) return IMPOSSIBLE
  const { revision, createRevision = state.createRevision } = found
  if (state.createRevision !== undefined && createRevision !== state.createRevision) return IMPOSSIBLE
  if (createRevision !== undefined && createRevision > revision) return IMPOSSIBLE
  return [{ isThere: true, value: state.value, revision, isExact: true, createRevision }]
}

function sameState(a: KeyState, b: KeyState): boolean {
  return (
    a.isThere === b.isThere &&
    a.revision === b.revision &&
    a.isExact === b.isExact &&
    a.createRevision === b.createRevision &&
    sameJson(a.value, b.value)
  )
}
