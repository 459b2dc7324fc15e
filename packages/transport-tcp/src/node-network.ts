import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TcpAddress } from './address.ts'
import type { Dialling, ListenerHandlers, TcpListener, TcpNetwork } from './network.ts'

/** Connections that the system keeps until this process takes them. */
const BACKLOG = 511

/** Plain TCP sockets of Node.js. */
export const nodeNetwork: TcpNetwork = Object.freeze({
  secure: false,
  listen: listenOn,
  dial: ({ host, port }: TcpAddress): Dialling => {
    const socket = connect({ host, port, noDelay: true })
    return { socket, whenReady: (use) => void socket.once('connect', use) }
  },
  accept: (socket: Socket, use: (socket: Socket) => void) => use(socket),
})

function listenOn(address: TcpAddress, handlers: ListenerHandlers, signal: AbortSignal): Promise<TcpListener> {
  return new Promise((resolve, reject) => {
    let closed = false
    const server = createServer({ noDelay: true }, handlers.onSocket)
    const close = (): void => {
      closed = true
      signal.removeEventListener('abort', onAbort)
      server.close()
    }
    const onAbort = (): void => {
      close()
      reject(signal.reason)
    }
    const lost = (why: string): void => {
      if (closed) return
      close()
      handlers.onLost(why)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    server.once('error', (error) => {
      signal.removeEventListener('abort', onAbort)
      reject(error)
    })
    server.listen({ ...address, backlog: BACKLOG }, () => {
      if (closed) return
      signal.removeEventListener('abort', onAbort)
      server.removeAllListeners('error')
      server.on('error', (error: NodeJS.ErrnoException) => {
        // It has lost a caller, and not its port.
        if (error.syscall === 'accept') handlers.onMissed(error.message)
        else lost(error.message)
      })
      server.on('close', () => lost('the listener was closed'))
      resolve({ address: { host: address.host, port: (server.address() as AddressInfo).port }, close })
    })
  })
}
