/** Where a node listens. */
export interface TcpAddress {
  readonly host: string
  /** 0 to 65,535. */
  readonly port: number
}

/**
 * Where the other nodes listen, by id, as `host:port` or `[::1]:port`. A table can be listed, so a transport with one can
 * broadcast; a function is asked for each dial, and cannot be.
 */
export type TcpPeers =
  | Readonly<Record<string, string>>
  | ReadonlyMap<string, string>
  | ((id: string) => string | undefined)

/** What is left of {@link TcpPeers} once they are checked. */
export interface PeerDirectory {
  /** The ids of all peers; `undefined` where they cannot be listed. */
  readonly ids: readonly string[] | undefined
  find(id: string): TcpAddress | undefined
}

const HOST_AND_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/
const MAX_PORT = 65_535

/** Reads `host:port`. Throws RangeError for anything else. */
export function parseAddress(text: string): TcpAddress {
  const match = HOST_AND_PORT.exec(text)
  const port = Number(match?.[3])
  if (match === null || port < 1 || port > MAX_PORT) {
    throw new RangeError(
      `an address is host:port or [IPv6]:port, with a port from 1 to ${MAX_PORT}; got ${JSON.stringify(text)}`,
    )
  }
  return { host: match[1] ?? match[2] ?? '', port }
}

/** `host:port`, as {@link parseAddress} reads it. */
export function formatAddress({ host, port }: TcpAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Reads all addresses of a table at once, so that a wrong one is found at the start. Throws RangeError. */
export function directoryOf(peers: TcpPeers): PeerDirectory {
  if (typeof peers === 'function') {
    return {
      ids: undefined,
      find: (id) => {
        const text = peers(id)
        return text === undefined ? undefined : parseAddress(text)
      },
    }
  }
  const entries = peers instanceof Map ? peers.entries() : Object.entries(peers)
  const table = new Map([...entries].map(([id, text]) => [id, parseAddress(text)]))
  return { ids: [...table.keys()], find: (id) => table.get(id) }
}

/** Whether only processes of this machine reach `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}
