import type { InboundSubject } from './subjects.ts'

/** What has come in by one subject since the transport was made. */
export class Inbound implements InboundSubject {
  readonly lane: InboundSubject['lane']
  readonly name: string
  readonly subject: string
  /** Frames handed over. */
  frames = 0
  bytes = 0
  /** How long the handlers of the channels took for them. */
  busyMs = 0
  /** Messages that were not handed over. */
  refused = 0
  /** Why the last one was not. */
  lastRefusal = ''

  constructor({ lane, name, subject }: InboundSubject) {
    this.lane = lane
    this.name = name
    this.subject = subject
  }

  refuse(why: string): void {
    this.refused++
    this.lastRefusal = why
  }
}
