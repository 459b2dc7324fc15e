import type { AnyModel, Mark } from '../model.ts'
import type { SearchOperation } from './event-list.ts'

/**
 * How many operations that are not linearized yet need each mark of the state, and how many can bring it back. An order that leaves a
 * mark which is needed and cannot come back leads nowhere.
 */
export class Marks {
  readonly #model: AnyModel
  readonly #needed = new Map<Mark, number>()
  readonly #given = new Map<Mark, number>()

  constructor(model: AnyModel, operations: readonly SearchOperation[]) {
    this.#model = model
    for (const operation of operations) this.#count(operation, 1)
  }

  linearize(operation: SearchOperation): void {
    this.#count(operation, -1)
  }

  undo(operation: SearchOperation): void {
    this.#count(operation, 1)
  }

  /** Whether the step of the operation from one state to the other leaves a mark that is still needed, for ever. */
  isFatal(from: unknown, operation: SearchOperation, to: unknown): boolean {
    const { marks } = this.#model
    const mark = marks?.of(from)
    if (marks === undefined || mark === undefined || mark === marks.of(to)) return false
    const own = marks.needed(operation.input, operation.output) === mark ? 1 : 0
    if ((this.#needed.get(mark) ?? 0) <= own) return false
    const ownGift = marks.given(operation.input, operation.output) === mark ? 1 : 0
    return (this.#given.get(mark) ?? 0) <= ownGift
  }

  #count({ input, output }: SearchOperation, change: number): void {
    const { marks } = this.#model
    if (marks === undefined) return
    const needed = marks.needed(input, output)
    if (needed !== undefined) this.#needed.set(needed, (this.#needed.get(needed) ?? 0) + change)
    const given = marks.given(input, output)
    if (given !== undefined) this.#given.set(given, (this.#given.get(given) ?? 0) + change)
  }
}
