/** An operation as the search sees it. */
export interface SearchOperation {
  readonly op: number
  readonly key: string
  readonly input: unknown
  /** `undefined` when the outcome is unknown. */
  readonly output: unknown
  readonly invokedAt: number
  readonly endedAt: number
  readonly readOnly: boolean
}

/**
 * The calls and returns that are not linearized yet, in the order of the history: a doubly linked list, from which an operation is
 * lifted when it is linearized and into which it is put back in constant time (Lowe 2017, §4).
 *
 * Node `2i` is the call of operation i and node `2i + 1` its return. The node behind the last one is {@link head}.
 */
export class EventList {
  readonly head: number
  readonly #next: Int32Array
  readonly #previous: Int32Array

  /** Of operations that all return, in the order of their calls. */
  constructor(operations: readonly SearchOperation[]) {
    this.head = 2 * operations.length
    const positionOf = (node: number): number => {
      const operation = operations[node >> 1] as SearchOperation
      return (node & 1) === 0 ? operation.invokedAt : operation.endedAt
    }
    const nodes = Array.from({ length: this.head }, (_, node) => node).sort((a, b) => positionOf(a) - positionOf(b))
    this.#next = new Int32Array(this.head + 1)
    this.#previous = new Int32Array(this.head + 1)
    let previous = this.head
    for (const node of [...nodes, this.head]) {
      this.#next[previous] = node
      this.#previous[node] = previous
      previous = node
    }
  }

  get first(): number {
    return this.#next[this.head] as number
  }

  after(node: number): number {
    return this.#next[node] as number
  }

  /** Takes both ends of an operation out. */
  lift(operation: number): void {
    this.#unlink(2 * operation)
    this.#unlink(2 * operation + 1)
  }

  /** Undoes the latest {@link lift} that is not undone yet, which must be of this operation. */
  putBack(operation: number): void {
    this.#link(2 * operation + 1)
    this.#link(2 * operation)
  }

  #unlink(node: number): void {
    const [previous, next] = [this.#previous[node] as number, this.#next[node] as number]
    this.#next[previous] = next
    this.#previous[next] = previous
  }

  #link(node: number): void {
    this.#next[this.#previous[node] as number] = node
    this.#previous[this.#next[node] as number] = node
  }
}
