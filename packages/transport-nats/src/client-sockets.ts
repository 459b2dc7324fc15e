import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect as connectSocket, isIP, type Socket } from 'node:net'
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node'
import type { NatsTls } from './options.ts'

/** Node.js tells here of each socket that this process dials with `net.connect`, while it is made. */
const SOCKETS = 'net.client.socket'
const DEFAULT_PORT = 4_222

/**
 * Connects to one server as the client does, and leaves nothing behind where that fails or `signal` aborts, which it rejects upon. The client
 * never closes a socket on which a server has said nothing yet, or has not finished its handshake; it gives nobody that socket, and it cannot be
 * told to give up.
 *
 * Deviation: Node.js is asked which sockets the client makes meanwhile; those of others are told apart by their asynchronous context.
 */
export async function connectOrLeaveNothing(
  options: NodeConnectionOptions,
  signal: AbortSignal,
): Promise<NatsConnection> {
  const context = new AsyncLocalStorage<true>()
  const made: Socket[] = []
  const closeAll = (): void => {
    for (const socket of made) socket.destroy()
  }
  const onSocket = (message: unknown): void => {
    if (context.getStore() === undefined) return
    made.push((message as { readonly socket: Socket }).socket)
    // It begins to connect in this very turn, which would undo a close before.
    if (signal.aborted) queueMicrotask(closeAll)
  }
  subscribe(SOCKETS, onSocket)
  signal.addEventListener('abort', closeAll, { once: true })
  try {
    signal.throwIfAborted()
    return await context.run(true, () => dial(options))
  } catch (error) {
    closeAll()
    throw error
  } finally {
    signal.removeEventListener('abort', closeAll)
    unsubscribe(SOCKETS, onSocket)
    // What goes on in this context is the connection, for as long as it lives: nobody shall have to look for its context.
    context.disable()
  }
}

async function dial(options: NodeConnectionOptions): Promise<NatsConnection> {
  const { tls, servers } = options
  if (typeof servers !== 'string' || tls?.handshakeFirst !== true) return connect(options)
  // Where TLS comes first the client dials in a way of which Node.js tells nobody, so it is given a socket.
  const { hostname, port } = new URL(`nats://${servers}`)
  const host = hostname.replaceAll(/[[\]]/g, '')
  const socket = connectSocket({ host, port: port === '' ? DEFAULT_PORT : Number(port), noDelay: true })
  let failure: Error | undefined
  socket.on('error', (error) => {
    // A name may have several addresses; what went wrong at the first of them says enough.
    failure = error instanceof AggregateError ? error.errors[0] : error
  })
  const name = isIP(host) === 0 ? { servername: host } : {}
  // The type of the client's options lacks it; it hands to Node.js whatever it is given.
  const tlsOverSocket: NatsTls & { readonly socket: Socket } = { ...name, ...tls, socket }
  try {
    return await connect({ ...options, resolve: false, tls: tlsOverSocket })
  } catch (error) {
    // The client sees of it only that it was closed.
    throw failure ?? error
  }
}
