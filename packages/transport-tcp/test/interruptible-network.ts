import type { Socket } from 'node:net'
import { type ListenerHandlers, nodeNetwork, type TcpAddress, type TcpListener, type TcpNetwork } from '../src/index.ts'

/** Real sockets, whose network can be taken away from all of them at once. */
export class InterruptibleNetwork implements TcpNetwork {
  readonly secure = false
  /** How often anybody has dialled. */
  dials = 0
  readonly #sockets = new Set<Socket>()
  readonly #listeners = new Set<{ readonly listener: TcpListener; readonly handlers: ListenerHandlers }>()
  #restored: Promise<void> | undefined

  async listen(address: TcpAddress, handlers: ListenerHandlers, signal: AbortSignal): Promise<TcpListener> {
    await Promise.race([this.#restored, aborted(signal)])
    signal.throwIfAborted()
    const onSocket = (socket: Socket): void => handlers.onSocket(this.#watch(socket))
    const listener = await nodeNetwork.listen(address, { ...handlers, onSocket }, signal)
    const entry = { listener, handlers }
    this.#listeners.add(entry)
    const close = (): void => {
      this.#listeners.delete(entry)
      listener.close()
    }
    return { address: listener.address, close }
  }

  dial(address: TcpAddress): ReturnType<TcpNetwork['dial']> {
    this.dials++
    const dialling = nodeNetwork.dial(address)
    this.#watch(dialling.socket)
    if (this.#restored !== undefined) dialling.socket.destroy(new Error('the network is gone'))
    return dialling
  }

  accept(socket: Socket, use: (socket: Socket) => void): void {
    use(socket)
  }

  /** Takes the network away; the returned function brings it back. */
  interrupt(): () => Promise<void> {
    let restore = (): void => undefined
    this.#restored = new Promise((resolve) => {
      restore = resolve
    })
    for (const { listener, handlers } of this.#listeners) {
      listener.close()
      handlers.onLost('the network is gone')
    }
    this.#listeners.clear()
    for (const socket of this.#sockets) socket.destroy(new Error('the network is gone'))
    return async () => {
      this.#restored = undefined
      restore()
    }
  }

  #watch(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    return socket
  }
}

function aborted(signal: AbortSignal): Promise<void> | undefined {
  return signal.aborted
    ? undefined
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
