import type { Socket } from 'node:net'
import { MalformedError } from '@dsys/runtime/bytes'
import { encodeControl, FrameReader, type FrameSink, type FrameType } from './frames.ts'
import { MAX_HANDSHAKE_BYTES } from './messages.ts'

/** Whoever has the socket at the moment: first the handshake, then the connection. */
export interface SocketUser {
  readonly onFrame: FrameSink
  /** The socket is closed, for whatever reason. Called once. `code` is that of the system, where it gave one. */
  onClosed(why: string, code: string | undefined): void
}

/** A socket that gives frames. It changes hands without losing what was read in the same turn. */
export class FramedSocket {
  readonly socket: Socket
  readonly #reader: FrameReader
  #user: SocketUser | undefined
  #why: string | undefined
  #code: string | undefined
  #heardBytes = 0

  constructor(socket: Socket) {
    this.socket = socket
    this.#reader = new FrameReader(MAX_HANDSHAKE_BYTES, (type, channel, payload) => {
      this.#user?.onFrame(type, channel, payload)
    })
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#why ??= wordsOf(error)
      this.#code ??= codeOf(error)
    })
    socket.once('close', () => {
      this.#reader.stop()
      const user = this.#user
      this.#user = undefined
      user?.onClosed(this.#why ?? 'the peer closed the connection', this.#code)
    })
  }

  /** Gives frames to `user` from the next one on. */
  use(user: SocketUser): void {
    this.#user = user
  }

  setLimit(maxPayloadBytes: number): void {
    this.#reader.setLimit(maxPayloadBytes)
  }

  /** How many bytes came in since the last time this was asked, those of a frame that is not whole yet too. */
  takeHeardBytes(): number {
    const bytes = this.#heardBytes
    this.#heardBytes = 0
    return bytes
  }

  /** Sends one frame that is no data. */
  sendControl(type: FrameType, payload?: Uint8Array): void {
    if (!this.socket.destroyed && this.socket.writable) this.socket.write(encodeControl(type, payload))
  }

  /** Says that nothing more is written; what comes in is still read, until the peer has closed its side too. */
  finish(why: string): void {
    this.#why ??= why
    this.socket.end()
  }

  /** Closes once all that was written has left; nothing that comes in is read any more. */
  end(why: string): void {
    this.#why ??= why
    this.#reader.stop()
    this.socket.destroySoon()
  }

  /** Closes at once. */
  destroy(why: string): void {
    this.#why ??= why
    this.#reader.stop()
    this.socket.destroy()
  }

  #read(chunk: Buffer): void {
    this.#heardBytes += chunk.length
    try {
      this.#reader.push(chunk)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.destroy(error.message)
    }
  }
}

/** A name may have several addresses, and what went wrong at each of them is one error, without a message of its own. */
const eachOf = (error: NodeJS.ErrnoException): readonly NodeJS.ErrnoException[] =>
  error instanceof AggregateError ? error.errors : [error]

const wordsOf = (error: NodeJS.ErrnoException): string =>
  eachOf(error)
    .map(({ message }) => message)
    .join(', ')

/** That nobody listens is known only where each address has said so. */
function codeOf(error: NodeJS.ErrnoException): string | undefined {
  const [code, ...others] = new Set(eachOf(error).map((one) => one.code))
  return others.length === 0 ? code : undefined
}
