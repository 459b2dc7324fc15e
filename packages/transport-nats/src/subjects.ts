import type { Destination, PeerAddress } from '@dsys/transport'

/**
 * The subjects of one node of one cluster. A frame travels on
 *
 *     dsys.<cluster>.n.<id>.<generation>.<channel>     to one life of a node
 *     dsys.<cluster>.n.<id>.any.<channel>              to a node, whatever its life
 *     dsys.<cluster>.b.<channel>                       to every node
 *
 * with the reply subject `dsys.<cluster>.r.<from>.<its generation>.<to>.<generation, any or all>.<channel>`. It tells
 * the receiver who sent the frame, so the payload needs no header; and because the sender subscribes to its own, the
 * server's "no responders" tells the sender which frame met nobody.
 */
export interface Subjects {
  readonly publish: string
  readonly reply: string
}

/** What a reply subject says. */
export interface Envelope {
  readonly from: PeerAddress
  readonly channel: string
}

const READABLE = /^[A-Za-z0-9_-]+$/
const ANY = 'any'
const ALL = 'all'
const NOBODY = '-'

/** Adapters of large clusters see many peers on many channels; beyond this the caches begin anew. */
const MAX_CACHED = 16_384

/**
 * Any name as one token of a subject. Names of letters, digits, `_` and `-` stay readable; all others become `=` and
 * the base64url of their UTF-8, for base64url stays shorter than escapes: NATS limits a protocol line to 4,096 bytes.
 */
export function toToken(name: string): string {
  return READABLE.test(name) ? name : `=${Buffer.from(name, 'utf8').toString('base64url')}`
}

/** The inverse of {@link toToken}. */
export function fromToken(token: string): string {
  return token.startsWith('=') ? Buffer.from(token.slice(1), 'base64url').toString('utf8') : token
}

interface CachedPeer {
  any: Subjects | undefined
  generation: number
  exact: Subjects | undefined
}

/** Makes and reads the subjects of one node, remembering what it made. */
export class SubjectSpace {
  readonly #prefix: string
  readonly #replyPrefix: string
  readonly #toPeers = new Map<string, Map<string, CachedPeer>>()
  readonly #toAll = new Map<string, Subjects>()
  readonly #envelopes = new Map<string, Envelope>()
  #cachedPeers = 0
  /** What this node subscribes to, for frames. */
  readonly inbound: readonly string[]
  /** What this node subscribes to, to learn which of its frames met nobody. */
  readonly returned: string

  constructor(cluster: string, self: PeerAddress) {
    const id = toToken(self.id)
    this.#prefix = `dsys.${toToken(cluster)}`
    this.#replyPrefix = `${this.#prefix}.r.${id}.${self.generation}`
    this.inbound = [
      `${this.#prefix}.n.${id}.${self.generation}.>`,
      `${this.#prefix}.n.${id}.${ANY}.>`,
      `${this.#prefix}.b.>`,
    ]
    this.returned = `${this.#replyPrefix}.>`
  }

  toAll(channel: string): Subjects {
    const known = this.#toAll.get(channel)
    if (known !== undefined) return known
    const made = {
      publish: `${this.#prefix}.b.${channel}`,
      reply: `${this.#replyPrefix}.${NOBODY}.${ALL}.${channel}`,
    }
    if (this.#toAll.size >= MAX_CACHED) this.#toAll.clear()
    this.#toAll.set(channel, made)
    return made
  }

  to(peer: Destination, channel: string): Subjects {
    const cached = this.#cachedPeer(peer.id, channel)
    if (peer.generation === undefined) {
      cached.any ??= this.#make(peer.id, ANY, channel)
      return cached.any
    }
    if (cached.exact === undefined || cached.generation !== peer.generation) {
      // One life of a node is spoken to at a time: the latest one asked for is kept.
      cached.exact = this.#make(peer.id, String(peer.generation), channel)
      cached.generation = peer.generation
    }
    return cached.exact
  }

  #cachedPeer(id: string, channel: string): CachedPeer {
    let peers = this.#toPeers.get(channel)
    if (peers === undefined) {
      peers = new Map()
      this.#toPeers.set(channel, peers)
    }
    const known = peers.get(id)
    if (known !== undefined) return known
    if (this.#cachedPeers >= MAX_CACHED) {
      this.#toPeers.clear()
      this.#cachedPeers = 0
      return this.#cachedPeer(id, channel)
    }
    const made: CachedPeer = { any: undefined, generation: 0, exact: undefined }
    peers.set(id, made)
    this.#cachedPeers++
    return made
  }

  #make(id: string, generation: string, channel: string): Subjects {
    const token = toToken(id)
    return {
      publish: `${this.#prefix}.n.${token}.${generation}.${channel}`,
      reply: `${this.#replyPrefix}.${token}.${generation}.${channel}`,
    }
  }

  /** Who sent a frame, and on which channel; `undefined` when the reply subject is none of ours. */
  envelope(reply: string): Envelope | undefined {
    const known = this.#envelopes.get(reply)
    if (known !== undefined) return known
    if (!reply.startsWith(`${this.#prefix}.r.`)) return undefined
    const tokens = reply.slice(this.#prefix.length + 3).split('.')
    const [id, generation, , , channel] = tokens
    if (tokens.length !== 5 || id === undefined || channel === undefined) return undefined
    const from = { id: fromToken(id), generation: Number(generation) }
    if (!Number.isSafeInteger(from.generation) || from.generation < 1) return undefined
    const made = Object.freeze({ from: Object.freeze(from), channel })
    if (this.#envelopes.size >= MAX_CACHED) this.#envelopes.clear()
    this.#envelopes.set(reply, made)
    return made
  }

  /** The destination of a frame of this node, from its reply subject; `undefined` when it was a broadcast. */
  destination(reply: string): { readonly peer: Destination; readonly channel: string } | undefined {
    const [id, generation, channel] = reply.slice(this.#replyPrefix.length + 1).split('.')
    if (id === undefined || generation === undefined || channel === undefined || generation === ALL) return undefined
    const peer = generation === ANY ? { id: fromToken(id) } : { id: fromToken(id), generation: Number(generation) }
    return { peer, channel }
  }
}
