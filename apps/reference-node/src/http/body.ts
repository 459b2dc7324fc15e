import type { IncomingMessage } from 'node:http'
import { bodyAborted, bodyTooLarge } from './http-error.ts'

/** What a refused body may still send before its connection is cut: it is read and dropped, so the client sees the answer. */
export const MAX_DISCARDED_BYTES: number = 16 * 2 ** 20

/** Called once, with the error or with the body. */
export type BodyHandler = (error: Error | undefined, body: Buffer) => void

const EMPTY: Buffer = Buffer.alloc(0)

/** Bytes that the request says it brings; `undefined` when it does not say. */
export function announcedBytes(request: IncomingMessage): number | undefined {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  if (length !== undefined) return Number(length)
  return encoding === undefined ? 0 : undefined
}

/**
 * Reads a body of at most `maxBytes`, whatever it announces. Never holds more than that, plus one chunk. After an error the
 * rest is left unread.
 */
export function readBody(request: IncomingMessage, maxBytes: number, done: BodyHandler): void {
  if (announcedBytes(request) === 0) {
    done(undefined, EMPTY)
    return
  }
  const chunks: Buffer[] = []
  let length = 0
  let finished = false
  const finish = (error: Error | undefined): void => {
    if (finished) return
    finished = true
    request.off('data', onData)
    const only = chunks.length === 1 ? (chunks[0] as Buffer) : undefined
    done(error, error === undefined ? (only ?? Buffer.concat(chunks, length)) : EMPTY)
  }
  const onData = (chunk: Buffer): void => {
    length += chunk.length
    if (length > maxBytes) {
      chunks.length = 0
      finish(bodyTooLarge(maxBytes))
    } else {
      chunks.push(chunk)
    }
  }
  request.on('data', onData)
  request.once('end', () => finish(undefined))
  // A connection that ends too early is an error of the request.
  request.once('error', () => finish(bodyAborted()))
}

/** Reads and drops whatever the client still sends, up to {@link MAX_DISCARDED_BYTES}; then cuts the connection. */
export function discard(request: IncomingMessage): void {
  let discarded = 0
  request.on('data', (chunk: Buffer) => {
    discarded += chunk.length
    if (discarded > MAX_DISCARDED_BYTES) request.socket.destroy()
  })
  // An aborted upload ends the connection by itself; without a listener it would end the process.
  request.on('error', () => request.socket.destroy())
}
