import type { Destination, PeerAddress } from '@dsys/transport'
import type { MemberEvent } from '../events.ts'
import type { Evidence } from '../evidence.ts'
import type { Broadcast } from '../user-messages.ts'
import type { QueryToAnswer } from './answering.ts'
import type { QueryEnd } from './asking.ts'
import type { FrameHeader, Message } from './message.ts'
import type { QueryResult } from './query-message.ts'
import type { MemberRecord } from './record.ts'

/** What the core asks of its driver, in this order. */
export type Effect =
  | { readonly type: 'send'; readonly to: Destination; readonly header: FrameHeader; readonly message: Message }
  | { readonly type: 'broadcast'; readonly header: FrameHeader; readonly message: Message }
  | { readonly type: 'event'; readonly event: MemberEvent }
  /** A broadcast of the application, of this node or another one, for the first time. */
  | { readonly type: 'user-broadcast'; readonly broadcast: Broadcast }
  /** A node that was dead or gone is not kept in the view any more. */
  | {
      readonly type: 'forgotten'
      readonly id: string
      readonly last: Pick<MemberRecord, 'generation' | 'incarnation'>
      readonly evidence: Evidence
    }
  /** The application shall answer a query. */
  | { readonly type: 'query'; readonly query: QueryToAnswer }
  /** An answer to a query of this node. */
  | { readonly type: 'answer'; readonly number: number; readonly from: PeerAddress; readonly result: QueryResult }
  /** No more answers to a query of this node come. */
  | {
      readonly type: 'query-ended'
      readonly number: number
      readonly end: QueryEnd
      /** Who did not answer, and is there; and who is not there any more. */
      readonly silent: readonly string[]
      readonly absent: readonly string[]
    }
  /** The first exchange of state with another node is done. */
  | { readonly type: 'joined'; readonly via: string }
  /** The farewell was heard, or the time for it is over: the driver may end. */
  | { readonly type: 'farewell-done'; readonly heardBy: number }
  /** A later life of this very node is in the cluster: this one has fallen silent. */
  | { readonly type: 'superseded'; readonly generation: number }
  /** For the log. */
  | { readonly type: 'warning'; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }
  /** The own health has changed. */
  | { readonly type: 'health'; readonly multiplier: number }
  /** For the meter. */
  | { readonly type: 'count'; readonly what: CountedFact }

/** What is counted. */
export type CountedFact =
  | 'probe'
  | 'probe-failed'
  | 'refutation'
  | 'stale-frame'
  | 'expired-frame'
  | 'strange-broadcast'
  | 'strange-query'
