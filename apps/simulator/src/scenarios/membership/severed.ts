/** Which members do not hear which others, when the links of the simulation are healed for good. */
export class Severed {
  #isCut: (from: string, to: string) => boolean = () => false

  /** Whether what `from` sends does not reach `to`. */
  has(from: string, to: string): boolean {
    return this.#isCut(from, to)
  }

  /** Nobody of one side hears anybody of another; who is on none hears all and is heard. */
  into(sides: readonly (readonly string[])[]): void {
    const sideOf = new Map(sides.flatMap((side, i) => side.map((id) => [id, i])))
    this.#isCut = (from, to) => {
      const [one, other] = [sideOf.get(from), sideOf.get(to)]
      return one !== undefined && other !== undefined && one !== other
    }
  }

  /** What these send does not reach those. */
  oneWay(these: readonly string[], those: readonly string[]): void {
    this.#isCut = (from, to) => these.includes(from) && those.includes(to)
  }

  none(): void {
    this.#isCut = () => false
  }
}
