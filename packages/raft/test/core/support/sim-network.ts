import type { Random } from '@dsys/runtime'
import type { Message } from '../../../src/core/messages.ts'
import { decodeFrame, encodeFrame } from '../../../src/wire.ts'
import type { Knobs } from './knobs.ts'
import type { Schedule } from './schedule.ts'

interface Silenced {
  readonly from: string
  readonly to: string
  readonly message: Message
}

/** Carries messages between nodes, and fails to in every way that a network does. */
export class SimNetwork {
  readonly #schedule: Schedule
  readonly #random: Random
  readonly #knobs: Knobs
  readonly #deliver: (from: string, to: string, message: Message) => void
  readonly #count: (what: string) => void
  readonly #cut = new Set<string>()
  /** Links that deliver nothing for a while, and then everything at once. */
  readonly #silent = new Set<string>()
  #heldBack: Silenced[] = []
  #healthy = false

  constructor(
    schedule: Schedule,
    random: Random,
    knobs: Knobs,
    deliver: (from: string, to: string, message: Message) => void,
    count: (what: string) => void,
  ) {
    this.#schedule = schedule
    this.#random = random
    this.#knobs = knobs
    this.#deliver = deliver
    this.#count = count
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`)
  }

  cutBoth(a: string, b: string): void {
    this.cut(a, b)
    this.cut(b, a)
  }

  silence(from: string, to: string): void {
    this.#silent.add(`${from}>${to}`)
  }

  /** Restores all links; what silent ones held back arrives in one burst. */
  restore(): void {
    this.#cut.clear()
    this.#silent.clear()
    const burst = this.#heldBack
    this.#heldBack = []
    for (const { from, to, message } of burst) this.#schedule.after(0, () => this.#deliver(from, to, message))
  }

  /** From now on nothing is lost, doubled or late. */
  heal(): void {
    this.restore()
    this.#healthy = true
  }

  send(from: string, to: string, message: Message): void {
    const link = `${from}>${to}`
    const carried = this.#carry(message)
    if (this.#cut.has(link)) {
      this.#count('network.cut')
      return
    }
    if (this.#silent.has(link)) {
      this.#count('network.silent')
      this.#heldBack.push({ from, to, message: carried })
      return
    }
    if (this.#healthy) {
      this.#schedule.after(0.5, () => this.#deliver(from, to, carried))
      return
    }
    const { lossRate, duplicationRate } = this.#knobs
    if (this.#random.float() < lossRate) {
      this.#count('network.lost')
      return
    }
    this.#dispatch(from, to, carried)
    if (this.#random.float() < duplicationRate) {
      this.#count('network.doubled')
      this.#dispatch(from, to, carried)
    }
  }

  #dispatch(from: string, to: string, message: Message): void {
    const { networkDelayMs, tailRate, electionTimeoutMs } = this.#knobs
    let delayMs = networkDelayMs * (0.5 + this.#random.float())
    if (this.#random.float() < tailRate) {
      this.#count('network.late')
      delayMs += electionTimeoutMs * this.#random.float() * 4
    }
    this.#schedule.after(delayMs, () => {
      // A cut also ends what is on its way.
      if (!this.#cut.has(`${from}>${to}`)) this.#deliver(from, to, message)
    })
  }

  /** No object crosses: either its bytes do, or it is frozen, so that a node that changes it is found out. */
  #carry(message: Message): Message {
    if (this.#knobs.wire) return decodeFrame(encodeFrame([message]))[0] as Message
    if (message.type === 'append-request') {
      for (const entry of message.entries) Object.freeze(entry)
      Object.freeze(message.entries)
    }
    return Object.freeze(message)
  }
}
