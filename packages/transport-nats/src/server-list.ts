import type { Random } from '@dsys/runtime'
import type { NodeConnectionOptions } from '@nats-io/transport-node'
import type { NatsTls } from './options.ts'

/** What the list learns from a connection. */
export interface KnownServer {
  readonly server: string
  readonly discoveredServers: readonly string[]
  readonly encrypted: boolean
}

const MAX_DISCOVERED = 64
const NUMERIC_ADDRESS = /^(?:([\d.]+)|\[([^\]]+)\])(?::\d+)?$/

/** The servers that are configured, and the others of their cluster, of which the servers tell. */
export class ServerList {
  readonly #configured: readonly string[]
  readonly #tls: NatsTls | undefined
  readonly #random: Random
  /** A name by which a server of the cluster is configured, as certificates have it. */
  readonly #hostname: string | undefined
  /** Those that run, as told last. */
  #discovered: readonly string[] = []
  /** Those of which a server told once: they may be down just now, and be the first that is back. */
  #former: readonly string[] = []
  #lost: string | undefined
  #encrypted = false

  constructor(options: { readonly servers: readonly string[]; readonly tls: NatsTls | undefined }, random: Random) {
    this.#configured = options.servers
    this.#tls = options.tls
    this.#random = random
    this.#hostname = options.servers.find((server) => !NUMERIC_ADDRESS.test(server))?.replace(/:\d+$/, '')
  }

  /** All of them, so that the nodes of a cluster spread; those that were not there when last heard of come last. */
  inRandomOrder(): readonly string[] {
    const present = this.#shuffled(new Set([...this.#configured, ...this.#discovered]))
    const isLost = (server: string): boolean => server === this.#lost
    return [...new Set([...present.filter((server) => !isLost(server)), ...this.#former, ...present])]
  }

  #shuffled(set: ReadonlySet<string>): string[] {
    const servers = [...set]
    for (let i = servers.length - 1; i > 0; i--) {
      const j = this.#random.integer(0, i + 1)
      const [one, other] = [servers[i], servers[j]]
      if (one !== undefined && other !== undefined) [servers[i], servers[j]] = [other, one]
    }
    return servers
  }

  connected(server: KnownServer): void {
    this.#lost = undefined
    this.#encrypted = server.encrypted
    this.#discover(server)
  }

  /** More servers may have joined since this one was connected to. */
  lost(server: KnownServer): void {
    this.#lost = server.server
    this.#discover(server)
  }

  #discover({ discoveredServers }: KnownServer): void {
    const present = discoveredServers.slice(0, MAX_DISCOVERED)
    const former = [...this.#discovered, ...this.#former].filter((server) => !present.includes(server))
    this.#former = [...new Set(former)].slice(0, MAX_DISCOVERED)
    this.#discovered = present
  }

  /**
   * How to encrypt a connection to `server`. The servers tell each other's numbers, and certificates have names: so one that is
   * known by its number alone is asked for the name by which its cluster is configured, where it is by a name.
   */
  tlsTo(server: string): NodeConnectionOptions['tls'] | undefined {
    const address = addressOf(server)
    if ((this.#tls === undefined && !this.#encrypted) || address === undefined) return this.#tls
    // The client does not tell the socket layer which number it has called, so that would look for the name "localhost".
    const isByNumber = this.#hostname === undefined || this.#configured.includes(server)
    const identity = isByNumber ? { host: address } : { servername: this.#hostname }
    return { ...identity, ...this.#tls } as NodeConnectionOptions['tls']
  }
}

/** The number of a server that is known by one, without its port. */
function addressOf(server: string): string | undefined {
  const found = NUMERIC_ADDRESS.exec(server)
  return found?.[1] ?? found?.[2]
}
