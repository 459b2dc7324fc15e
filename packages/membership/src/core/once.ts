import { isSameProcess } from './record.ts'
import { SequenceWindow } from './sequence-window.ts'
import type { View } from './view.ts'

/** Who sent a message: one process. */
export interface SendingProcess {
  readonly id: string
  readonly generation: number
  readonly nonce: number
}

/** So many that were forgotten are still known here. */
const MAX_FORMER = 1_024

interface Heard {
  readonly generation: number
  readonly nonce: number
  readonly window: SequenceWindow
}

/**
 * Takes each numbered message of each process once. Only processes that count as members are listened to: so the memory is that of the
 * view. Who is forgotten may be met again, when it was taken for dead by mistake: of so many it is kept a while longer.
 */
export class OncePerProcess {
  readonly #view: Pick<View, 'get'>
  readonly #heard = new Map<string, Heard>()
  /** Of those that the view has forgotten, the last one at the end. */
  readonly #former = new Map<string, Heard>()

  constructor(view: Pick<View, 'get'>) {
    this.#view = view
  }

  /** Whether the message is the first one of its number; `stranger` where its sender is no member, or a life of one that does not count. */
  take(from: SendingProcess, sequence: number): 'first' | 'again' | 'stranger' {
    const record = this.#view.get(from.id)?.record
    if (record === undefined || !isSameProcess(record, from)) return 'stranger'
    let heard = this.#heard.get(from.id) ?? this.#former.get(from.id)
    this.#former.delete(from.id)
    if (heard === undefined || isLater(from, heard)) {
      heard = { generation: from.generation, nonce: from.nonce, window: new SequenceWindow() }
    }
    this.#heard.set(from.id, heard)
    if (isLater(heard, from)) return 'stranger'
    return heard.window.accepts(sequence) ? 'first' : 'again'
  }

  /** The view has forgotten the node. */
  forget(id: string): void {
    const heard = this.#heard.get(id)
    if (heard === undefined) return
    this.#heard.delete(id)
    this.#former.set(id, heard)
    if (this.#former.size <= MAX_FORMER) return
    for (const first of this.#former.keys()) {
      this.#former.delete(first)
      break
    }
  }
}

type Process = Pick<SendingProcess, 'generation' | 'nonce'>

const isLater = (a: Process, b: Process): boolean =>
  a.generation === b.generation ? a.nonce > b.nonce : a.generation > b.generation
