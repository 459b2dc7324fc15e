import type { Outcome } from '@dsys/runtime'

/** Why a member could not answer, as it travels. */
export interface QueryFailure {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly retryable: boolean
  readonly outcome: Outcome
}

/** What a member answers. */
export type QueryResult =
  | { readonly ok: true; readonly payload: Uint8Array }
  | { readonly ok: false; readonly failure: QueryFailure }

/** Which query it is: the process that asks, beside its address, and the number that it gave it. */
export interface QueryId {
  readonly nonce: number
  readonly number: number
}

/** Bytes of the payload of a query. The same on every node: more is refused. */
export const MAX_QUERY_BYTES = 1_024
/** Bytes of the payload of an answer. */
export const MAX_ANSWER_BYTES = 2_048
/** Longer ones are cut. */
export const MAX_FAILURE_CHARACTERS = 200
/** The longest that a query may take. */
export const MAX_QUERY_MS = 600_000

export const OUTCOMES: readonly Outcome[] = Object.freeze(['applied', 'not-applied', 'unknown'])
