/** When this node gossips next, where it has news to tell. */
export class GossipSchedule {
  #nextMs = 0

  get nextMs(): number {
    return this.#nextMs
  }

  /** There is news: from now on whatever was planned for the past is due, and what is planned for later stays so. */
  news(nowMs: number): void {
    this.#nextMs = Math.max(this.#nextMs, nowMs)
  }

  /** There is news that shall not wait. */
  hurry(nowMs: number): void {
    this.#nextMs = nowMs
  }

  /** It gossips at this moment, and again after `intervalMs`. */
  gossiped(nowMs: number, intervalMs: number): void {
    this.#nextMs = nowMs + intervalMs
  }
}
