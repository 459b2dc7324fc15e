import type { PeerAddress } from '@dsys/transport'
import type { QueryEnd } from './core/asking.ts'
import type { QueryAnswerError } from './errors.ts'
import type { Member } from './events.ts'
import type { MemberFilter } from './member-filter.ts'

/** A message of the application to all members, as a subscriber gets it. */
export interface Broadcast {
  readonly topic: string
  /** A copy for this member: nobody else sees what is done to it. */
  readonly payload: Uint8Array
  /** Who sent it, and which life of it. */
  readonly origin: PeerAddress
  /**
   * Grows by one with each broadcast of this life of the origin, whatever the topic: of two of one origin, the higher one was sent later.
   */
  readonly sequence: number
}

/** Options of one broadcast. */
export interface BroadcastOptions {
  /**
   * For how long it is passed on, in milliseconds, from 1,000 to 3,600,000: who was not reached by then does not get it any more. Default
   * 30,000.
   */
  readonly ttlMs?: number
}

/** Options of one query. */
export interface QueryOptions {
  /** How long answers are waited for, in milliseconds, from 1 to 600,000. Default 2,000. */
  readonly timeoutMs?: number
  /** Ids of those who shall answer. One that is not there is `absent` in the summary. Default: all members. */
  readonly nodes?: readonly string[]
  /** Which members shall answer: by role, capability, tags or state, or by a function of all that is known of one. Default: all. */
  readonly filter?: MemberFilter | ((member: Member) => boolean)
  /** Ends the query; its loops and its summary throw the signal's reason. Handlers that run at others by then go on. */
  readonly signal?: AbortSignal
}

/** What one member answered. */
export type QueryAnswer =
  | { readonly ok: true; readonly from: PeerAddress; readonly payload: Uint8Array }
  /** It got the query, and could not answer: its handler threw, it has none of that name, or it has too much to do. */
  | { readonly ok: false; readonly from: PeerAddress; readonly error: QueryAnswerError }

/** What became of a query. Everybody that was there when it began is in one of the lists, each ordered by id. */
export interface QuerySummary {
  /** All have answered or are gone; the time was over; or this node stopped. */
  readonly end: QueryEnd
  /** Who answered. */
  readonly answered: readonly string[]
  /** Who said that it cannot. */
  readonly failed: readonly string[]
  /** Who is there and said nothing: it is slow, frames were lost, or it is of a version without queries. */
  readonly silent: readonly string[]
  /** Who was not there when the query began although `nodes` names it, or went before it answered. */
  readonly absent: readonly string[]
  /** Who was there and was not asked, since `nodes` or `filter` left it out. */
  readonly filtered: readonly string[]
}

/** A query under way: its answers as they come. Each loop gives all of them, from the first one on. */
export interface Query extends AsyncIterable<QueryAnswer> {
  /** Resolves when no more answers come. Throws the reason of the signal, or NotRunningError (`DSYS_NOT_RUNNING`) after a defect. */
  summary(): Promise<QuerySummary>
}

/** A query of some member, at one that shall answer. */
export interface IncomingQuery {
  readonly name: string
  readonly payload: Uint8Array
  readonly from: PeerAddress
  /** When nobody waits any more, on the monotonic scale of this node's clock. */
  readonly deadlineMs: number
  /** Fires then, and when this node stops: whatever the handler waits for is to be given up. Its answer is dropped from then on, and its place is another one's. */
  readonly signal: AbortSignal
}

/**
 * Answers a query with up to 2,048 bytes, before its deadline. What it throws is told to who asks: of an error with a code all, of others that it failed. At
 * most 64 run at a time for somebody who waits. One that does not heed its signal runs on: nothing can end it.
 */
export type QueryHandler = (query: IncomingQuery) => Uint8Array | Promise<Uint8Array>
