import { DsysError, type Outcome } from '@dsys/runtime'

/** What an {@link HttpError} is made of. */
export interface HttpErrorDetails {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly hint: string
  /** Default false. */
  readonly retryable?: boolean
  /** Default `not-applied`. */
  readonly outcome?: Outcome
  /** Further fields of the body. */
  readonly fields?: Readonly<Record<string, unknown>>
}

/** A condition that the HTTP edge itself found. */
export class HttpError extends DsysError {
  readonly status: number
  readonly fields: Readonly<Record<string, unknown>> | undefined

  constructor(details: HttpErrorDetails) {
    const { code, hint, retryable = false, outcome = 'not-applied' } = details
    super(details.message, { code, hint, retryable, outcome })
    this.status = details.status
    this.fields = details.fields
  }
}

export const badRequest = (message: string, hint: string): HttpError =>
  new HttpError({ status: 400, code: 'DSYS_HTTP_BAD_REQUEST', message, hint })

export const unauthorized = (): HttpError =>
  new HttpError({
    status: 401,
    code: 'DSYS_HTTP_UNAUTHORIZED',
    message: 'who changes the cluster must prove that they may',
    hint: 'Send "Authorization: Bearer <token>" with the admin token of the node.',
  })

/** It does not repeat the name: whoever sent it may be a page that must not learn anything. */
export const misdirected = (): HttpError =>
  new HttpError({
    status: 421,
    code: 'DSYS_HTTP_HOST_UNKNOWN',
    message: 'the request is for a name that is not one of this node',
    hint: 'Ask by an address or as localhost, or start the node with --http-names and the name in the Host header.',
  })

export const keyNotFound = (): HttpError =>
  new HttpError({
    status: 404,
    code: 'DSYS_HTTP_KEY_NOT_FOUND',
    message: 'the key has no value',
    hint: 'PUT one first, or check keyspace and key.',
  })

export const pathNotFound = (path: string): HttpError =>
  new HttpError({
    status: 404,
    code: 'DSYS_HTTP_NOT_FOUND',
    message: `there is nothing at ${path}`,
    hint: 'Use /v1/kv/{keyspace}/{key}, /v1/cluster, /v1/members, /v1/topology, /v1/raft/members, /v1/explain, /livez or /readyz.',
  })

export const methodNotAllowed = (method: string, allow: string): HttpError =>
  new HttpError({
    status: 405,
    code: 'DSYS_HTTP_METHOD_NOT_ALLOWED',
    message: `${method} is not possible here`,
    hint: `Use one of ${allow}.`,
    fields: { allow },
  })

export const bodyTooLarge = (maxBytes: number): HttpError =>
  new HttpError({
    status: 413,
    code: 'DSYS_HTTP_BODY_TOO_LARGE',
    message: `the body is larger than ${maxBytes} bytes`,
    hint: 'Split the value, or keep it elsewhere and store its address.',
    fields: { maxBytes },
  })

/** @param revision of the entry that is there; `undefined` when there is none. */
export const preconditionFailed = (revision: number | undefined): HttpError =>
  new HttpError({
    status: 412,
    code: 'DSYS_HTTP_PRECONDITION_FAILED',
    message: revision === undefined ? 'the key has no value' : `the key has revision ${revision}`,
    hint: 'Read the key, decide anew, and send its ETag in If-Match.',
    fields: { revision: revision ?? null },
  })

export const overloaded = (what: string): HttpError =>
  new HttpError({
    status: 503,
    code: 'DSYS_HTTP_OVERLOADED',
    message: `this node has too much to do: ${what}`,
    hint: 'Slow down and try again, also at another node.',
    retryable: true,
  })

export const starting = (): HttpError =>
  new HttpError({
    status: 503,
    code: 'DSYS_HTTP_STARTING',
    message: 'this node is starting',
    hint: 'Try again in a moment, or at another node. /readyz says when this one is ready.',
    retryable: true,
  })

export const sideDown = (why: string): HttpError =>
  new HttpError({
    status: 503,
    code: 'DSYS_HTTP_SIDE_DOWN',
    message: `the cluster is split, and the side of this node does not go on: ${why}`,
    hint: 'Ask a node on another side. This one ends.',
    retryable: true,
  })

export const contended = (attempts: number): HttpError =>
  new HttpError({
    status: 503,
    code: 'DSYS_HTTP_CONTENDED',
    message: `the key was changed by others during each of ${attempts} attempts`,
    hint: 'Try again, or read the key and send its ETag in If-Match.',
    retryable: true,
  })

export const urlTooLong = (maxCharacters: number): HttpError =>
  new HttpError({
    status: 414,
    code: 'DSYS_HTTP_URL_TOO_LONG',
    message: `the URL is longer than ${maxCharacters} characters`,
    hint: 'A key has at most 1,024 bytes, which are at most 3,072 characters in a URL.',
  })

/** The connection gave up in the middle of the request: nobody reads this, but it ends the request. */
export const bodyAborted = (): HttpError => badRequest('the body ended too early', 'Send as many bytes as announced.')

const STATUS_BY_CODE: Readonly<Record<string, number>> = Object.freeze({
  DSYS_KV_KEY_INVALID: 400,
  DSYS_KV_KEYSPACE_UNKNOWN: 404,
  DSYS_KV_VALUE_TOO_LARGE: 413,
  DSYS_RAFT_COMMAND_TOO_LARGE: 413,
  DSYS_RAFT_MEMBERSHIP_CONFLICT: 409,
  DSYS_RAFT_WITNESS_ROLE: 409,
  DSYS_RAFT_NO_LEADER: 503,
  DSYS_RAFT_READ_TIMEOUT: 503,
  DSYS_RAFT_OVERLOADED: 503,
  DSYS_NOT_RUNNING: 503,
  DSYS_RAFT_FAILED: 503,
  DSYS_RAFT_OUTCOME_UNKNOWN: 504,
  DSYS_RAFT_RECONFIGURATION_PENDING: 504,
})

/** What is sent for an error. */
export interface ErrorReply {
  readonly status: number
  readonly body: string
}

const encode = (status: number, fields: object): ErrorReply => ({ status, body: `${JSON.stringify(fields)}\n` })

/** The status and the JSON body for whatever was thrown. What is not a dsys error tells nothing of the inside. */
export function errorReply(error: unknown): ErrorReply {
  if (error instanceof HttpError) return encode(error.status, { ...error.toJSON(), ...error.fields })
  if (error instanceof DsysError) return encode(STATUS_BY_CODE[error.code] ?? 500, error.toJSON())
  return encode(500, {
    code: 'DSYS_HTTP_INTERNAL',
    message: 'the request failed for a reason that this node did not foresee',
    hint: 'The log of the node has the details. Please report it as a defect.',
    retryable: false,
    outcome: 'unknown',
  })
}
