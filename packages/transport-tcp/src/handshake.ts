import type { Clock, TimerHandle } from '@dsys/runtime'
import { MalformedError } from '@dsys/runtime/bytes'
import { assertPeerAddress } from '@dsys/transport'
import type { FramedSocket, SocketUser } from './framed-socket.ts'
import { FRAME, type FrameType } from './frames.ts'
import {
  decodeHello,
  decodeProved,
  decodeReady,
  decodeRefuse,
  decodeWelcome,
  encodeHello,
  encodeProved,
  encodeReady,
  encodeRefuse,
  encodeWelcome,
  type Hello,
  type Refusal,
  type VersionRange,
  type Welcome,
} from './messages.ts'
import { drawNonce, isProof, prove, type Side } from './proof.ts'
import { bindingOf, certifies } from './tls-network.ts'

/** Who this node is, and how it proves it. */
export interface Identity {
  readonly cluster: string
  readonly id: string
  readonly generation: number
  readonly instance: Uint8Array
  readonly maxFrameBytes: number
  readonly versions: VersionRange
  readonly secret: Uint8Array | undefined
  /** Certificates are there to be checked. */
  readonly secure: boolean
}

/** The other node of a connection, proved as far as the options ask for it. */
export interface Peer {
  readonly id: string
  readonly generation: number
  readonly instance: Uint8Array
  readonly maxFrameBytes: number
}

/** Why no connection came of an attempt. `unreachable` covers all that the network does. */
export type Failure = Refusal | 'nobody' | 'unreachable' | 'malformed'

interface Waiting {
  readonly clock: Clock
  readonly timeoutMs: number
}

/** The part that both sides share: a deadline, and an end that comes once. */
abstract class Handshake implements SocketUser {
  readonly framed: FramedSocket
  protected readonly me: Identity
  readonly #deadline: TimerHandle
  #over = false

  constructor({ clock, timeoutMs }: Waiting, me: Identity, framed: FramedSocket) {
    this.me = me
    this.framed = framed
    this.#deadline = clock.setTimer(timeoutMs, () => this.fail('unreachable', `no answer within ${timeoutMs} ms`))
    framed.use(this)
  }

  get over(): boolean {
    return this.#over
  }

  onFrame(type: FrameType, _channel: string, payload: Uint8Array): void {
    if (this.#over) return
    try {
      this.read(type, payload)
    } catch (error) {
      // Ids and generations out of their range are a peer's mistake as well.
      if (!(error instanceof MalformedError || error instanceof RangeError)) throw error
      this.fail('malformed', error.message)
    }
  }

  onClosed(why: string, code: string | undefined): void {
    // Nobody listens there: the only answer of the network that says something about the node.
    this.fail(code === 'ECONNREFUSED' ? 'nobody' : 'unreachable', why)
  }

  /** Gives up, without a word to the other. */
  fail(failure: Failure, why: string, generation = 0): void {
    if (!this.finish()) return
    this.framed.destroy(why)
    this.failed(failure, why, generation)
  }

  protected abstract read(type: FrameType, payload: Uint8Array): void
  protected abstract failed(failure: Failure, why: string, generation: number): void

  /** True for the first who ends it. */
  protected finish(): boolean {
    if (this.#over) return false
    this.#over = true
    this.#deadline.cancel()
    return true
  }

  protected proof(side: Side, said: readonly Uint8Array[]): Uint8Array {
    const { secret, secure } = this.me
    if (secret === undefined) return new Uint8Array(0)
    return prove(secret, side, said, secure ? bindingOf(this.framed.socket) : new Uint8Array(0))
  }

  /** The node `id` is what its certificate says. */
  protected isCertified(id: string): boolean {
    return !this.me.secure || certifies(this.framed.socket, id)
  }
}

/** What a {@link Dial} tells. Exactly one of the two last is called, once. */
export interface DialHandlers {
  /** The other has been proved, and may be refused still: by an error message. Called before this node proves itself. */
  readonly onWelcome: (peer: Peer) => string | undefined
  readonly onReady: (peer: Peer, framed: FramedSocket, peerDials: number) => void
  readonly onFailed: (failure: Failure, why: string, generation: number) => void
}

/** The side of a handshake that has dialled. */
export class Dial extends Handshake {
  readonly #handlers: DialHandlers
  readonly #target: { readonly id: string; readonly wanted: number; readonly dial: number }
  readonly #hello: Buffer
  #peer: Peer | undefined

  constructor(
    waiting: Waiting,
    me: Identity,
    framed: FramedSocket,
    target: { readonly id: string; readonly wanted: number; readonly dial: number },
    handlers: DialHandlers,
  ) {
    super(waiting, me, framed)
    this.#handlers = handlers
    this.#target = target
    const { versions, cluster, id, generation, instance, maxFrameBytes, secret } = me
    const hello: Hello = {
      ...{ versions, cluster, id, generation, instance, maxFrameBytes },
      proves: secret !== undefined,
      to: target.id,
      wanted: target.wanted,
      dial: target.dial,
      nonce: drawNonce(),
    }
    this.#hello = encodeHello(hello)
  }

  /** The socket is connected: says hello. */
  begin(): void {
    if (!this.over) this.framed.sendControl(FRAME.hello, this.#hello)
  }

  /** The life of the other to which the confirmation was sent. */
  get confirmed(): Peer | undefined {
    return this.over ? undefined : this.#peer
  }

  protected override read(type: FrameType, payload: Uint8Array): void {
    if (type === FRAME.refuse) {
      const { refusal = 'malformed', generation, said, proof } = decodeRefuse(payload)
      if (this.#believes(refusal, said, proof)) this.fail(refusal, `the peer refused: ${refusal}`, generation)
      else this.fail('unproved', `somebody who does not prove to be ${this.#target.id} refused: ${refusal}`)
    } else if (type === FRAME.welcome && this.#peer === undefined) this.#welcomed(payload)
    else if (type === FRAME.ready && this.#peer !== undefined) {
      const peer = this.#peer
      const dials = decodeReady(payload)
      if (this.finish()) this.#handlers.onReady(peer, this.framed, dials)
    } else throw new MalformedError(`a frame of type ${type} does not belong here`)
  }

  /**
   * Whether a refusal counts: it can say that this node has a twin, or that the peer is not there. Else it is a word for the log, about an
   * attempt that has failed like any other. That somebody else is at the address can be said by any node of the cluster.
   */
  #believes(refusal: Refusal | 'malformed', said: Uint8Array, proof: Uint8Array): boolean {
    if (!isProof(this.proof('refuser', [this.#hello, said]), proof)) return false
    return refusal === 'wrong-node' || this.isCertified(this.#target.id)
  }

  #welcomed(payload: Uint8Array): void {
    const proved = decodeProved(payload)
    const welcome = decodeWelcome(proved.welcome)
    assertPeerAddress({ id: welcome.id, generation: welcome.generation })
    const said = [this.#hello, proved.welcome]
    const objection = this.#objectionTo(welcome, isProof(this.proof('listener', said), proved.proof))
    if (objection !== undefined) {
      this.fail(...objection)
      return
    }
    const peer = peerOf(welcome)
    const refused = this.#handlers.onWelcome(peer)
    if (refused !== undefined) {
      this.fail('stale', refused)
      return
    }
    this.#peer = peer
    this.framed.sendControl(FRAME.confirm, this.proof('dialler', said))
  }

  #objectionTo({ id, generation, version }: Welcome, isProved: boolean): [Failure, string] | undefined {
    const { versions } = this.me
    if (version < versions.min || version > versions.max) return ['version', 'there is no common version']
    if (id !== this.#target.id) return ['wrong-node', `${id} listens there, not ${this.#target.id}`]
    if (!this.isCertified(id)) return ['unproved', `its certificate is not that of ${id}`]
    if (!isProved) return ['unproved', 'it does not know the secret']
    if (generation < this.#target.wanted) return ['earlier-life', `its generation ${generation} listens there`]
    return undefined
  }

  protected override failed(failure: Failure, why: string, generation: number): void {
    this.#handlers.onFailed(failure, why, generation)
  }
}

/** A node that has dialled this one and proved itself. */
export interface Caller {
  readonly peer: Peer
  readonly dial: number
}

/** What an {@link Acceptance} tells. */
export interface AcceptanceHandlers {
  /** Decides once all is proved: a refusal with a generation, or the answer `dials`, upon which the socket is the connection's. */
  readonly onCaller: (caller: Caller, framed: FramedSocket) => Admission
  readonly onFailed: (failure: Failure, why: string, id: string | undefined) => void
  /** It is over, one way or the other. */
  readonly onOver: () => void
}

/** What is said to a node that has proved itself. */
export type Admission =
  | { readonly admitted: true; readonly dials: number; readonly begin: () => void }
  | { readonly admitted: false; readonly refusal: Refusal; readonly generation: number }

/** The side of a handshake that was dialled. */
export class Acceptance extends Handshake {
  readonly #handlers: AcceptanceHandlers
  #hello: Hello | undefined
  /** The bytes of the greeting, and of the answer to it. */
  #said: readonly Uint8Array[] = []

  constructor(waiting: Waiting, me: Identity, framed: FramedSocket, handlers: AcceptanceHandlers) {
    super(waiting, me, framed)
    this.#handlers = handlers
  }

  protected override read(type: FrameType, payload: Uint8Array): void {
    if (type === FRAME.hello && this.#hello === undefined) this.#greeted(payload)
    else if (type === FRAME.confirm && this.#hello !== undefined) this.#confirmed(this.#hello, payload)
    else throw new MalformedError(`a frame of type ${type} does not belong here`)
  }

  #greeted(payload: Uint8Array): void {
    const hello = decodeHello(payload)
    assertPeerAddress({ id: hello.id, generation: hello.generation })
    this.#said = [payload]
    const refusal = this.#objectionTo(hello)
    if (refusal !== undefined) {
      this.#refuse(refusal, hello.id, this.me.generation)
      return
    }
    const { id, generation, instance, maxFrameBytes, versions } = this.me
    const version = Math.min(hello.versions.max, versions.max)
    const welcome = encodeWelcome({ version, id, generation, instance, nonce: drawNonce(), maxFrameBytes })
    this.#hello = hello
    this.#said = [payload, welcome]
    this.framed.sendControl(FRAME.welcome, encodeProved(this.proof('listener', this.#said), welcome))
  }

  #objectionTo(hello: Hello): Refusal | undefined {
    const { versions, cluster, id, secret, generation } = this.me
    const version = Math.min(hello.versions.max, versions.max)
    if (version < hello.versions.min || version < versions.min) return 'version'
    if (hello.cluster !== cluster) return 'cluster'
    if (hello.to !== id) return 'wrong-node'
    if (hello.proves !== (secret !== undefined) || !this.isCertified(hello.id)) return 'unproved'
    if (hello.id === id) return 'conflict'
    return hello.wanted > generation ? 'earlier-life' : undefined
  }

  #confirmed(hello: Hello, proof: Uint8Array): void {
    if (!isProof(this.proof('dialler', this.#said), proof)) {
      this.#refuse('unproved', hello.id, 0)
      return
    }
    const admission = this.#handlers.onCaller({ peer: peerOf(hello), dial: hello.dial }, this.framed)
    if (!admission.admitted) this.#refuse(admission.refusal, hello.id, admission.generation)
    else if (this.finish()) {
      this.framed.sendControl(FRAME.ready, encodeReady(admission.dials))
      this.#handlers.onOver()
      admission.begin()
    }
  }

  /** Turns the other away, says why, and proves that a node of the cluster says so. */
  #refuse(refusal: Refusal, id: string, generation: number): void {
    if (!this.finish()) return
    const said = encodeRefuse(refusal, generation)
    const proof = this.proof('refuser', [...this.#said.slice(0, 1), said])
    this.framed.sendControl(FRAME.refuse, Buffer.concat([said, proof]))
    this.framed.end(`refused: ${refusal}`)
    this.#handlers.onFailed(refusal, `refused: ${refusal}`, id)
    this.#handlers.onOver()
  }

  protected override failed(failure: Failure, why: string): void {
    this.#handlers.onFailed(failure, why, this.#hello?.id)
    this.#handlers.onOver()
  }
}

function peerOf({ id, generation, instance, maxFrameBytes }: Hello | Welcome): Peer {
  return { id, generation, instance, maxFrameBytes }
}
