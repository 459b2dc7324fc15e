import type { Clock, Logger } from '@dsys/runtime'
import type { PeerAddress } from '@dsys/transport'
import { MalformedError } from './bytes.ts'
import type { RaftCore } from './core/raft-core.ts'
import type { MembersDesk } from './members-desk.ts'
import type { RaftMetrics } from './metrics.ts'
import type { ProposalDesk } from './proposal-desk.ts'
import type { Proposals } from './proposals.ts'
import type { ReadDesk } from './read-desk.ts'
import type { ReadQueue } from './read-queue.ts'
import type { ResolvedOptions } from './resolve-options.ts'
import { decodeFrame, incarnationIn, type WireMessage } from './wire.ts'

/** Nodes of which it is noted when they were heard. */
const MAX_HEARD = 4_096

/** What a {@link GroupInbox} hands messages to. */
export interface GroupInboxParts {
  readonly core: RaftCore
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: RaftMetrics
  readonly options: ResolvedOptions
  readonly proposals: Pick<Proposals<never>, 'refused'>
  readonly reads: Pick<ReadQueue<never>, 'confirmed' | 'refused'>
  readonly proposalDesk: ProposalDesk
  readonly readDesk: ReadDesk
  readonly membersDesk: MembersDesk
  readonly wake: () => void
  readonly fail: (error: unknown) => void
}

/** Takes in the frames of a group's channel, and hands each message to the core or to whoever waits for it. */
export class GroupInbox {
  readonly #parts: GroupInboxParts
  /** When each node was heard last; of those that no configuration names as many as fit. */
  readonly #heardMs = new Map<string, number>()

  constructor(parts: GroupInboxParts) {
    this.#parts = parts
  }

  /** For how long each node has been silent. */
  silentMs(nowMs: number): Map<string, number> {
    return new Map([...this.#heardMs].map(([id, heardMs]) => [id, nowMs - heardMs]))
  }

  receive(frame: Uint8Array, from: PeerAddress): void {
    const { clock, logger, metrics, options, wake, fail } = this.#parts
    // Whether the sender is a member is for the core to say: a configuration that this node has not seen may know it (P-03).
    if (from.id === options.id) return
    try {
      const nowMs = clock.monotonicMs()
      if (this.#heardMs.size < MAX_HEARD || this.#heardMs.has(from.id)) this.#heardMs.set(from.id, nowMs)
      const incarnation = incarnationIn(frame)
      for (const message of decodeFrame(frame)) this.#take(from, message, nowMs, incarnation)
    } catch (error) {
      if (!(error instanceof MalformedError)) {
        fail(error)
        return
      }
      metrics.frameDropped()
      logger.log('warn', 'a frame was dropped that cannot be read', { from: from.id, error })
    }
    wake()
  }

  #take(from: PeerAddress, message: WireMessage, nowMs: number, incarnation: number | undefined): void {
    const { core, proposals, reads, options, proposalDesk, readDesk, membersDesk } = this.#parts
    switch (message.type) {
      case 'forward-request':
        core.wake(nowMs)
        proposalDesk.receive(from.id, message)
        break
      case 'forward-refused':
        proposals.refused(message.sequences, nowMs + options.heartbeatIntervalMs)
        break
      case 'read-index-request':
      case 'read-lease-request':
        core.wake(nowMs)
        readDesk.receive(from, message)
        break
      case 'read-index-response':
        reads.confirmed(message.ticket, message.index)
        break
      case 'read-index-refused':
        reads.refused(message.ticket, nowMs + options.heartbeatIntervalMs)
        break
      case 'reconfigure-request':
        core.wake(nowMs)
        membersDesk.receive(from, message)
        break
      case 'identity-lost':
        membersDesk.identityLost(message)
        break
      case 'reconfigure-accepted':
      case 'reconfigure-refused':
        membersDesk.answered(message)
        break
      default:
        core.step(from.id, message, nowMs, incarnation)
    }
  }
}
