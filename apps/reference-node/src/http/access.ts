import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { type HttpError, misdirected, unauthorized } from './http-error.ts'

/** Options of an {@link Access}. */
export interface AccessOptions {
  /** The address that is listened on, which is a name of this node as well. */
  readonly host: string
  /** Further names by which clients may know this node; `*` is any. Default: none. */
  readonly names?: readonly string[]
  /** Whoever changes the cluster must know it. Default: nobody is asked. */
  readonly adminToken?: string | undefined
}

/** With a port, whose digits may be missing (RFC 3986 §3.2.3). */
const HOST = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+))(?::\d{0,5})?$/
const BEARER = /^Bearer +(\S+) *$/i
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Who may ask what. */
export class Access {
  readonly #names: ReadonlySet<string>
  readonly #token: Buffer | undefined

  constructor({ host, names = [], adminToken }: AccessOptions) {
    this.#names = new Set(['localhost', host, ...names].map((name) => name.toLowerCase()))
    this.#token = adminToken === undefined ? undefined : digest(adminToken)
  }

  /**
   * What is wrong with the name by which this node was asked. A page of somebody else can let its own name point to this node, and then
   * asks in the name of whoever looks at it; so a name must be known. An address is nobody's to be pointed elsewhere.
   */
  objectionTo({ headers }: IncomingMessage): HttpError | undefined {
    // Without this header, which HTTP/1.0 allows, it was no browser.
    if (headers.host === undefined || this.#names.has('*')) return undefined
    const [, address, name = ''] = HOST.exec(headers.host) ?? []
    if (isIP(address ?? name) > 0 || this.#names.has(name.toLowerCase().replace(/\.$/, ''))) return undefined
    return misdirected()
  }

  /** Throws HttpError (`DSYS_HTTP_UNAUTHORIZED`) unless whoever asks may change the cluster. */
  assertAdmin({ headers }: IncomingMessage): void {
    if (this.#token === undefined) return
    const [, token = ''] = BEARER.exec(headers.authorization ?? '') ?? []
    // Of equal length whatever was sent, so that the time tells nothing.
    if (!timingSafeEqual(digest(token), this.#token)) throw unauthorized()
  }
}
