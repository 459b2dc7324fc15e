import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { isPortFree } from '../../src/launcher/free-port.ts'

/** One way from a node to another, by a port of its own; nothing passes while it is cut, and nobody is told. */
class Link {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  constructor(toPort: number) {
    this.#server = createServer((from) => {
      const to = connect(toPort, '127.0.0.1')
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        this.#sockets.add(one)
        one.on('data', (bytes) => {
          if (!this.#isCut) other.write(bytes)
        })
        one.on('error', () => other.destroy())
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
      }
    })
  }

  /** Where it begins. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port))
    })
  }

  /** What is sent from now on gets lost. */
  cut(): void {
    this.#isCut = true
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}

/** Below those that a system gives to whoever asks for any port, this process and its nodes included. */
const [LOWEST_PORT, HIGHEST_PORT] = [10_000, 32_000]

/** So many ports that are free, and stay so until somebody asks for one of them. */
async function quietPorts(count: number): Promise<number[]> {
  const ports: number[] = []
  let port = LOWEST_PORT + ((process.pid * 97) % (HIGHEST_PORT - LOWEST_PORT))
  while (ports.length < count) {
    port = port + 1 < HIGHEST_PORT ? port + 1 : LOWEST_PORT
    if (await isPortFree(port)) ports.push(port)
  }
  return ports
}

/** The links between nodes over TCP, each through this process, so that they can be cut. */
export class CuttableLinks implements Disposable {
  readonly #links = new Map<string, Link>()
  readonly #flags = new Map<string, readonly string[]>()

  private constructor() {}

  static async open(ids: readonly string[]): Promise<CuttableLinks> {
    const links = new CuttableLinks()
    // Where a node listens, where it says that it does, and where nobody answers: so others dial it by the links alone.
    const ports = await quietPorts(2 * ids.length)
    const take = (): number => ports.pop() as number
    const listens = new Map(ids.map((id) => [id, take()]))
    for (const from of ids) {
      const peers: string[] = [`${from}=127.0.0.1:${take()}`]
      for (const to of ids) {
        if (to === from) continue
        const link = new Link(listens.get(to) as number)
        const port = await link.listen()
        links.#links.set(`${from} ${to}`, link)
        peers.push(`${to}=127.0.0.1:${port}`)
      }
      links.#flags.set(from, [
        ...['--transport', 'tcp', '--tcp-listen', `127.0.0.1:${listens.get(from)}`],
        ...['--peers', peers.join(',')],
      ])
    }
    return links
  }

  /** By which a node finds the others. */
  flags(id: string): readonly string[] {
    return this.#flags.get(id) ?? []
  }

  /** Nothing passes between the two sides any more, in either direction. */
  split(one: readonly string[], other: readonly string[]): void {
    for (const a of one) {
      for (const b of other) {
        this.#links.get(`${a} ${b}`)?.cut()
        this.#links.get(`${b} ${a}`)?.cut()
      }
    }
  }

  [Symbol.dispose](): void {
    for (const link of this.#links.values()) link.close()
  }
}
