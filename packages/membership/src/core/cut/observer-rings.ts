import { compareText } from '../record.ts'

interface Place {
  readonly hash: number
  readonly id: string
}

/**
 * Who observes whom. The members stand on several rings, on each in another order that only their ids decide; on every ring a member is
 * observed by the one before it. So all nodes with the same members know the same observers, everybody observes about as many as observe it,
 * and who comes or goes changes few of these pairs (Rapid §4.1).
 *
 * Where the member before is an observer already by an earlier ring, the one before that is taken: observers are different members, as many as
 * there are rings, or all others where these are fewer.
 */
export class ObserverRings {
  readonly #rings: readonly Place[][]

  constructor(count: number) {
    this.#rings = Array.from({ length: count }, () => [])
  }

  get size(): number {
    return this.#rings[0]?.length ?? 0
  }

  add(id: string): void {
    for (const [ring, places] of this.#rings.entries()) {
      const place = placeOf(id, ring)
      const at = indexOf(places, place)
      if (places[at]?.id !== id) places.splice(at, 0, place)
    }
  }

  remove(id: string): void {
    for (const [ring, places] of this.#rings.entries()) {
      const at = indexOf(places, placeOf(id, ring))
      if (places[at]?.id === id) places.splice(at, 1)
    }
  }

  /** The observers of `id`, in the order of the rings; also of one that is on no ring, as if it were. */
  observersOf(id: string): string[] {
    const observers: string[] = []
    for (const [ring, places] of this.#rings.entries()) {
      const at = indexOf(places, placeOf(id, ring))
      for (let back = 1; back <= places.length; back++) {
        const before = (places[(at - back + places.length) % places.length] as Place).id
        if (before === id || observers.includes(before)) continue
        observers.push(before)
        break
      }
    }
    return observers
  }

  /** Those on the rings that `id` observes. */
  subjectsOf(id: string): string[] {
    const subjects: string[] = []
    for (const [ring, places] of this.#rings.entries()) {
      const at = indexOf(places, placeOf(id, ring))
      // An observer by this ring is as many places away as there are observers by earlier rings between, and one more.
      for (let step = 1; step <= Math.min(ring + 1, places.length - 1); step++) {
        const after = (places[(at + step) % places.length] as Place).id
        if (after !== id && !subjects.includes(after) && this.observersOf(after).includes(id)) subjects.push(after)
      }
    }
    return subjects
  }
}

const placeOf = (id: string, ring: number): Place => ({ hash: ringHash(id, ring), id })

/** Where `place` is, or would be put. */
function indexOf(places: readonly Place[], place: Place): number {
  let [low, high] = [0, places.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (comparePlaces(places[middle] as Place, place) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Equal hashes are told apart by the id, so the order is the same on all nodes. */
const comparePlaces = (a: Place, b: Place): number => a.hash - b.hash || compareText(a.id, b.id)

/** Of the id and the number of the ring: FNV-1a, whose bits are mixed once more, since similar ids would else stand in a similar order on all rings. */
export function ringHash(id: string, ring: number): number {
  let hash = Math.imul(0x811c9dc5 ^ ring, 0x9e3779b1)
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
