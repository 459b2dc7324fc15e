import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface Connection {
  bytes: number
}

/** Counts the bytes of answers that their clients have not taken yet: one that sends requests and does not read holds them. */
export class UntakenAnswers {
  readonly #connections = new WeakMap<Socket, Connection>()
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Counts `bytes` until `response` has left or its connection is gone. Returns false, counting nothing, when that is too much. */
  add(socket: Socket, response: ServerResponse, bytes: number): boolean {
    if (this.#bytes + bytes > this.#maxBytes) return false
    // Nothing is kept for a client that is gone.
    if (socket.destroyed) return true
    const connection = this.#connections.get(socket) ?? this.#open(socket)
    this.#count(connection, bytes)
    response.once('close', () => this.#count(connection, -Math.min(bytes, connection.bytes)))
    return true
  }

  /** An answer behind others does not learn that its connection is gone, so this is told once for all of them. */
  #open(socket: Socket): Connection {
    const connection = { bytes: 0 }
    this.#connections.set(socket, connection)
    socket.once('close', () => this.#count(connection, -connection.bytes))
    return connection
  }

  #count(connection: Connection, bytes: number): void {
    connection.bytes += bytes
    this.#bytes += bytes
  }
}
