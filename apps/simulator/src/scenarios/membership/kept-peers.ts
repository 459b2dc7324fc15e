import type { PeerStorage } from '@dsys/membership'

/** The peers that one machine keeps from life to life: a disk that does what it is told. */
export class KeptPeers implements PeerStorage {
  readonly #stirred: () => void
  #value: Uint8Array | undefined

  /** @param stirred is called where promises may have become ready. */
  constructor(stirred: () => void) {
    this.#stirred = stirred
  }

  async get(): Promise<Uint8Array | undefined> {
    this.#stirred()
    return this.#value
  }

  async write(changes: Parameters<PeerStorage['write']>[0]): Promise<void> {
    this.#stirred()
    this.#value = changes.at(-1)?.value
  }

  lose(): void {
    this.#value = undefined
  }

  /** Whether `id`, which is short, was kept. It is looked for as text, with its length before it. */
  includes(id: string): boolean {
    return this.#value !== undefined && Buffer.from(this.#value).includes(`${String.fromCharCode(id.length)}${id}`)
  }
}
