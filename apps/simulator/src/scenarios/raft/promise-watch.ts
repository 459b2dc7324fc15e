import type { Message, RaftCore } from '@dsys/raft/core'
import { BrokenPromise } from '@dsys/simulation'

/**
 * Knows when each node has heard a leader, by its own clock and over all its lives, and throws BrokenPromise once one votes for another
 * before an election timeout has passed: the lease of that leader counts on it (P-25). Only where reads ride leases.
 */
export class PromiseWatch {
  readonly #electionTimeoutMs: number
  readonly #heardMs = new Map<string, number>()

  constructor(electionTimeoutMs: number) {
    this.#electionTimeoutMs = electionTimeoutMs
  }

  /** Runs `input`, which is `message` where it is one, and looks at what it has done to the vote of the node. */
  during(id: string, core: RaftCore, nowMs: number, message: Message | undefined, input: () => void): void {
    const { term, votedFor } = core
    input()
    if (core.votedFor !== undefined && (core.votedFor !== votedFor || core.term !== term)) {
      if (!isTransfer(message)) this.#voted(id, core, nowMs)
    } else if (isOfLeader(message) && message.term === core.term) this.#heardMs.set(id, nowMs)
  }

  /** The node has lost its disk, and with it that it has promised anything. */
  forget(id: string): void {
    this.#heardMs.delete(id)
  }

  #voted(id: string, { term, votedFor }: RaftCore, nowMs: number): void {
    const agoMs = nowMs - (this.#heardMs.get(id) ?? Number.NEGATIVE_INFINITY)
    if (agoMs >= this.#electionTimeoutMs) return
    const message = `${id} votes for ${votedFor} in term ${term}, ${agoMs} ms after it has heard a leader`
    throw new BrokenPromise('promise to a leader', message)
  }
}

/** Elections that the leader itself has asked for need no promise: it has no lease any more. */
const isTransfer = (message: Message | undefined): boolean =>
  message?.type === 'timeout-now' || (message?.type === 'vote-request' && message.transfer)

const isOfLeader = (message: Message | undefined): message is Extract<Message, { type: 'heartbeat-request' }> =>
  message?.type === 'heartbeat-request' || (message?.type as string | undefined) === 'append-request'
