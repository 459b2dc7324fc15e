import type { RaftPorts } from '@dsys/raft'
import { decodeFrame, type WireMessage } from '@dsys/raft/core'
import type { Moment } from './knobs.ts'

type Transport = RaftPorts<unknown, unknown, unknown>['transport']

/** The moment that a message is, when it is one. */
function momentOf(message: WireMessage): Moment | undefined {
  switch (message.type) {
    case 'vote-response':
      return message.granted && !message.preVote ? 'vote-sent' : undefined
    case 'append-accepted':
      return 'ack-sent'
    case 'append-request':
      return 'append-sent'
    case 'snapshot-chunk':
      return 'snapshot-sent'
    case 'timeout-now':
      return 'transfer-sent'
    default:
      return undefined
  }
}

/** Tells `reached` of each moment that is in a frame, once that frame has left. Changes nothing else. */
export class AimedTransport implements Transport {
  readonly #inner: Transport
  readonly #reached: (moment: Moment) => void

  constructor(inner: Transport, reached: (moment: Moment) => void) {
    this.#inner = inner
    this.#reached = reached
  }

  get self(): Transport['self'] {
    return this.#inner.self
  }

  get capabilities(): Transport['capabilities'] {
    return this.#inner.capabilities
  }

  get connection(): Transport['connection'] {
    return this.#inner.connection
  }

  start(...options: Parameters<Transport['start']>): Promise<void> {
    return this.#inner.start(...options)
  }

  stop(): Promise<void> {
    return this.#inner.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inner.stop()
  }

  send(...[to, channel, frame, tag]: Parameters<Transport['send']>): boolean {
    const left = this.#inner.send(to, channel, frame, tag)
    if (left) for (const moment of momentsOf(frame)) this.#reached(moment)
    return left
  }

  broadcast(...frame: Parameters<Transport['broadcast']>): boolean {
    return this.#inner.broadcast(...frame)
  }

  listen(...handler: Parameters<Transport['listen']>): () => void {
    return this.#inner.listen(...handler)
  }

  observe(...handler: Parameters<Transport['observe']>): () => void {
    return this.#inner.observe(...handler)
  }
}

function momentsOf(frame: Uint8Array): ReadonlySet<Moment> {
  const moments = new Set<Moment>()
  for (const message of decodeFrame(frame)) {
    const moment = momentOf(message)
    if (moment !== undefined) moments.add(moment)
  }
  return moments
}
