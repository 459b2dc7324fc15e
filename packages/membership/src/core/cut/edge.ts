/** An alert is raised when so many of the last probes have failed. */
const RAISE_OF = 6
const RAISE_FAILED = 5
/** It is withdrawn when of so many of the last probes no more than some have failed. */
const WITHDRAW_OF = 10
const WITHDRAW_FAILED = 2
/** So many probes in a row must have been answered by who vouches for somebody. */
const VOUCH_OF = 3

/**
 * The link from an observer to a subject, as the last probes show it: the last bit is that of the latest probe, 1 where it failed. To withdraw an
 * alert takes more than not to raise one, so a link that loses much of what it carries does not raise and withdraw in turn.
 */
export class Edge {
  readonly generation: number
  #outcomes = 0
  #count = 0
  #raised = false

  /** @param generation which life of the subject. */
  constructor(generation: number) {
    this.generation = generation
  }

  get isRaised(): boolean {
    return this.#raised
  }

  /** Whether the subject answers now. */
  get isGood(): boolean {
    return !this.#raised && this.#count >= VOUCH_OF && this.#failed(VOUCH_OF) === 0
  }

  /** Whether the last probe was answered. */
  get answers(): boolean {
    return this.#count > 0 && this.#failed(1) === 0
  }

  /** True when the alert was raised or withdrawn by it. */
  record(answered: boolean): boolean {
    this.#outcomes = ((this.#outcomes << 1) | (answered ? 0 : 1)) & (2 ** WITHDRAW_OF - 1)
    this.#count = Math.min(WITHDRAW_OF, this.#count + 1)
    const raised = this.#raised ? this.#failed(WITHDRAW_OF) > WITHDRAW_FAILED : this.#failed(RAISE_OF) >= RAISE_FAILED
    if (raised === this.#raised) return false
    this.#raised = raised
    return true
  }

  #failed(of: number): number {
    let failed = 0
    for (let bits = this.#outcomes & (2 ** of - 1); bits > 0; bits >>= 1) failed += bits & 1
    return failed
  }
}
