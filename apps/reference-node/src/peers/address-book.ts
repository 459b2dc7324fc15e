import type { Membership, PeerStorage } from '@dsys/membership'
import { decodeKnownPeers } from '@dsys/membership/wire'
import { MalformedError } from '@dsys/runtime/bytes'
import type { TcpDirectory } from '@dsys/transport-tcp'

/** Under this name a member says in its metadata where it listens for others. */
export const TCP_ADDRESS = 'tcp'

/** What an {@link AddressBook} asks of the membership. */
export type KnownMembers = Pick<Membership, 'member' | 'alive'>

/**
 * Where the other nodes listen over TCP: what each says of itself, what the configuration says, and what stood in the memory of an earlier run. A node
 * is dialled at all of these places until it is met, and who listens there has to prove to be that node; so a place that is old or wrong does no harm.
 */
export class AddressBook implements TcpDirectory {
  readonly #configured: ReadonlyMap<string, string>
  readonly #remembered = new Map<string, string>()
  #members: KnownMembers | undefined

  constructor(configured: ReadonlyMap<string, string>) {
    this.#configured = configured
  }

  /** From now on what members say of themselves counts. Returns itself. */
  follow(members: KnownMembers): this {
    this.#members = members
    return this
  }

  /** The same storage; what is read from it is remembered here too, before anybody is looked for. */
  over(storage: PeerStorage): PeerStorage {
    return {
      get: async (key) => {
        const bytes = await storage.get(key)
        if (bytes !== undefined) this.#remember(bytes)
        return bytes
      },
      write: (changes) => storage.write(changes),
    }
  }

  /** Those of the configuration, and whoever is there; those of an earlier run until somebody was met. */
  *ids(): Iterable<string> {
    yield* this.#configured.keys()
    const alive = this.#members?.alive() ?? []
    if (alive.length > 1) for (const { id } of alive) yield id
    else yield* this.#remembered.keys()
  }

  find(id: string): readonly string[] {
    const places = [
      this.#members?.member(id)?.metadata[TCP_ADDRESS],
      this.#configured.get(id),
      this.#remembered.get(id),
    ].filter((place) => place !== undefined)
    return [...new Set(places)]
  }

  #remember(bytes: Uint8Array): void {
    try {
      for (const { id, metadata } of decodeKnownPeers(bytes)) {
        const place = metadata.find(([key]) => key === TCP_ADDRESS)?.[1]
        if (place !== undefined) this.#remembered.set(id, place)
      }
    } catch (error) {
      // The membership reads the same bytes, and says that they are damaged.
      if (!(error instanceof MalformedError)) throw error
    }
  }
}

/** Every address of the machine, or no port yet: nothing that another node could dial. */
const NOWHERE = /^(0\.0\.0\.0|\[(::|0:0:0:0:0:0:0:0)\]):|:0$/

/** Where this node tells others to find it over TCP; `undefined` where only they can know. */
export function toldAddress(config: {
  readonly id: string
  readonly peers: ReadonlyMap<string, string>
  readonly tcpListen: string | undefined
}): string | undefined {
  const place = config.peers.get(config.id) ?? config.tcpListen
  return place === undefined || NOWHERE.test(place) ? undefined : place
}
