import type { PeerAddress } from '@dsys/transport'
import type { Courier } from './courier.ts'
import type { MemberRecord } from './record.ts'

/** What a farewell needs of the core around it. */
export interface FarewellContext {
  readonly leaveTimeoutMs: number
  readonly courier: Pick<Courier, 'broadcast' | 'farewell'>
  /** What this node says of itself. */
  readonly record: MemberRecord
  readonly done: (heardBy: number) => void
}

/** A leave under way: said, said once more at half time to those who have not acked, over when all have or time is up. */
export class Farewell {
  readonly #context: FarewellContext
  readonly #waiting: Map<number, PeerAddress>
  readonly #endMs: number
  #resendMs: number
  #heardBy = 0

  constructor(context: FarewellContext, peers: Map<number, PeerAddress>, nowMs: number) {
    this.#context = context
    this.#waiting = peers
    this.#endMs = nowMs + context.leaveTimeoutMs
    this.#resendMs = nowMs + context.leaveTimeoutMs / 2
  }

  begin(nowMs: number): void {
    // Who knows nobody may be known all the same: it has just joined, or holds all others for dead.
    this.#say(nowMs)
    if (this.#waiting.size === 0) this.#context.done(0)
  }

  #say(nowMs: number): void {
    const { courier, record } = this.#context
    courier.broadcast(record, nowMs)
    for (const [seq, to] of this.#waiting) courier.farewell(to, seq, nowMs)
  }

  deadlineMs(): number {
    return Math.min(this.#resendMs, this.#endMs)
  }

  onAck(seq: number, from: PeerAddress): void {
    if (this.#waiting.get(seq)?.id !== from.id) return
    this.#waiting.delete(seq)
    this.#heardBy += 1
    if (this.#waiting.size === 0) this.#context.done(this.#heardBy)
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#endMs) this.#context.done(this.#heardBy)
    else if (nowMs >= this.#resendMs) {
      this.#resendMs = this.#endMs
      this.#say(nowMs)
    }
  }
}
