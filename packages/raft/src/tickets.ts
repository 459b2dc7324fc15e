/**
 * Names the questions of a node. A member may be closed and opened again on a transport that goes on, and answers to the earlier one may come late: so
 * each ticket is at least the time in microseconds, and what a node asks is never named as anything that another has asked there before it.
 */
export class Tickets {
  #last = 0

  next(nowMs: number): number {
    this.#last = Math.max(this.#last + 1, Math.floor(nowMs * 1_000))
    return this.#last
  }
}
