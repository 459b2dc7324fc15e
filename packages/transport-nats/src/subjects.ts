import { assertNodeId, type Destination, type PeerAddress } from '@dsys/transport'

/** Which of the connections of a node carries a frame. */
export type Lane = 'data' | 'control'

/**
 * The subjects of one node of one cluster. A frame travels on
 *
 *     dsys.<cluster>.n.<id>.<generation>.<channel>     to one life of a node
 *     dsys.<cluster>.n.<id>.any.<channel>              to a node, whatever its life
 *     dsys.<cluster>.b.<channel>                       to every node
 *
 * and on `cn` and `cb` in place of `n` and `b` when its sender calls the channel one of control. A receiver takes its frames of
 * control from a connection of their own, whichever channels it calls so itself.
 *
 * The reply subject is `dsys.<cluster>.r.<from>.<its generation>.<connection>.<to>.<generation, any or all>.<channel>`. It tells the
 * receiver who sent the frame, so the payload needs no header; and because the sender subscribes to its own, the server's
 * "no responders" tells the sender which frame met nobody: by `~` and the tag of the frame behind the generation of the destination, where it has
 * one. `<connection>` is `<nonce>-<number>`: which process, drawn at
 * random, and how often it has connected by then.
 */
export interface Subjects {
  readonly lane: Lane
  readonly publish: string
  readonly reply: string
}

/** One subject that a node takes frames from. */
export interface InboundSubject {
  readonly lane: Lane
  /** A name that is unique on this node. */
  readonly name: string
  readonly subject: string
}

/** One process behind a node, as far as its frames tell. */
interface Sender {
  /** The latest of its connections of which a frame has arrived. */
  latestConnection: number
}

/** What a reply subject says. */
export interface Envelope {
  readonly from: PeerAddress
  readonly channel: string
  readonly connection: number
  readonly sender: Sender
}

/** A frame of this node that met nobody. */
export interface Returned {
  readonly peer: Destination
  readonly channel: string
  readonly tag: number | undefined
}

/** What a {@link SubjectSpace} is made for. */
export interface SubjectSpaceOptions {
  readonly cluster: string
  readonly self: PeerAddress
  /** Letters and digits that no other process has drawn. */
  readonly nonce: string
  readonly controlChannels: readonly string[]
}

const READABLE = /^[A-Za-z0-9_-]+$/
const CONNECTION = /^[0-9a-z]{1,16}-([1-9]\d{0,14})$/
const GENERATION = /^[1-9]\d{0,15}$/
/** In no other token. */
const TAG_MARK = '~'
const TAG = /^[0-9a-z]{1,11}$/
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

/** The same with a reply that names one frame. It is made for that frame alone, so nobody remembers it. */
export function withTag({ lane, publish, reply }: Subjects, tag: number): Subjects {
  const channelAt = reply.lastIndexOf('.')
  const tagged = `${reply.slice(0, channelAt)}${TAG_MARK}${tag.toString(36)}${reply.slice(channelAt)}`
  return { lane, publish, reply: tagged }
}

function withoutTag(reply: string): string {
  const markAt = reply.indexOf(TAG_MARK)
  if (markAt < 0) return reply
  const channelAt = reply.lastIndexOf('.')
  // A mark at any other place is none of ours.
  return reply.indexOf('.', markAt) === channelAt ? reply.slice(0, markAt) + reply.slice(channelAt) : reply
}

function tagOf(token: string | undefined): number | undefined {
  const tag = token !== undefined && TAG.test(token) ? Number.parseInt(token, 36) : undefined
  return Number.isSafeInteger(tag) ? tag : undefined
}

/** The inverse of {@link toToken}. */
export function fromToken(token: string): string {
  return token.startsWith('=') ? Buffer.from(token.slice(1), 'base64url').toString('utf8') : token
}

/** The id that a token stands for; `undefined` where no node can have it. Anybody may write a subject, and who answers sends to this id. */
function idOf(token: string): string | undefined {
  const id = fromToken(token)
  try {
    assertNodeId(id)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return undefined
  }
  return toToken(id) === token ? id : undefined
}

function generationOf(token: string): number | undefined {
  const generation = GENERATION.test(token) ? Number(token) : undefined
  return Number.isSafeInteger(generation) ? generation : undefined
}

interface CachedPeer {
  any: Subjects | undefined
  generation: number
  exact: Subjects | undefined
}

/** Makes and reads the subjects of one node, remembering what it made. */
export class SubjectSpace {
  readonly #prefix: string
  readonly #ownReplies: string
  readonly #nonce: string
  readonly #controlChannels: ReadonlySet<string>
  #connection = 0
  #replyPrefix = ''
  readonly #toPeers = new Map<string, Map<string, CachedPeer>>()
  readonly #toAll = new Map<string, Subjects>()
  readonly #envelopes = new Map<string, Envelope>()
  readonly #senders = new Map<string, Sender>()
  #cachedPeers = 0
  /** What this node subscribes to, for frames. */
  readonly inbound: readonly InboundSubject[]
  /** What this node subscribes to, to learn which of its frames met nobody. */
  readonly returned: string

  constructor({ cluster, self, nonce, controlChannels }: SubjectSpaceOptions) {
    const id = toToken(self.id)
    this.#prefix = `dsys.${toToken(cluster)}`
    this.#ownReplies = `${this.#prefix}.r.${id}.${self.generation}`
    this.#nonce = nonce
    this.#controlChannels = new Set(controlChannels)
    const subjectsOf = (lane: Lane): InboundSubject[] => {
      const [node, all] = lane === 'control' ? ['cn', 'cb'] : ['n', 'b']
      return [
        { lane, name: lane, subject: `${this.#prefix}.${node}.${id}.${self.generation}.>` },
        { lane, name: `${lane}-any-life`, subject: `${this.#prefix}.${node}.${id}.${ANY}.>` },
        { lane, name: `${lane}-broadcast`, subject: `${this.#prefix}.${all}.>` },
      ]
    }
    this.inbound = [...subjectsOf('data'), ...subjectsOf('control')]
    this.returned = `${this.#ownReplies}.>`
  }

  /** To be called with each new connection: what is sent from now on goes out on a later one than all before. */
  beginConnection(): void {
    this.#connection++
    this.#replyPrefix = `${this.#ownReplies}.${this.#nonce}-${this.#connection}`
    this.#toAll.clear()
    this.#toPeers.clear()
    this.#cachedPeers = 0
  }

  toAll(channel: string): Subjects {
    const known = this.#toAll.get(channel)
    if (known !== undefined) return known
    const lane = this.#laneOf(channel)
    const made: Subjects = {
      lane,
      publish: `${this.#prefix}.${lane === 'control' ? 'cb' : 'b'}.${channel}`,
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

  #laneOf(channel: string): Lane {
    return this.#controlChannels.has(channel) ? 'control' : 'data'
  }

  #make(id: string, generation: string, channel: string): Subjects {
    const token = toToken(id)
    const lane = this.#laneOf(channel)
    return {
      lane,
      publish: `${this.#prefix}.${lane === 'control' ? 'cn' : 'n'}.${token}.${generation}.${channel}`,
      reply: `${this.#replyPrefix}.${token}.${generation}.${channel}`,
    }
  }

  /** Who sent a frame, and on which channel; `undefined` when the reply subject is none of ours. */
  envelope(replyOfFrame: string): Envelope | undefined {
    // The tag is a matter of the sender, and what is remembered is the same for all of its frames.
    const reply = withoutTag(replyOfFrame)
    const known = this.#envelopes.get(reply)
    if (known !== undefined) return known
    if (!reply.startsWith(`${this.#prefix}.r.`)) return undefined
    const tokens = reply.slice(this.#prefix.length + 3).split('.')
    const [idToken = '', generationToken = '', connection = '', , , channel] = tokens
    const number = CONNECTION.exec(connection)?.[1]
    const id = idOf(idToken)
    const generation = generationOf(generationToken)
    if (tokens.length !== 6 || channel === undefined || number === undefined) return undefined
    if (id === undefined || generation === undefined) return undefined
    const sender = this.#sender(`${idToken}.${generationToken}.${connection.slice(0, -number.length)}`)
    const from = Object.freeze({ id, generation })
    const made = Object.freeze({ from, channel, connection: Number(number), sender })
    if (this.#envelopes.size >= MAX_CACHED) this.#envelopes.clear()
    this.#envelopes.set(reply, made)
    return made
  }

  #sender(name: string): Sender {
    const known = this.#senders.get(name)
    if (known !== undefined) return known
    if (this.#senders.size >= MAX_CACHED) {
      this.#senders.clear()
      // Envelopes hold the senders that are forgotten, and no frame must be judged by another one than the next.
      this.#envelopes.clear()
    }
    const made: Sender = { latestConnection: 0 }
    this.#senders.set(name, made)
    return made
  }

  /** The destination of a frame of this node, from its reply subject; `undefined` when it was a broadcast. */
  destination(reply: string): Returned | undefined {
    const [, idToken = '', life = '', channel] = reply.slice(this.#ownReplies.length + 1).split('.')
    const [generationToken = '', tagToken] = life.split(TAG_MARK)
    const id = idOf(idToken)
    if (id === undefined || channel === undefined) return undefined
    const tag = tagOf(tagToken)
    if (generationToken === ANY) return { peer: { id }, channel, tag }
    // A broadcast has no such number.
    const generation = generationOf(generationToken)
    return generation === undefined ? undefined : { peer: { id, generation }, channel, tag }
  }
}

/**
 * Whether a frame may still come in; to be asked once for each, in the order in which they arrive. What left on a connection
 * that its sender has given up may have waited there for any time. Once a frame of a later connection is here, it does not count.
 */
export function isCurrent({ connection, sender }: Envelope): boolean {
  if (connection < sender.latestConnection) return false
  sender.latestConnection = connection
  return true
}
