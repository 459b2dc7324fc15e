import type { IncomingHttpHeaders } from 'node:http'
import { badRequest } from './http-error.ts'

/** On what a change depends. `never`: the tag can be no revision, so no entry has it. */
export type Precondition =
  | { readonly type: 'none' }
  | { readonly type: 'absent' }
  | { readonly type: 'present' }
  | { readonly type: 'revision'; readonly revision: number }
  | { readonly type: 'never' }

const NONE: Precondition = Object.freeze({ type: 'none' })
const ENTITY_TAG = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/
const REVISION = /^[1-9]\d{0,15}$/

export const entityTag = (revision: number): string => `"${revision}"`

/** The precondition of a change (RFC 9110 §13.1.1, §13.1.2). */
export function parsePrecondition(headers: IncomingHttpHeaders): Precondition {
  const ifMatch = headers['if-match']
  const ifNoneMatch = headers['if-none-match']
  if (ifMatch === undefined && ifNoneMatch === undefined) return NONE
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    throw badRequest('If-Match and If-None-Match exclude each other', 'Send one of them.')
  }
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*') return { type: 'absent' }
    throw badRequest(
      'a change takes If-None-Match with * only',
      'Send If-None-Match: * to create, or If-Match to update.',
    )
  }
  return parseIfMatch((ifMatch as string).trim())
}

function parseIfMatch(value: string): Precondition {
  if (value === '*') return { type: 'present' }
  const match = ENTITY_TAG.exec(value)
  if (match === null) throw badRequest('If-Match is not one entity tag', 'Send the ETag as it came: If-Match: "7".')
  const [, weak, tag = ''] = match
  const revision = Number(tag)
  // If-Match compares strongly, so a weak tag matches nothing (RFC 9110 §8.8.3.2).
  if (weak !== undefined || !REVISION.test(tag) || !Number.isSafeInteger(revision)) return { type: 'never' }
  return { type: 'revision', revision }
}

/** Whether a reader who sends this If-None-Match has the entry already. Weak tags count (RFC 9110 §13.1.2). */
export function readerHas(ifNoneMatch: string | undefined, revision: number): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch.trim() === '*') return true
  const tag = entityTag(revision)
  return ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === tag)
}
