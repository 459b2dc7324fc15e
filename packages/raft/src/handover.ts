/** Hands values from one who has them to one who asks for them, one at a time: whoever gives waits until the next is asked for. */
export class Handover<T> implements AsyncIterable<T> {
  #value: { readonly value: T } | undefined
  #over = false
  #failure: unknown
  #asked: (() => void) | undefined
  #given: (() => void) | undefined

  /** Resolves once the value was taken and the next is asked for; with false when nobody takes any more. */
  async give(value: T): Promise<boolean> {
    if (this.#over) return false
    this.#value = { value }
    this.#given?.()
    await new Promise<void>((resolve) => {
      this.#asked = resolve
    })
    return !this.#over
  }

  /** There are no more values, because of `failure` where that is given. Changes nothing when it is over already. */
  end(failure?: unknown): void {
    if (this.#over) return
    this.#failure = failure
    this.#over = true
    this.#given?.()
    this.#asked?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        while (this.#value === undefined && !this.#over) {
          await new Promise<void>((resolve) => {
            this.#given = resolve
          })
        }
        const next = this.#value
        if (next === undefined) break
        yield next.value
        this.#value = undefined
        this.#asked?.()
      }
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      this.end()
    }
  }
}
