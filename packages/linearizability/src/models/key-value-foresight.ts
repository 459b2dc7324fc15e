import { canonicalText } from '../json.ts'
import type { Foresight, RecordedOperation } from '../model.ts'
import type { KeyState } from './key-value.ts'
import { type KeyValueInput, type KeyValueOutput, outcomeOf } from './key-value-operations.ts'

type Recorded = RecordedOperation<KeyValueInput, KeyValueOutput>

/** What the revisions in all outputs tell of a key: a revision has one value, and none comes back. */
export function foresight(operations: readonly Recorded[]): Foresight<KeyState, KeyValueInput, KeyValueOutput> {
  const told = tellingOf(operations)
  return {
    isSeen: mayGoUnseen(operations, told)
      ? (input) => !('value' in input) || told.found.has(canonicalText(input.value))
      : () => true,
    isHopeless: told.isContradictory || goesBack(operations),
    isOpen: (state) => isOpen(state, told),
    progress: { of: (state) => foundAt(state, told) ?? state.revision, latest: latestBefore },
  }
}

/** What the outputs say of revisions and values. */
interface Telling {
  /** The value at each revision, as text; `undefined` where the key was deleted. */
  readonly values: ReadonlyMap<number, string | undefined>
  /** The highest revision at which each value was found. */
  readonly found: ReadonlyMap<string, number>
  /** How many operations write each value. */
  readonly writes: ReadonlyMap<string, number>
  readonly tellsCreation: boolean
  /** Two values at one revision, or a value that nobody wrote. */
  readonly isContradictory: boolean
}

function tellingOf(operations: readonly Recorded[]): Telling {
  const values = new Map<number, string | undefined>()
  const found = new Map<string, number>()
  const writes = new Map<string, number>()
  let [isContradictory, tellsCreation] = [false, false]
  const tell = (revision: number, value: string | undefined): void => {
    if (values.has(revision) && values.get(revision) !== value) isContradictory = true
    values.set(revision, value)
  }
  for (const { input, output } of operations) {
    const written = 'value' in input ? canonicalText(input.value) : undefined
    if (written !== undefined) writes.set(written, (writes.get(written) ?? 0) + 1)
    const outcome = output === undefined ? undefined : outcomeOf(output)
    if (outcome === undefined) continue
    if ('changedAt' in outcome) tell(outcome.changedAt, written)
    else if (outcome.found !== null) {
      const { value, revision, createRevision } = outcome.found
      tell(revision, canonicalText(value))
      found.set(canonicalText(value), Math.max(revision, found.get(canonicalText(value)) ?? 0))
      tellsCreation ||= createRevision !== undefined
    }
  }
  for (const value of found.keys()) if (!writes.has(value)) isContradictory = true
  return { values, found, writes, tellsCreation, isContradictory }
}

/**
 * Whether nobody saw a value that nobody found. Somebody may have when somebody found an entry without saying its value: by a delete
 * that asked for no revision, by a condition on a revision of which nobody knows the change, or by when the entry was created.
 */
function mayGoUnseen(operations: readonly Recorded[], { values, tellsCreation }: Telling): boolean {
  if (tellsCreation) return false
  return operations.every(({ input, output }) => {
    const returned = output !== undefined
    if ((input.op !== 'update' && input.op !== 'delete') || (returned && 'found' in outcomeOf(output))) return true
    return input.revision === undefined ? !returned : values.has(input.revision)
  })
}

/** The revision of a state whose value was found, written by a single operation: that of the change, even if it told nobody. */
function foundAt({ isThere, isExact, value }: KeyState, { found, writes }: Telling): number | undefined {
  if (!isThere || isExact || found.size === 0) return undefined
  const text = canonicalText(value)
  return writes.get(text) === 1 ? found.get(text) : undefined
}

function isOpen(state: KeyState, telling: Telling): boolean {
  const { isThere, isExact, revision, value } = state
  if (isThere && isExact) {
    return !telling.values.has(revision) || telling.values.get(revision) === canonicalText(value)
  }
  return (foundAt(state, telling) ?? revision) >= revision
}

/** How far the revision may be where the operation takes effect. */
function latestBefore(input: KeyValueInput, output: KeyValueOutput | undefined): number | undefined {
  const outcome = output === undefined ? undefined : outcomeOf(output)
  if (outcome === undefined) return undefined
  if ('found' in outcome) return outcome.found?.revision
  return (input.op === 'update' || input.op === 'delete' ? input.revision : undefined) ?? outcome.changedAt - 1
}

/** Whether an operation on one key was called after another had returned a later revision than this one found or made. */
export function goesBack(operations: readonly Recorded[]): boolean {
  const told = operations.flatMap(({ output, invokedAt, endedAt }) => {
    const outcome = output === undefined ? undefined : outcomeOf(output)
    if (outcome === undefined) return []
    const revision = 'found' in outcome ? outcome.found?.revision : outcome.changedAt
    return revision === undefined ? [] : [{ revision, invokedAt, endedAt }]
  })
  const byEnd = [...told].sort((a, b) => a.endedAt - b.endedAt)
  let [ended, latest] = [0, 0]
  return told.some(({ revision, invokedAt }) => {
    for (let next = byEnd[ended]; next !== undefined && next.endedAt < invokedAt; next = byEnd[++ended])
      latest = Math.max(latest, next.revision)
    return revision < latest
  })
}
