import type { Buggify } from '@dsys/runtime'
import { isProposal } from './applier.ts'
import type { RaftCore } from './core/raft-core.ts'
import type { Outgoing } from './outgoing.ts'
import type { Proposals } from './proposals.ts'
import { type ForwardedItem, type ForwardRequest, ITEM_OVERHEAD_BYTES } from './wire.ts'

/** What a {@link ProposalDesk} works with. */
export interface ProposalDeskParts {
  readonly id: string
  readonly core: RaftCore
  readonly outgoing: Outgoing
  /** The proposals of this node. Their results are the business of whoever applies them. */
  readonly proposals: Pick<Proposals<never>, 'take' | 'returned'>
  readonly maxAppendBytes: number
  readonly buggify: Buggify | undefined
}

/** Brings proposals, of this node and of followers, to whoever leads. */
export class ProposalDesk {
  readonly #parts: ProposalDeskParts

  constructor(parts: ProposalDeskParts) {
    this.#parts = parts
  }

  /** Brings this node's proposals to the leader: to the own core, or in frames. */
  handOver(nowMs: number): void {
    const { id, core, outgoing, proposals } = this.#parts
    const { leader, transferTarget } = core
    // While leadership moves nobody would take them; they leave when it has moved.
    if (leader === undefined || transferTarget !== undefined) return
    const items = proposals.take(nowMs)
    if (items.length === 0) return
    for (const chunk of this.#chunks(items)) {
      if (leader !== id) {
        outgoing.add(leader, { type: 'forward-request', items: chunk })
        continue
      }
      // In parts here too: the core looks at its limit once for each, and all that waits may be far beyond it.
      const refusal = core.propose(chunk)
      if (refusal === undefined) continue
      const sequences = chunk.map(({ sequence }) => sequence)
      proposals.returned(sequences, refusal === 'overloaded')
    }
  }

  /** A follower passes proposals on. */
  receive(from: string, { items }: ForwardRequest): void {
    const { core, outgoing, buggify } = this.#parts
    const refused = buggify?.('raft.refuse-forwarded') === true
    if (!refused && core.propose(items.filter(isProposal), from) === undefined) return
    const sequences = items.map(({ sequence }) => sequence)
    outgoing.add(from, { type: 'forward-refused', sequences })
  }

  #chunks(items: readonly ForwardedItem[]): ForwardedItem[][] {
    const { maxAppendBytes } = this.#parts
    const chunks: ForwardedItem[][] = []
    let chunk: ForwardedItem[] = []
    let chunkBytes = 0
    for (const item of items) {
      const bytes = item.data.length + ITEM_OVERHEAD_BYTES
      if (chunk.length > 0 && chunkBytes + bytes > maxAppendBytes) {
        chunks.push(chunk)
        chunk = []
        chunkBytes = 0
      }
      chunk.push(item)
      chunkBytes += bytes
    }
    if (chunk.length > 0) chunks.push(chunk)
    return chunks
  }
}
