/**
 * Whether this node may accuse others. While its own connection is down, and for a time of grace after that, the silence of others says
 * nothing about them.
 */
export class IsolationGate {
  #connected = false
  #everConnected = false
  /** Until when nobody is accused; infinite while the own connection is down. */
  #shutUntilMs = Number.POSITIVE_INFINITY

  get connected(): boolean {
    return this.#connected
  }

  get shutUntilMs(): number {
    return this.#shutUntilMs
  }

  isShut(nowMs: number): boolean {
    return nowMs < this.#shutUntilMs
  }

  lost(): void {
    this.#connected = false
    this.#shutUntilMs = Number.POSITIVE_INFINITY
  }

  /** The connection is there. True when it had been there before: then the gate stays shut for `graceMs`. */
  regained(nowMs: number, graceMs: number): boolean {
    const again = this.#everConnected
    this.#connected = true
    this.#everConnected = true
    this.#shutUntilMs = again ? nowMs + graceMs : nowMs
    return again
  }
}
