import { MessageChannel } from 'node:worker_threads'

/**
 * Keeps the process alive while a transport that runs has no connection: the timers of the Clock port do not, and a
 * node that waits for its server to come back must not end for want of anything to do.
 */
export class KeepAlive {
  #channel: MessageChannel | undefined

  hold(): void {
    if (this.#channel !== undefined) return
    this.#channel = new MessageChannel()
    // A port with a listener counts as something to wait for, although nothing is ever posted.
    this.#channel.port1.on('message', () => undefined)
  }

  release(): void {
    this.#channel?.port1.close()
    this.#channel = undefined
  }
}
