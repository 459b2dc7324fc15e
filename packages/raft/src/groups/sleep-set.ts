/** A group, and the term in which it sleeps. */
export interface SleepingGroup {
  readonly group: string
  readonly term: number
}

/** What two hosts compare: whether they have the same groups in mind. */
export interface SleepDigest {
  readonly count: number
  readonly low: number
  readonly high: number
}

/**
 * The groups that sleep between two hosts, one of them leading. Its digest is kept as groups come and go, and does not depend on their order. Two
 * different sets have the same digest by chance alone, once in 2^64.
 */
export class SleepSet {
  readonly #terms = new Map<string, number>()
  #low = 0
  #high = 0

  get size(): number {
    return this.#terms.size
  }

  get digest(): SleepDigest {
    return { count: this.#terms.size, low: this.#low >>> 0, high: this.#high >>> 0 }
  }

  get groups(): SleepingGroup[] {
    return [...this.#terms].map(([group, term]) => ({ group, term }))
  }

  has({ group, term }: SleepingGroup): boolean {
    return this.#terms.get(group) === term
  }

  add(sleeping: SleepingGroup): void {
    this.delete(sleeping.group)
    this.#terms.set(sleeping.group, sleeping.term)
    this.#mix(sleeping)
  }

  delete(group: string): void {
    const term = this.#terms.get(group)
    if (term === undefined) return
    this.#terms.delete(group)
    this.#mix({ group, term })
  }

  /** Adding is its own opposite. */
  #mix(sleeping: SleepingGroup): void {
    this.#low ^= hash(sleeping, 0x811c9dc5)
    this.#high ^= hash(sleeping, 0x2545f491)
  }
}

export const sameDigest = (a: SleepDigest, b: SleepDigest): boolean =>
  a.count === b.count && a.low === b.low && a.high === b.high

/** FNV-1a over the name, then the term, then the finalizer of MurmurHash3, so that every bit counts for every other. */
function hash({ group, term }: SleepingGroup, basis: number): number {
  let h = basis
  for (let i = 0; i < group.length; i++) h = Math.imul(h ^ group.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (term >>> 0), 0x01000193)
  h = Math.imul(h ^ Math.floor(term / 2 ** 32), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
