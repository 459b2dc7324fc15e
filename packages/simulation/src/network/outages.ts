import type { Flight } from './link.ts'

/** A node without its broker. */
interface Outage<P> {
  /** How many overlap; the last that ends brings the broker back. */
  inForce: number
  /** The node was told. It stays so until the broker is back. */
  told: boolean
  /** What the node sent and its process keeps for the reconnect. */
  readonly kept: Flight<P>[]
}

/** Which nodes have lost their broker. */
export class Outages<P> {
  readonly #byNode = new Map<string, Outage<P>>()
  readonly #onConnection: (node: string, connected: boolean) => void

  constructor(onConnection: (node: string, connected: boolean) => void) {
    this.#onConnection = onConnection
  }

  get any(): boolean {
    return this.#byNode.size > 0
  }

  has(node: string): boolean {
    return this.#byNode.has(node)
  }

  /** Whether `node` knows that it has no broker. */
  told(node: string): boolean {
    return this.#byNode.get(node)?.told === true
  }

  /** Keeps a frame of `node`, which has no broker and does not know; false when there are `most` already. */
  keep(node: string, flight: Flight<P>, most: number): boolean {
    const kept = this.#byNode.get(node)?.kept
    if (kept === undefined || kept.length >= most) return false
    kept.push(flight)
    return true
  }

  /** Begins an outage. The returned function ends it, and returns what leaves now: nothing, while another is in force. */
  begin(node: string, buffered: boolean): () => readonly Flight<P>[] {
    const outage = this.#byNode.get(node) ?? { inForce: 0, told: false, kept: [] }
    this.#byNode.set(node, outage)
    outage.inForce++
    if (!buffered && !outage.told) {
      outage.told = true
      this.#onConnection(node, false)
    }
    let over = false
    return () => {
      // After a heal the node may have another outage, which is not this one's to end.
      if (over || this.#byNode.get(node) !== outage) return []
      over = true
      outage.inForce--
      return outage.inForce === 0 ? this.endOf(node) : []
    }
  }

  /** Ends every outage of `node`; returns what leaves now. */
  endOf(node: string): readonly Flight<P>[] {
    const outage = this.#byNode.get(node)
    if (outage === undefined) return []
    this.#byNode.delete(node)
    this.#onConnection(node, true)
    return outage.kept
  }

  endAll(): readonly Flight<P>[] {
    return [...this.#byNode.keys()].flatMap((node) => this.endOf(node))
  }
}
