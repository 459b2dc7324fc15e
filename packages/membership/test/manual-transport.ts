import type { FrameHandler, Transport, TransportEvent } from '@dsys/transport'

/** A transport whose frames and events come when the test says so. */
export class ManualTransport implements Transport {
  readonly self = { id: 'n1', generation: 1 }
  readonly capabilities = { broadcast: false, fastNegative: false, maxFrameBytes: 65_536 }
  connection: Transport['connection'] = 'connected'
  readonly sent: { to: string; frame: Uint8Array }[] = []
  deliver: FrameHandler = () => undefined
  tell: (event: TransportEvent) => void = () => undefined
  onSend: (to: string, frame: Uint8Array) => void = () => undefined
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}
  send(to: { id: string }, _channel: string, frame: Uint8Array): boolean {
    this.onSend(to.id, frame)
    this.sent.push({ to: to.id, frame })
    return true
  }
  broadcast(): boolean {
    return false
  }
  listen(_channel: string, handler: FrameHandler): () => void {
    this.deliver = handler
    return () => undefined
  }
  observe(handler: (event: TransportEvent) => void): () => void {
    this.tell = handler
    return () => undefined
  }
}
