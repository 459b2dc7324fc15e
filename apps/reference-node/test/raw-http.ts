import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection on which a test writes the bytes itself, and reads what comes back until it ends or says `until`. */
export class RawConnection {
  readonly socket: Socket
  received = ''
  closed = false

  /** @param options `allowHalfOpen`: the connection stays open on this side when the server ends its own. */
  constructor(url: string, options: { readonly allowHalfOpen?: boolean } = {}) {
    const { hostname, port } = new URL(url)
    this.socket = connect({ port: Number(port), host: hostname, ...options })
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1')
    })
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.closed = true
    })
  }

  write(text: string | Uint8Array): void {
    this.socket.write(text)
  }

  /** Resolves once `text` was received, or the connection ended. */
  async until(text: string): Promise<string> {
    while (!this.received.includes(text) && !this.closed) {
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')])
    }
    return this.received
  }

  async end(): Promise<string> {
    if (!this.closed) await once(this.socket, 'close')
    return this.received
  }
}
