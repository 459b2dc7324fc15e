import type { Draws } from '../draws.ts'

const NONE = -1

/**
 * Items that each still have to be drawn a number of times in the rounds that are left, at most once in each round. A round gives distinct
 * items, at random in proportion to what they have left; but who has as many left as there are rounds must be drawn in every one of
 * them, and is. So all come out at exactly their numbers whatever chance does, as long as nobody has more left than there are rounds.
 */
export class QuotaDraw {
  readonly #left: Int32Array
  /** A Fenwick tree over `left`: a draw in proportion costs log(items). */
  readonly #tree: Int32Array
  readonly #top: number
  /** Lists of the items by what they have left, linked in both directions. */
  readonly #head: Int32Array
  readonly #next: Int32Array
  readonly #previous: Int32Array
  #sum = 0

  constructor(counts: ArrayLike<number>) {
    const size = counts.length
    let most = 0
    for (let i = 0; i < size; i++) most = Math.max(most, counts[i] as number)
    this.#left = new Int32Array(size)
    this.#tree = new Int32Array(size + 1)
    let top = 1
    while (top * 2 <= size) top *= 2
    this.#top = top
    this.#head = new Int32Array(most + 1).fill(NONE)
    this.#next = new Int32Array(size).fill(NONE)
    this.#previous = new Int32Array(size).fill(NONE)
    for (let i = size - 1; i >= 0; i--) {
      this.#left[i] = counts[i] as number
      this.#add(i, counts[i] as number)
      this.#link(i)
    }
  }

  /** Appends `count` distinct items to `into`, for a round of which `roundsLeft`, itself included, are to come. */
  draw(count: number, roundsLeft: number, draws: Draws, into: number[]): void {
    const first = into.length
    let urgent = roundsLeft < this.#head.length ? (this.#head[roundsLeft] as number) : NONE
    while (urgent !== NONE) {
      const item = urgent
      urgent = this.#next[item] as number
      this.#add(item, -roundsLeft)
      into.push(item)
    }
    while (into.length - first < count) {
      const item = this.#find(draws.below(this.#sum))
      this.#add(item, -(this.#left[item] as number))
      into.push(item)
    }
    for (let at = first; at < into.length; at++) this.#spend(into[at] as number)
  }

  #spend(item: number): void {
    this.#unlink(item)
    const left = (this.#left[item] as number) - 1
    this.#left[item] = left
    this.#add(item, left)
    this.#link(item)
  }

  #add(item: number, amount: number): void {
    this.#sum += amount
    for (let at = item + 1; at < this.#tree.length; at += at & -at) {
      this.#tree[at] = (this.#tree[at] as number) + amount
    }
  }

  /** The item at `position` when all stand in a row, each as often as it has draws left. */
  #find(position: number): number {
    let rest = position
    let at = 0
    for (let step = this.#top; step > 0; step >>= 1) {
      const to = at + step
      if (to < this.#tree.length && (this.#tree[to] as number) <= rest) {
        rest -= this.#tree[to] as number
        at = to
      }
    }
    return at
  }

  #link(item: number): void {
    const left = this.#left[item] as number
    const head = this.#head[left] as number
    this.#next[item] = head
    this.#previous[item] = NONE
    if (head !== NONE) this.#previous[head] = item
    this.#head[left] = item
  }

  #unlink(item: number): void {
    const next = this.#next[item] as number
    const previous = this.#previous[item] as number
    if (previous === NONE) this.#head[this.#left[item] as number] = next
    else this.#next[previous] = next
    if (next !== NONE) this.#previous[next] = previous
  }
}
