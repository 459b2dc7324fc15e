import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Kv } from '@dsys/kv'
import type { SplitBrainResolver } from '@dsys/membership'
import type { DsysNode } from '@dsys/node'
import type { Clock, Logger } from '@dsys/runtime'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { SURVIVORS_KEYSPACE } from '../split-brain.ts'
import { Access, type AccessOptions } from './access.ts'
import { announcedBytes } from './body.ts'
import { clusterBody } from './cluster-body.ts'
import { badRequest, errorReply, HttpError, methodNotAllowed, pathNotFound, sideDown, starting } from './http-error.ts'
import { KvRoutes, type KvRoutesOptions } from './kv-routes.ts'
import { KV_PREFIX } from './kv-target.ts'
import { MEMBERS_PATH, MembersRoutes } from './members-routes.ts'
import { MEMBERSHIP_PATH, MembershipRoutes, type MembershipView, TOPOLOGY_PATH } from './membership-routes.ts'
import { Responder } from './responder.ts'

/** What the edge serves, once it is there. */
export interface Backend {
  readonly kv: Kv
  readonly membership: MembershipView
  readonly node: Pick<DsysNode, 'readiness' | 'status' | 'explain' | 'groupMembers' | 'reconfigure'>
  readonly resolver?: Pick<SplitBrainResolver, 'status'>
}

/** All that the node measures, as a page for Prometheus. */
export interface MetricsPage {
  readonly contentType: string
  page(): Promise<string>
}

/** What a {@link HttpEdge} may use. */
export interface HttpEdgePorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: MetricsPage
}

/** Options of a {@link HttpEdge}. */
export interface HttpEdgeOptions extends Partial<KvRoutesOptions>, AccessOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** How long requests under way may take once draining begins, in milliseconds. Default 10,000. */
  readonly drainTimeoutMs?: number
  /** Connections that may be open at once; more are closed at once. Default 10,000. */
  readonly maxConnections?: number
}

const DEFAULTS = Object.freeze({
  defaultTimeoutMs: 5_000,
  maxInflightRequests: 10_000,
  maxInflightBytes: 128 * 2 ** 20,
  drainTimeoutMs: 10_000,
  maxConnections: 10_000,
})

const MAX_HEADER_BYTES = 16 * 1_024
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const KEEP_ALIVE_TIMEOUT_MS = 72_000
/** Longer than any operation may take: a connection without a byte in either direction for so long has a client that is stuck. */
const STUCK_TIMEOUT_MS = 90_000
const IDLE_CHECK_MS = 25
/** All keys share one route: the router would decode the path as text, and a key may be any bytes. */
const KV_PATH = '/v1/kv'
const METHODS: Readonly<Record<string, string>> = Object.freeze({
  [KV_PATH]: 'GET, HEAD, PUT, DELETE',
  [MEMBERS_PATH]: 'GET, HEAD, PUT',
  [MEMBERSHIP_PATH]: 'GET, HEAD',
  [TOPOLOGY_PATH]: 'GET, HEAD',
  '/v1/cluster': 'GET, HEAD',
  '/v1/explain': 'GET, HEAD',
  '/metrics': 'GET, HEAD',
  '/livez': 'GET, HEAD',
  '/readyz': 'GET, HEAD',
})

/**
 * The HTTP server of a node. It listens from `start` on and says so on `/livez`; requests are refused as retryable until
 * there is a backend.
 */
export class HttpEdge {
  readonly #ports: HttpEdgePorts
  readonly #options: HttpEdgeOptions & { readonly [Name in keyof typeof DEFAULTS]: number }
  readonly #access: Access
  readonly #responder: Responder
  readonly #app: FastifyInstance
  /** The requests of a connection that wait for their answers; a client may send one behind the other. */
  readonly #unanswered = new WeakMap<Socket, Set<IncomingMessage>>()
  #backend: Backend | undefined
  #routes: KvRoutes | undefined
  #members: MembersRoutes | undefined
  #membership: MembershipRoutes | undefined
  #draining: Promise<void> | undefined
  /** Why the side of this node does not go on. */
  #down: string | undefined

  constructor(ports: HttpEdgePorts, options: HttpEdgeOptions) {
    this.#ports = ports
    this.#options = { ...DEFAULTS, ...options }
    this.#access = new Access(options)
    this.#responder = new Responder(ports.logger)
    this.#app = this.#build()
  }

  /** Listens. Returns the URL. */
  async start(): Promise<string> {
    const { host, port } = this.#options
    await this.#app.listen({ host, port })
    const address = this.#server.address() as AddressInfo
    const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address
    return `http://${shownHost}:${address.port}`
  }

  /** From now on requests are served. */
  serve(backend: Backend): void {
    this.#backend = backend
    const mayChange = (request: IncomingMessage, keyspace: string): void => {
      if (keyspace === SURVIVORS_KEYSPACE) this.#access.assertAdmin(request)
    }
    const ports = { kv: backend.kv, clock: this.#ports.clock, responder: this.#responder, mayChange }
    this.#routes = new KvRoutes(ports, this.#options)
    this.#members = new MembersRoutes({ node: backend.node, responder: this.#responder })
    this.#membership = new MembershipRoutes({ membership: backend.membership, responder: this.#responder })
  }

  /** From now on requests that read or change anything are refused: the cluster is split, and another side goes on. What says how the node stands is answered as before. */
  goDown(why: string): void {
    this.#down ??= why
  }

  /**
   * Takes no new connections, asks those that are open to leave, and resolves when the requests under way are answered or
   * their time is over. Idempotent.
   */
  drain(): Promise<void> {
    this.#draining ??= this.#drain()
    return this.#draining
  }

  get #server(): Server {
    return this.#app.server as Server
  }

  async #drain(): Promise<void> {
    const { clock, logger } = this.#ports
    this.#responder.closeConnections()
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    const deadline = clock.setTimer(this.#options.drainTimeoutMs, () => {
      logger.log('warn', 'requests were cut: they took longer than the drain timeout')
      this.#server.closeAllConnections()
    })
    let idleCheck = clock.setTimer(0, () => undefined)
    const closeIdle = (): void => {
      this.#server.closeIdleConnections()
      idleCheck = clock.setTimer(IDLE_CHECK_MS, closeIdle)
    }
    closeIdle()
    await closed
    deadline.cancel()
    idleCheck.cancel()
  }

  #build(): FastifyInstance {
    const app = fastify({
      logger: false,
      return503OnClosing: false,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionTimeout: STUCK_TIMEOUT_MS,
      http: { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: 1_000 },
      rewriteUrl: (request) => (request.url?.startsWith(KV_PREFIX) ? KV_PATH : (request.url ?? '/')),
      clientErrorHandler: (error, socket) => answerClientError(error, socket, this.#unanswered.get(socket)),
      frameworkErrors: (error, request, reply) =>
        this.#responder.fail(request, reply, badRequest(error.message, 'Check the URL.')),
    })
    // The edge reads bodies itself: raw, of any type, and never more than the limit.
    for (const method of ['PUT', 'DELETE', 'POST', 'PATCH', 'OPTIONS']) {
      app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
    }
    app.addHook('onRequest', (request, _reply, done) => done(this.#access.objectionTo(request.raw)))
    app.setErrorHandler((error, request, reply) => this.#responder.fail(request, reply, error))
    app.setNotFoundHandler((request, reply) => this.#notFound(request, reply))
    app.get(KV_PATH, (request, reply) => this.#kv().get(request, reply))
    app.put(KV_PATH, (request, reply) => this.#kv().put(request, reply))
    app.delete(KV_PATH, (request, reply) => this.#kv().delete(request, reply))
    app.get(MEMBERS_PATH, (request, reply) => this.#membersRoutes().get(request, reply))
    app.put(MEMBERS_PATH, (request, reply) => {
      this.#access.assertAdmin(request.raw)
      this.#membersRoutes().put(request, reply)
    })
    app.get(MEMBERSHIP_PATH, (request, reply) => this.#membershipRoutes().list(request, reply))
    app.get(`${MEMBERSHIP_PATH}/*`, (request, reply) => this.#membershipRoutes().explain(request, reply))
    app.get(TOPOLOGY_PATH, (_request, reply) => this.#membershipRoutes().topology(reply))
    app.get('/v1/cluster', (request, reply) => this.#cluster(request, reply))
    app.get('/v1/explain', (_request, reply) => this.#explain(reply))
    app.get('/metrics', (request, reply) => this.#metrics(request, reply))
    app.get('/livez', (_request, reply) => this.#responder.json(reply, 200, { status: 'live' }))
    app.get('/readyz', (_request, reply) => this.#ready(reply))
    // Node.js would leave out what comes behind the 2,000th, be it a condition; MAX_HEADER_BYTES is the bound.
    app.server.maxHeadersCount = 0
    app.server.maxConnections = this.#options.maxConnections
    app.server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#note(request, response))
    app.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      // Whoever asks before a body that is too large is answered without having to send it.
      const { maxValueBytes = 0 } = this.#backend?.kv ?? {}
      if ((announcedBytes(request) ?? 0) <= maxValueBytes) {
        delete request.headers.expect
        response.writeContinue()
      }
      app.server.emit('request', request, response)
    })
    return app
  }

  #note(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const unanswered = this.#unanswered.get(socket) ?? new Set()
    this.#unanswered.set(socket, unanswered)
    unanswered.add(request)
    response.once('close', () => unanswered.delete(request))
  }

  #kv(): KvRoutes {
    if (this.#down !== undefined) throw sideDown(this.#down)
    if (this.#routes === undefined) throw starting()
    return this.#routes
  }

  #membersRoutes(): MembersRoutes {
    if (this.#down !== undefined) throw sideDown(this.#down)
    if (this.#members === undefined) throw starting()
    return this.#members
  }

  #membershipRoutes(): MembershipRoutes {
    if (this.#membership === undefined) throw starting()
    return this.#membership
  }

  #notFound(request: FastifyRequest, reply: FastifyReply): void {
    const url = request.raw.url ?? '/'
    const path = url.split('?', 1)[0] as string
    const allow = METHODS[path]
    const error = allow === undefined ? pathNotFound(path) : methodNotAllowed(request.method, allow)
    this.#responder.fail(request, reply, error)
  }

  #cluster(request: FastifyRequest, reply: FastifyReply): void {
    if (this.#backend === undefined) throw starting()
    const { node, resolver } = this.#backend
    node
      .status()
      .then((status) => this.#responder.json(reply, 200, clusterBody(status, resolver?.status())))
      .catch((error: unknown) => this.#responder.fail(request, reply, error))
  }

  /** Why the group does not go on, as far as this node knows. It answers also where nobody leads. */
  #explain(reply: FastifyReply): void {
    if (this.#backend === undefined) throw starting()
    this.#responder.json(reply, 200, this.#backend.node.explain())
  }

  /** It answers while the node starts and drains too: that is when somebody looks. */
  #metrics(request: FastifyRequest, reply: FastifyReply): void {
    const { metrics } = this.#ports
    metrics
      .page()
      .then((page) => {
        reply.header('content-type', metrics.contentType)
        this.#responder.send(reply, 200, page)
      })
      .catch((error: unknown) => this.#responder.fail(request, reply, error))
  }

  #ready(reply: FastifyReply): void {
    const reason = this.#whyNotReady()
    if (reason === undefined) this.#responder.json(reply, 200, { ready: true })
    else {
      reply.header('retry-after', '1')
      this.#responder.json(reply, 503, { ready: false, reason })
    }
  }

  #whyNotReady(): string | undefined {
    if (this.#down !== undefined) return `the cluster is split, and the side of this node does not go on: ${this.#down}`
    if (this.#draining !== undefined) return 'the node is draining'
    if (this.#backend === undefined) return 'the node is starting'
    const readiness = this.#backend.node.readiness()
    return readiness.ready ? undefined : readiness.reason
  }
}

const CLIENT_ERROR_STATUS: Readonly<Record<string, number>> = Object.freeze({
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
})

/**
 * Answers what is no HTTP, or too long, or too slow: there is no request yet, so the answer is written by hand. Behind a
 * request that has arrived and waits for its answer it would be taken for that answer, and say that nothing happened: then
 * the connection ends without one.
 */
function answerClientError(
  error: Error & { readonly code?: string },
  socket: Socket,
  unanswered: ReadonlySet<IncomingMessage> = new Set(),
): void {
  const misleads = [...unanswered].some(({ complete }) => complete)
  if (error.code === 'ECONNRESET' || !socket.writable || misleads) {
    socket.destroy()
    return
  }
  const status = CLIENT_ERROR_STATUS[error.code ?? ''] ?? 400
  const { body } = errorReply(
    new HttpError({
      status,
      code:
        status === 431
          ? 'DSYS_HTTP_HEADERS_TOO_LARGE'
          : status === 408
            ? 'DSYS_HTTP_TOO_SLOW'
            : 'DSYS_HTTP_BAD_REQUEST',
      message: 'the request could not be read',
      hint: `Send HTTP/1.1 with at most ${MAX_HEADER_BYTES} bytes of headers, and without long pauses.`,
      retryable: status === 408,
    }),
  )
  const head = `HTTP/1.1 ${status} Error\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`
  // A client that never ends its side must not keep the socket, nor the place of the request that it had begun.
  socket.end(head + body, () => socket.destroy())
}
