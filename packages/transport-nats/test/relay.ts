import { connect, createServer, type Server, type Socket } from 'node:net'

/** One client behind a {@link Relay}. */
export interface RelayedClient {
  readonly client: Socket
  readonly server: Socket
  /** What the client says of itself; empty until it has. */
  readonly name: () => string
}

/** Stands between clients and a server, and can hold up what one of them says or hears. */
export class Relay {
  readonly clients: RelayedClient[] = []
  readonly #listener: Server

  private constructor(listener: Server) {
    this.#listener = listener
  }

  static async before(port: number): Promise<Relay> {
    const listener = createServer()
    const relay = new Relay(listener)
    listener.on('connection', (client) => relay.#join(client, connect({ host: '127.0.0.1', port })))
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    return relay
  }

  #join(client: Socket, server: Socket): void {
    let said = ''
    const name = (): string => /"name":"([^"]*)"/.exec(said)?.[1] ?? ''
    client.on('data', (bytes) => {
      if (name() === '') said += bytes
      server.write(bytes)
    })
    server.on('data', (bytes) => client.write(bytes))
    for (const socket of [client, server]) socket.setNoDelay(true).on('error', () => undefined)
    server.on('end', () => client.end())
    // Where the client is held up the server must not hear that it has gone before what it said.
    client.on('end', () => server.end())
    this.clients.push({ client, server, name })
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#listener.address() as { port: number }).port}`
  }

  /** The latest client whose name ends so. */
  client(ending: string): RelayedClient {
    const found = this.clients.findLast(({ name }) => name().endsWith(ending))
    if (found === undefined) throw new Error(`no client has a name that ends with ${ending}`)
    return found
  }

  async stop(): Promise<void> {
    for (const { client, server } of this.clients) {
      client.destroy()
      server.destroy()
    }
    await new Promise((resolve) => this.#listener.close(resolve))
  }
}
