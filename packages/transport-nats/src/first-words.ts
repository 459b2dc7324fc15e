import { connect } from 'node:net'
import { type Clock, Pending } from '@dsys/runtime'

const DEFAULT_PORT = 4_222

/**
 * Resolves once the NATS server at `server` speaks, which it does by itself as soon as somebody connects. Rejects with what the network
 * says, with an error after `timeoutMs`, or with the reason of `signal`. No socket is left behind.
 */
export async function firstWords(clock: Clock, server: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const { hostname, port } = new URL(`nats://${server}`)
  const onTimeout = (): Error => new Error(`the server said nothing within ${timeoutMs} ms`)
  const spoken = new Pending<void>({ clock, timeoutMs, onTimeout, signal })
  const socket = connect({ host: hostname.replaceAll(/[[\]]/g, ''), port: port === '' ? DEFAULT_PORT : Number(port) })
  socket.once('data', () => spoken.resolve())
  socket.once('error', (error) => spoken.reject(error))
  socket.once('close', () => spoken.reject(new Error('the server closed the connection')))
  try {
    await spoken.promise
  } finally {
    socket.destroy()
  }
}
