/** Where a node listens. */
export interface TcpAddress {
  readonly host: string
  /** 0 to 65,535. */
  readonly port: number
}

/**
 * Where a node listens, as `host:port` or `[::1]:port`. Where there are several such places they are tried one after the other, the one where the
 * node was met last before the others; who listens there is checked in any case.
 */
export type TcpPlaces = string | readonly string[]

/**
 * Where the other nodes listen, as somebody knows who learns of more of them while the transport runs. One that throws knows nobody just then, and
 * the log says so.
 */
export interface TcpDirectory {
  /** The ids of all peers that a broadcast should reach. Asked for each broadcast. */
  ids(): Iterable<string>
  /** Asked for each attempt to connect; `undefined` where the node is not known. */
  find(id: string): TcpPlaces | undefined
}

/**
 * Where the other nodes listen, by id. A table and a {@link TcpDirectory} can be listed, so a transport with one can broadcast; a function is asked for each attempt to connect, and cannot be.
 */
export type TcpPeers =
  | Readonly<Record<string, TcpPlaces>>
  | ReadonlyMap<string, TcpPlaces>
  | TcpDirectory
  | ((id: string) => TcpPlaces | undefined)

/** What is left of {@link TcpPeers} once they are checked. */
export interface PeerDirectory {
  readonly canList: boolean
  ids(): Iterable<string>
  find(id: string): readonly string[]
}

const isDirectory = (peers: TcpPeers): peers is TcpDirectory =>
  typeof peers === 'object' && 'find' in peers && typeof peers.find === 'function'
const listOf = (places: TcpPlaces | undefined): readonly string[] =>
  typeof places === 'string' ? [places] : (places ?? [])

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
  if (typeof peers === 'function') return { canList: false, ids: () => [], find: (id) => listOf(peers(id)) }
  if (isDirectory(peers)) return { canList: true, ids: () => peers.ids(), find: (id) => listOf(peers.find(id)) }
  const entries: Iterable<[string, TcpPlaces]> = peers instanceof Map ? peers.entries() : Object.entries(peers)
  const table = new Map([...entries].map(([id, places]) => [id, listOf(places)]))
  for (const place of [...table.values()].flat()) parseAddress(place)
  return { canList: true, ids: () => table.keys(), find: (id) => table.get(id) ?? [] }
}

/** Whether only processes of this machine reach `host`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}
