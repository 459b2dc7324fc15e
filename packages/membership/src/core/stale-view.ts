import type { PeerAddress } from '@dsys/transport'
import type { MemberEvent } from '../events.ts'
import type { Effect } from './effects.ts'
import type { IsolationGate } from './isolation.ts'
import { type Entry, memberOf, type View } from './view.ts'

/** Tells that the view grows old, or does so no more: in turns, as the gate shuts and opens. */
export class StaleView {
  readonly #self: PeerAddress
  readonly #view: View
  readonly #gate: IsolationGate
  readonly #emit: (effect: Effect) => void
  #told = false

  constructor(self: PeerAddress, view: View, gate: IsolationGate, emit: (effect: Effect) => void) {
    this.#self = self
    this.#view = view
    this.#gate = gate
    this.#emit = emit
  }

  /** What somebody is told who begins to listen now. */
  present(): MemberEvent[] {
    return this.#gate.isShut && this.#view.get(this.#self.id) !== undefined ? [this.#event()] : []
  }

  /** To be called while this node takes part, after whatever may have moved the gate. */
  tell(): void {
    const { isShut } = this.#gate
    if (isShut === this.#told) return
    this.#told = isShut
    this.#emit({ type: 'event', event: this.#event() })
  }

  #event(): MemberEvent {
    const { isShut, evidence } = this.#gate
    const member = memberOf(this.#view.get(this.#self.id) as Entry)
    return Object.freeze({ type: isShut ? 'ViewStale' : 'ViewFresh', member, why: evidence.how, evidence })
  }
}
