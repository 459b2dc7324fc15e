import type { Json } from '../json.ts'
import { anything, exactly, fields, nothing, oneOf, operationProblem, optional, revision } from './shape.ts'

/** A value with the revision of the change that made it. */
export interface RevisedValue {
  readonly value: Json
  readonly revision: number
  /** The revision of the change that created the key. Not every store tells it. */
  readonly createRevision?: number
}

/** What a key-value store takes: the operations of a linearizable keyspace of dsys. */
export type KeyValueInput =
  | { readonly op: 'get' }
  | { readonly op: 'put'; readonly value: Json }
  | { readonly op: 'create'; readonly value: Json }
  | { readonly op: 'update'; readonly value: Json; readonly revision: number }
  | { readonly op: 'delete'; readonly revision?: number }

/**
 * What it gives. A get: the entry or `null`. A put: `{ revision }`. The others: their participle, `true` with the revision of the
 * change, or `false` with the entry that was there instead.
 */
export type KeyValueOutput =
  | RevisedValue
  | null
  | { readonly revision: number }
  | { readonly created: true; readonly revision: number }
  | { readonly created: false; readonly actual: RevisedValue }
  | { readonly updated: true; readonly revision: number }
  | { readonly updated: false; readonly actual?: RevisedValue | null }
  | { readonly deleted: true; readonly revision: number }
  | { readonly deleted: false; readonly actual?: RevisedValue | null }

const entry = fields({ value: anything, revision, createRevision: optional(revision) })
const actual = optional(oneOf(nothing, entry))

const OPERATIONS = {
  get: { input: {}, output: oneOf(nothing, entry) },
  put: { input: { value: anything }, output: fields({ revision }) },
  create: {
    input: { value: anything },
    output: oneOf(fields({ created: exactly(true), revision }), fields({ created: exactly(false), actual: entry })),
  },
  update: {
    input: { value: anything, revision },
    output: oneOf(fields({ updated: exactly(true), revision }), fields({ updated: exactly(false), actual })),
  },
  delete: {
    input: { revision: optional(revision) },
    output: oneOf(fields({ deleted: exactly(true), revision }), fields({ deleted: exactly(false), actual })),
  },
}

export function keyValueProblem(input: unknown, output: unknown): string | undefined {
  return operationProblem(OPERATIONS, input, output)
}

/** The same for every operation: it changed the key and says at which revision, or it found this entry (`null` for none). */
export type KeyValueOutcome = { readonly changedAt: number } | { readonly found: RevisedValue | null }

export function outcomeOf(output: KeyValueOutput): KeyValueOutcome {
  if (output === null || 'value' in output) return { found: output }
  if ('actual' in output) return { found: output.actual ?? null }
  return 'revision' in output ? { changedAt: output.revision } : { found: null }
}

/** A get, or a change whose condition did not hold. */
export function keyValueReadOnly(input: KeyValueInput, output: KeyValueOutput | undefined): boolean {
  return input.op === 'get' || (output !== undefined && 'found' in outcomeOf(output))
}

/**
 * Whether the operation may change an entry, or the lack of one (`revision` undefined); `couldBe` says whether the entry can have a
 * revision.
 */
export function mayChange(input: KeyValueInput, isThere: boolean, couldBe: (revision: number) => boolean): boolean {
  switch (input.op) {
    case 'get':
      return false
    case 'put':
      return true
    case 'create':
      return !isThere
    case 'update':
      return isThere && couldBe(input.revision)
    case 'delete':
      return isThere && (input.revision === undefined || couldBe(input.revision))
  }
}

/** Whether an operation that found `found` had to leave it as it was. */
export function mustLeave(input: KeyValueInput, found: RevisedValue | null): boolean {
  switch (input.op) {
    case 'get':
      return true
    case 'put':
      return false
    case 'create':
      return found !== null
    case 'update':
      return found?.revision !== input.revision
    case 'delete':
      return found === null || (input.revision !== undefined && input.revision !== found.revision)
  }
}

export function describeKeyValue(input: KeyValueInput, output: KeyValueOutput | undefined): string {
  const value = 'value' in input ? ` ${JSON.stringify(input.value)}` : ''
  const condition = 'revision' in input && input.revision !== undefined ? ` if at ${input.revision}` : ''
  return `${input.op}${value}${condition}${output === undefined ? '' : ` → ${describeOutcome(outcomeOf(output))}`}`
}

function describeOutcome(outcome: KeyValueOutcome): string {
  if ('changedAt' in outcome) return `at ${outcome.changedAt}`
  return outcome.found === null ? 'none' : describeEntry(outcome.found)
}

export const describeEntry = ({ value, revision: at }: RevisedValue): string => `${JSON.stringify(value)} at ${at}`
