import type { FaultyNetwork, LinkTrouble, Restore } from '../world.ts'

/** A network whose faults can all be ended at once: those that were made through here, and that still last. */
export class TrackedNetwork implements FaultyNetwork {
  readonly #inner: FaultyNetwork
  readonly #lasting = new Map<Restore, string>()

  constructor(inner: FaultyNetwork) {
    this.#inner = inner
  }

  /** The faults that last, in words. */
  get faults(): readonly string[] {
    return [...this.#lasting.values()]
  }

  cut(from: string, to: string): Restore {
    return this.#track(`nothing goes from ${from} to ${to}`, this.#inner.cut(from, to))
  }

  hold(from: string, to: string): Restore {
    return this.#track(`what goes from ${from} to ${to} is held`, this.#inner.hold(from, to))
  }

  trouble(from: string, to: string, trouble: LinkTrouble): Restore {
    return this.#track(
      `${from} to ${to} is troubled: ${JSON.stringify(trouble)}`,
      this.#inner.trouble(from, to, trouble),
    )
  }

  disconnect(node: string, options: { readonly buffered: boolean }): Restore {
    return this.#track(`${node} has no broker`, this.#inner.disconnect(node, options))
  }

  healAmong(ids: readonly string[]): void {
    this.#inner.healAmong(ids)
  }

  /** Cuts both ways between the members of different groups. */
  partition(groups: readonly (readonly string[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (other !== group) for (const from of group) for (const to of other) this.cut(from, to)
      }
    }
  }

  /** Ends every fault that was made through here. */
  heal(): void {
    for (const restore of [...this.#lasting.keys()]) restore()
  }

  #track(what: string, end: Restore): Restore {
    const restore = (): void => {
      if (this.#lasting.delete(restore)) end()
    }
    this.#lasting.set(restore, what)
    return restore
  }
}
