import type { IncomingMessage } from 'node:http'
import type { Entry, Kv, LinearizableKeyspace } from '@dsys/kv'
import type { Clock } from '@dsys/runtime'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { announcedBytes, readBody } from './body.ts'
import { badRequest, bodyTooLarge, contended, keyNotFound, overloaded, preconditionFailed } from './http-error.ts'
import { type KvTarget, parseKvTarget } from './kv-target.ts'
import { entityTag, type Precondition, parsePrecondition, readerHas } from './precondition.ts'
import type { Responder } from './responder.ts'
import { UntakenAnswers } from './untaken-answers.ts'

type Keyspace = LinearizableKeyspace<Uint8Array>

/** What {@link KvRoutes} may use. */
export interface KvRoutesPorts {
  readonly kv: Kv
  readonly clock: Clock
  readonly responder: Responder
  /** Throws where the sender of a request may not change what is in a keyspace. */
  readonly mayChange: (request: IncomingMessage, keyspace: string) => void
}

/** Options of {@link KvRoutes}. */
export interface KvRoutesOptions {
  /** How long an operation may take when the request does not say, in milliseconds. */
  readonly defaultTimeoutMs: number
  /** Requests to keyspaces that may be under way at once; more are refused. */
  readonly maxInflightRequests: number
  /** Bytes of bodies that may be held at once, and of values that clients have not read yet; requests beyond are refused. */
  readonly maxInflightBytes: number
}

/** How often a change of any present entry (`If-Match: *`) begins again when somebody else was faster. */
const MAX_ATTEMPTS = 16

/** How an attempt to change the entry with a revision ended. */
type Change = { readonly done: number } | { readonly actual: Entry<Uint8Array> | undefined }

/** Serves `/v1/kv/{keyspace}/{key}`. */
export class KvRoutes {
  readonly #kv: Kv
  readonly #clock: Clock
  readonly #responder: Responder
  readonly #mayChange: KvRoutesPorts['mayChange']
  readonly #options: KvRoutesOptions
  readonly #keyspaces = new Map<string, Keyspace>()
  readonly #untaken: UntakenAnswers
  #inflightRequests = 0
  #inflightBytes = 0

  constructor({ kv, clock, responder, mayChange }: KvRoutesPorts, options: KvRoutesOptions) {
    this.#kv = kv
    this.#clock = clock
    this.#responder = responder
    this.#mayChange = mayChange
    this.#options = options
    this.#untaken = new UntakenAnswers(options.maxInflightBytes)
    for (const name of kv.keyspaces) this.#keyspaces.set(name, kv.linearizable(name))
  }

  get(request: FastifyRequest, reply: FastifyReply): void {
    const target = parseKvTarget(request.originalUrl)
    const keyspace = this.#keyspace(target)
    this.#admit(0)
    keyspace
      .get(target.key, {
        timeoutMs: target.timeoutMs ?? this.#options.defaultTimeoutMs,
        consistency: target.stale ? 'stale' : 'linearizable',
      })
      .then((entry) => this.#sendEntry(request, reply, entry))
      .catch((error: unknown) => this.#responder.fail(request, reply, error))
      .finally(() => this.#release(0))
  }

  put(request: FastifyRequest, reply: FastifyReply): void {
    const target = parseChange(request.originalUrl)
    const keyspace = this.#keyspace(target)
    this.#mayChange(request.raw, target.keyspace)
    const precondition = parsePrecondition(request.headers)
    const { maxValueBytes } = this.#kv
    const announced = announcedBytes(request.raw) ?? maxValueBytes
    if (announced > maxValueBytes) throw bodyTooLarge(maxValueBytes)
    this.#admit(announced)
    readBody(request.raw, maxValueBytes, (error, body) => {
      const done = error === undefined ? this.#put(keyspace, target, precondition, body) : Promise.reject(error)
      done
        .then((revision) => this.#sendRevision(reply, precondition.type === 'absent' ? 201 : 200, revision))
        .catch((failure: unknown) => this.#responder.fail(request, reply, failure))
        .finally(() => this.#release(announced))
    })
  }

  delete(request: FastifyRequest, reply: FastifyReply): void {
    const target = parseChange(request.originalUrl)
    const keyspace = this.#keyspace(target)
    this.#mayChange(request.raw, target.keyspace)
    const precondition = parsePrecondition(request.headers)
    this.#admit(0)
    this.#delete(keyspace, target, precondition)
      .then((revision) => {
        if (revision === undefined) this.#responder.json(reply, 200, { deleted: false })
        else this.#responder.json(reply, 200, { deleted: true, revision })
      })
      .catch((error: unknown) => this.#responder.fail(request, reply, error))
      .finally(() => this.#release(0))
  }

  async #put(keyspace: Keyspace, target: KvTarget, precondition: Precondition, body: Buffer): Promise<number> {
    const timeoutMs = target.timeoutMs ?? this.#options.defaultTimeoutMs
    switch (precondition.type) {
      case 'none':
        return (await keyspace.put(target.key, body, { timeoutMs })).revision
      case 'absent': {
        const result = await keyspace.create(target.key, body, { timeoutMs })
        if (result.created) return result.revision
        throw preconditionFailed(result.actual.revision)
      }
      case 'revision': {
        const result = await keyspace.update(target.key, body, { revision: precondition.revision, timeoutMs })
        if (result.updated) return result.revision
        throw preconditionFailed(result.actual?.revision)
      }
      case 'present':
        return this.#whilePresent(keyspace, target.key, timeoutMs, async (options) => {
          const result = await keyspace.update(target.key, body, options)
          return result.updated ? { done: result.revision } : { actual: result.actual }
        })
      case 'never':
        throw preconditionFailed((await keyspace.get(target.key, { timeoutMs }))?.revision)
    }
  }

  /** The revision of the deletion, or `undefined` when there was nothing to delete and nothing was asked of it. */
  async #delete(keyspace: Keyspace, target: KvTarget, precondition: Precondition): Promise<number | undefined> {
    const timeoutMs = target.timeoutMs ?? this.#options.defaultTimeoutMs
    switch (precondition.type) {
      case 'none': {
        const result = await keyspace.delete(target.key, { timeoutMs })
        return result.deleted ? result.revision : undefined
      }
      case 'absent':
        throw badRequest('If-None-Match has no meaning for DELETE', 'Send If-Match, or no condition.')
      case 'revision': {
        const result = await keyspace.delete(target.key, { revision: precondition.revision, timeoutMs })
        if (result.deleted) return result.revision
        throw preconditionFailed(result.actual?.revision)
      }
      case 'present':
        return this.#whilePresent(keyspace, target.key, timeoutMs, async (options) => {
          const result = await keyspace.delete(target.key, options)
          return result.deleted ? { done: result.revision } : { actual: result.actual }
        })
      case 'never':
        throw preconditionFailed((await keyspace.get(target.key, { timeoutMs }))?.revision)
    }
  }

  /**
   * Repeats `change` with the revision of the entry that is there, until it succeeds or there is none. All attempts share
   * one deadline.
   */
  async #whilePresent(
    keyspace: Keyspace,
    key: string | Uint8Array,
    timeoutMs: number,
    change: (options: { readonly revision: number; readonly timeoutMs: number }) => Promise<Change>,
  ): Promise<number> {
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs
    const remainingMs = (): number => Math.ceil(deadlineMs - this.#clock.monotonicMs())
    let actual = await keyspace.get(key, { timeoutMs })
    let attempts = 0
    do {
      if (actual === undefined) throw preconditionFailed(undefined)
      const result: Change = await change({ revision: actual.revision, timeoutMs: Math.max(1, remainingMs()) })
      if ('done' in result) return result.done
      actual = result.actual
      attempts++
    } while (attempts < MAX_ATTEMPTS && remainingMs() > 0)
    throw contended(attempts)
  }

  #keyspace(target: KvTarget): Keyspace {
    // Names that are not declared are not kept, so that clients cannot fill the map: linearizable() throws for them.
    return this.#keyspaces.get(target.keyspace) ?? this.#kv.linearizable(target.keyspace)
  }

  #sendEntry(request: FastifyRequest, reply: FastifyReply, entry: Entry<Uint8Array> | undefined): void {
    if (entry === undefined) throw keyNotFound()
    const { value, revision } = entry
    const matches = readerHas(request.headers['if-none-match'], revision)
    if (!matches && !this.#untaken.add(request.raw.socket, reply.raw, value.length)) {
      throw overloaded('clients have not read the answers that wait for them')
    }
    reply.header('etag', entityTag(revision))
    reply.header('cache-control', 'no-cache')
    if (matches) {
      this.#responder.send(reply, 304, undefined)
      return
    }
    reply.header('content-type', 'application/octet-stream')
    reply.header('x-content-type-options', 'nosniff')
    this.#responder.send(reply, 200, Buffer.isBuffer(value) ? value : Buffer.from(value))
  }

  #sendRevision(reply: FastifyReply, status: number, revision: number): void {
    reply.header('etag', entityTag(revision))
    this.#responder.json(reply, status, { revision })
  }

  #admit(bytes: number): void {
    const { maxInflightRequests, maxInflightBytes } = this.#options
    if (this.#inflightRequests >= maxInflightRequests) throw overloaded(`${maxInflightRequests} requests are under way`)
    if (this.#inflightBytes + bytes > maxInflightBytes) throw overloaded(`${this.#inflightBytes} bytes are under way`)
    this.#inflightRequests += 1
    this.#inflightBytes += bytes
  }

  #release(bytes: number): void {
    this.#inflightRequests -= 1
    this.#inflightBytes -= bytes
  }
}

function parseChange(url: string): KvTarget {
  const target = parseKvTarget(url)
  if (target.stale) throw badRequest('consistency is for reads', 'Leave it out: every change is linearizable.')
  return target
}
