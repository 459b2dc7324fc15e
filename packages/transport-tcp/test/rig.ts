import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import {
  type Clock,
  delay,
  type LogFields,
  type Logger,
  type LogLevel,
  systemClock,
  systemRuntime,
} from '@dsys/runtime'
import type { PeerAddress, TransportEvent } from '@dsys/transport'
import { parseAddress } from '../src/address.ts'
import { TcpTransport, type TcpTransportOptions, type TcpTransportPorts } from '../src/index.ts'

export interface LogLine extends LogFields {
  readonly level: LogLevel
  readonly message: string
}

/** One transport, with what it told. */
export class TestNode implements AsyncDisposable {
  readonly transport: TcpTransport
  readonly log: LogLine[] = []
  readonly events: TransportEvent[] = []
  readonly inbox: { readonly frame: Uint8Array; readonly from: PeerAddress }[] = []
  readonly counts = new Map<string, number>()

  constructor(
    options: Partial<TcpTransportOptions> & { readonly nodeId: string },
    ports: Partial<TcpTransportPorts> = {},
  ) {
    const logger: Logger = {
      log: (level, message, fields = {}) => void this.log.push({ ...fields, level, message }),
      child: () => logger,
    }
    const counter = (name: string) => ({
      add: (amount: number) => void this.counts.set(name, (this.counts.get(name) ?? 0) + amount),
    })
    const meter = { ...systemRuntime().meter, counter }
    this.transport = new TcpTransport(
      { ...systemRuntime(), logger, meter, ...ports },
      { cluster: 'test', generation: 1, minReconnectWaitMs: 2, ...options },
    )
    this.transport.observe((event) => this.events.push(event))
    this.transport.listen('test', (frame, from) => this.inbox.push({ frame, from }))
  }

  get address(): string {
    return this.transport.address ?? ''
  }

  count(name: string): number {
    return this.counts.get(`dsys_transport_tcp_${name}`) ?? 0
  }

  send(id: string, bytes: readonly number[] | Uint8Array = [1]): boolean {
    return this.transport.send({ id }, 'test', Uint8Array.from(bytes))
  }

  said(message: string): LogLine[] {
    return this.log.filter((line) => line.message === message)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.stop()
  }
}

/** The clock of a node whose ping timer, of `pingIntervalMs`, goes off only when it is told to. */
export class SteppedPings {
  readonly pingIntervalMs = 777
  readonly clock: Clock
  #aheadMs = 0
  #callback: (() => void) | undefined

  constructor() {
    this.clock = {
      ...systemClock,
      monotonicMs: () => systemClock.monotonicMs() + this.#aheadMs,
      setTimer: (delayMs, callback) => {
        if (delayMs !== this.pingIntervalMs) return systemClock.setTimer(delayMs, callback)
        this.#callback = callback
        return { cancel: () => undefined }
      },
    }
  }

  async tick(lateMs = 0): Promise<void> {
    this.#aheadMs += this.pingIntervalMs + lateMs
    this.#callback?.()
    await new Promise(setImmediate)
    await new Promise(setImmediate)
  }
}

/** A node that listens. */
export async function startNode(
  options: Partial<TcpTransportOptions> & { readonly nodeId: string },
  ports: Partial<TcpTransportPorts> = {},
): Promise<TestNode> {
  const node = new TestNode(options, ports)
  await node.transport.start()
  return node
}

/** Asks again and again until `done` says yes. */
export async function until(what: string, done: () => boolean): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + 8_000
  while (!done()) {
    if (systemClock.monotonicMs() > deadlineMs) throw new Error(`waited for ${what}`)
    await delay(systemClock, 1)
  }
}

/** Sends until one arrives: for a connection that has to be made first. */
export async function reached(from: TestNode, to: TestNode): Promise<void> {
  const before = to.inbox.length
  await until(`a frame to ${to.transport.self.id}`, () => {
    if (to.inbox.length === before) from.send(to.transport.self.id)
    return to.inbox.length > before
  })
}

/** Somebody who is no node: sends bytes as they please, and keeps what comes back. */
export class Stranger implements Disposable {
  readonly socket: Socket
  readonly received: Buffer[] = []
  closed = false

  constructor(address: string) {
    this.socket = connect(parseAddress(address))
    this.socket.on('data', (chunk: Buffer) => this.received.push(chunk))
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.closed = true
    })
  }

  get bytes(): Buffer {
    return Buffer.concat(this.received)
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** Stands between two nodes, and can stop passing bytes on while every socket stays open, as a dead machine or a firewall does. */
export class Relay implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Those of the nodes that have dialled. */
  readonly #near = new Set<Socket>()
  #frozen = false

  private constructor(to: string) {
    this.#server = createServer((near) => {
      const far = connect(parseAddress(to))
      this.#near.add(near)
      for (const [from, into] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from)
        from.on('error', () => into.destroy())
        from.on('close', () => into.destroy())
        from.pipe(into)
        if (this.#frozen) from.pause()
      }
    })
  }

  static async to(address: string): Promise<Relay> {
    const relay = new Relay(address)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  freeze(): void {
    this.#frozen = true
    for (const socket of this.#sockets) socket.pause()
  }

  /** Passes on only what comes back to the node that has dialled. */
  freezeForward(): void {
    for (const socket of this.#near) socket.pause()
  }

  /** Passes on `bytes` that wait, after {@link Relay.freezeForward}. Whether so many were there. */
  trickle(bytes: number): boolean {
    // What is read of a socket that is paused is passed on all the same.
    return [...this.#near].some((socket) => socket.read(bytes) !== null)
  }

  thaw(): void {
    this.#frozen = false
    for (const socket of this.#sockets) socket.resume()
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
    this.#sockets.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.#server.close()
  }
}
