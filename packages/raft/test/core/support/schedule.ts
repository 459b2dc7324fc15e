interface Event {
  readonly atMs: number
  readonly order: number
  readonly action: () => void
}

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

/** Virtual time: actions run in the order of their times, and of their scheduling where the times are equal. */
export class Schedule {
  nowMs = 0
  /** Actions run so far. */
  steps = 0
  readonly #heap: Event[] = []
  #order = 0

  after(delayMs: number, action: () => void): void {
    this.at(this.nowMs + delayMs, action)
  }

  at(atMs: number, action: () => void): void {
    const heap = this.#heap
    const event: Event = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, action }
    let child = heap.push(event) - 1
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!isBefore(event, heap[parent] as Event)) break
      heap[child] = heap[parent] as Event
      child = parent
    }
    heap[child] = event
  }

  /** Runs everything that is due up to `untilMs`, or until `stop` says so. */
  run(untilMs: number, stop: () => boolean = () => false): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#removeFirst()
      this.nowMs = next.atMs
      this.steps++
      next.action()
      if (stop()) return
    }
    this.nowMs = untilMs
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop() as Event
    if (heap.length === 0) return
    let parent = 0
    for (;;) {
      let child = 2 * parent + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++
      if (!isBefore(heap[child] as Event, last)) break
      heap[parent] = heap[child] as Event
      parent = child
    }
    heap[parent] = last
  }
}
