import type { Logger } from '@dsys/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { discard } from './body.ts'
import { errorReply, HttpError } from './http-error.ts'

const RETRY_AFTER_SECONDS = '1'
const JSON_TYPE = 'application/json; charset=utf-8'

/** Ends every request of the edge: one place for headers that all answers share. */
export class Responder {
  readonly #logger: Logger
  #closing = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** From now on each answer asks its client to leave, so that clients with open connections move to another node. */
  closeConnections(): void {
    this.#closing = true
  }

  json(reply: FastifyReply, status: number, body: object): void {
    reply.header('content-type', JSON_TYPE)
    this.send(reply, status, `${JSON.stringify(body)}\n`)
  }

  /** A short text leaves in one write with its headers, bytes in a second one: so give text where it is text. */
  send(reply: FastifyReply, status: number, body: string | Buffer | undefined): void {
    if (this.#closing) reply.header('connection', 'close')
    reply.code(status).send(body)
  }

  fail(request: FastifyRequest, reply: FastifyReply, error: unknown): void {
    const { status, body } = errorReply(error)
    if (status === 500)
      this.#logger.log('error', 'request failed', { method: request.method, url: request.originalUrl, error })
    if (status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS)
    if (status === 401) reply.header('www-authenticate', 'Bearer')
    if (error instanceof HttpError && typeof error.fields?.allow === 'string') reply.header('allow', error.fields.allow)
    // A client that waits for "100 Continue" sends no body now, so the next bytes would be taken for it.
    if (request.headers.expect !== undefined) reply.header('connection', 'close')
    else if (!request.raw.complete) discard(request.raw)
    reply.header('content-type', JSON_TYPE)
    this.send(reply, status, body)
  }
}
