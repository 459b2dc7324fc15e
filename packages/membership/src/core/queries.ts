import type { PeerAddress } from '@dsys/transport'
import { Answering } from './answering.ts'
import { Asking } from './asking.ts'
import type { Message } from './message.ts'
import type { CoreParts } from './parts.ts'

/** What this node asks others, and what they ask it. */
export class Queries {
  readonly asking: Asking
  readonly answering: Answering

  constructor(parts: CoreParts) {
    this.asking = new Asking({
      ...parts,
      askSelf: (question, nowMs) => this.answering.onQuery(question, parts.self, nowMs),
    })
    this.answering = new Answering({ ...parts, answerSelf: (answer) => this.asking.onAnswer(answer, parts.self) })
  }

  onMessage(message: Message, from: PeerAddress, nowMs: number): void {
    if (message.kind === 'query') this.answering.onQuery(message, from, nowMs)
    else if (message.kind === 'answer') this.asking.onAnswer(message, from)
  }
}
