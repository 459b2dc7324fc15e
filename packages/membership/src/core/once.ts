import { isSameProcess } from './record.ts'
import { SequenceWindow } from './sequence-window.ts'
import type { View } from './view.ts'

/** Who sent a message: one process. */
export interface SendingProcess {
  readonly id: string
  readonly generation: number
  readonly nonce: number
}

interface Heard {
  readonly generation: number
  readonly nonce: number
  readonly window: SequenceWindow
}

/**
 * Takes each numbered message of each process once. Only processes that count as members are listened to: so the memory is that of the
 * view, and ends with it. A number that is here again after that is of somebody who has been dead or gone for `rememberDeadMs`, and
 * is not taken either, since its sender is no member.
 */
export class OncePerProcess {
  readonly #view: Pick<View, 'get'>
  readonly #heard = new Map<string, Heard>()

  constructor(view: Pick<View, 'get'>) {
    this.#view = view
  }

  /** Whether the message is the first one of its number; `stranger` where its sender is no member, or a life of one that does not count. */
  take(from: SendingProcess, sequence: number): 'first' | 'again' | 'stranger' {
    const record = this.#view.get(from.id)?.record
    if (record === undefined || !isSameProcess(record, from)) return 'stranger'
    let heard = this.#heard.get(from.id)
    if (heard === undefined || isLater(from, heard)) {
      heard = { generation: from.generation, nonce: from.nonce, window: new SequenceWindow() }
      this.#heard.set(from.id, heard)
    } else if (isLater(heard, from)) return 'stranger'
    return heard.window.accepts(sequence) ? 'first' : 'again'
  }

  forget(id: string): void {
    this.#heard.delete(id)
  }
}

type Process = Pick<SendingProcess, 'generation' | 'nonce'>

const isLater = (a: Process, b: Process): boolean =>
  a.generation === b.generation ? a.nonce > b.nonce : a.generation > b.generation
