/** A place in a {@link TimerQueue}. */
export interface QueuedTimer {
  readonly dueMs: number
  readonly order: number
  readonly action: () => void
  /** It waits in its queue: it was neither taken nor cancelled. */
  waits: boolean
}

const isBefore = (a: QueuedTimer, b: QueuedTimer): boolean =>
  a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)

/** Cancelled timers stay in the heap until they are due, or until they are more than the others and at least this many. */
const SWEEP_FROM = 64

/**
 * Actions in the order of their due times; those of one instant in the order in which they were added. A binary heap:
 * adding and taking cost the logarithm of the number of timers, cancelling costs nothing.
 */
export class TimerQueue {
  #heap: QueuedTimer[] = []
  #order = 0
  #cancelled = 0

  /** Timers that wait and were not cancelled. */
  get size(): number {
    return this.#heap.length - this.#cancelled
  }

  add(dueMs: number, action: () => void): QueuedTimer {
    const timer: QueuedTimer = { dueMs, order: this.#order++, action, waits: true }
    this.#heap.push(timer)
    this.#rise(this.#heap.length - 1)
    return timer
  }

  /** Takes a timer of this queue out. Does nothing to one that does not wait any more. */
  cancel(timer: QueuedTimer): void {
    if (!timer.waits) return
    timer.waits = false
    this.#cancelled++
    if (this.#cancelled >= SWEEP_FROM && this.#cancelled > this.#heap.length / 2) this.#sweep()
  }

  /** The timer that is due first; it stays. */
  peek(): QueuedTimer | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.waits) return first
      this.#removeFirst()
      this.#cancelled--
    }
    return undefined
  }

  /** Takes the timer that is due first. */
  take(): QueuedTimer | undefined {
    const first = this.peek()
    if (first === undefined) return undefined
    this.#removeFirst()
    first.waits = false
    return first
  }

  #removeFirst(): void {
    const last = this.#heap.pop() as QueuedTimer
    if (this.#heap.length === 0) return
    this.#heap[0] = last
    this.#sink(0)
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((timer) => timer.waits)
    this.#cancelled = 0
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index--) this.#sink(index)
  }

  #rise(from: number): void {
    const heap = this.#heap
    const timer = heap[from] as QueuedTimer
    let child = from
    while (child > 0) {
      const parent = (child - 1) >> 1
      if (!isBefore(timer, heap[parent] as QueuedTimer)) break
      heap[child] = heap[parent] as QueuedTimer
      child = parent
    }
    heap[child] = timer
  }

  #sink(from: number): void {
    const heap = this.#heap
    const timer = heap[from] as QueuedTimer
    let parent = from
    for (;;) {
      let child = 2 * parent + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as QueuedTimer, heap[child] as QueuedTimer)) child++
      if (!isBefore(heap[child] as QueuedTimer, timer)) break
      heap[parent] = heap[child] as QueuedTimer
      parent = child
    }
    heap[parent] = timer
  }
}
