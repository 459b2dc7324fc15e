/** When a node died or left. */
interface Departure {
  readonly id: string
  readonly sinceMs: number
}

/** Departures that are out of date stay until they come up, or until there are this many more of them than of the others. */
const STALE_ROOM = 64

/** The dead and the gone, the one that went first in front: a heap, so that neither forgetting nor making room looks at all of them. */
export class Gone {
  readonly #sinceMs = new Map<string, number>()
  #heap: Departure[] = []

  get size(): number {
    return this.#sinceMs.size
  }

  set(id: string, sinceMs: number): void {
    if (this.#sinceMs.get(id) === sinceMs) return
    this.#sinceMs.set(id, sinceMs)
    this.#push({ id, sinceMs })
    if (this.#heap.length > 2 * this.#sinceMs.size + STALE_ROOM) this.#rebuild()
  }

  delete(id: string): void {
    this.#sinceMs.delete(id)
  }

  /** The one that went first. */
  first(): Departure | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#sinceMs.get(first.id) === first.sinceMs) return first
      this.#pop()
    }
    return undefined
  }

  #rebuild(): void {
    this.#heap = []
    for (const [id, sinceMs] of this.#sinceMs) this.#push({ id, sinceMs })
  }

  #push(departure: Departure): void {
    let at = this.#heap.length
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = this.#heap[above] as Departure
      if (parent.sinceMs <= departure.sinceMs) break
      this.#heap[at] = parent
      at = above
    }
    this.#heap[at] = departure
  }

  #pop(): void {
    const last = this.#heap.pop()
    const { length } = this.#heap
    if (last === undefined || length === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= length) break
      const right = this.#heap[below + 1]
      if (right !== undefined && right.sinceMs < (this.#heap[below] as Departure).sinceMs) below += 1
      const child = this.#heap[below] as Departure
      if (last.sinceMs <= child.sinceMs) break
      this.#heap[at] = child
      at = below
    }
    this.#heap[at] = last
  }
}
