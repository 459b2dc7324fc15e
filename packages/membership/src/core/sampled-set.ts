import type { Random } from '@dsys/runtime'

/** Ids from which some can be drawn at random, at a cost that does not grow with their number. */
export class SampledSet {
  readonly #ids: string[] = []
  readonly #places = new Map<string, number>()

  get size(): number {
    return this.#ids.length
  }

  has(id: string): boolean {
    return this.#places.has(id)
  }

  add(id: string): void {
    if (this.#places.has(id)) return
    this.#places.set(id, this.#ids.length)
    this.#ids.push(id)
  }

  delete(id: string): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    this.#swap(place, this.#ids.length - 1)
    this.#ids.pop()
    this.#places.delete(id)
  }

  /** `count` different ids for which `fits` holds, or all of them when there are fewer. The order of the set means nothing, so it is shuffled. */
  sample(count: number, random: Random, fits: (id: string) => boolean = () => true): string[] {
    const taken: string[] = []
    for (let i = 0; i < this.#ids.length && taken.length < count; i++) {
      this.#swap(i, random.integer(i, this.#ids.length))
      const id = this.#ids[i] as string
      if (fits(id)) taken.push(id)
    }
    return taken
  }

  #swap(a: number, b: number): void {
    const [idA, idB] = [this.#ids[a] as string, this.#ids[b] as string]
    this.#ids[a] = idB
    this.#ids[b] = idA
    this.#places.set(idB, a)
    this.#places.set(idA, b)
  }
}
