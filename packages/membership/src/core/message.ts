import type { AlertsBody } from './cut/alert-codec.ts'
import type { DigestRange } from './digest.ts'
import type { AnswerBody, QueryBody } from './query-codec.ts'
import type { Rumor } from './record.ts'
import type { UserNews } from './user-news.ts'
import type { VersionRange } from './versions.ts'

/** What nodes say to each other. Every message carries rumors: that is how gossip travels for free. */
export type Message = { readonly rumors: readonly Rumor[] } & MessageBody

export type MessageBody =
  /** "Are you there?" for one life of the receiver. */
  | { readonly kind: 'ping'; readonly seq: number; readonly generation: number }
  | { readonly kind: 'ack'; readonly seq: number }
  /** "Ping this life of `target` for me." */
  | { readonly kind: 'ping-request'; readonly seq: number; readonly target: string; readonly generation: number }
  /** A helper's answer to a ping-request. */
  | { readonly kind: 'ping-answer'; readonly seq: number; readonly reached: boolean }
  /** A helper has no room for a ping-request, and says nothing of the target. For a node of an earlier version it has said nothing at all. */
  | { readonly kind: 'ping-busy'; readonly seq: number }
  /** Nothing but rumors. */
  | { readonly kind: 'gossip' }
  /**
   * "Here I am: tell me what you know." About `answers` of the receivers shall answer; 0 means all. Who has joined is told by a digest, since
   * it knows most of it.
   */
  | { readonly kind: 'hello'; readonly answers: number; readonly joined: boolean }
  /** Part of all that the sender knows; after the last part the receiver answers with all that it knows. */
  | { readonly kind: 'sync-request'; readonly last: boolean }
  | { readonly kind: 'sync-reply'; readonly last: boolean }
  /** A summary of all that the sender knows; who knows something else in a bucket answers. */
  | { readonly kind: 'digest'; readonly sums: readonly number[] }
  /** What the sender knows in buckets that differ, in short. */
  | { readonly kind: 'digest-answer'; readonly ranges: readonly DigestRange[] }
  /** What the sender knows better, as rumors; and of which nodes the receiver shall tell in the same way. */
  | { readonly kind: 'sync-delta'; readonly pull: readonly string[] }
  /** What observers say of their subjects, where the cut detector removes members. */
  | ({ readonly kind: 'alerts' } & AlertsBody)
  /** Gossip that carries broadcasts of the application as well. */
  | { readonly kind: 'broadcasts'; readonly items: readonly UserNews[] }
  /** A question of the application. */
  | ({ readonly kind: 'query' } & QueryBody)
  | ({ readonly kind: 'answer' } & AnswerBody)
  /** Of a later version: its rumors count, the rest of it is passed over. It is never sent. */
  | { readonly kind: 'unknown'; readonly number: number }

/** The kinds that this version speaks. */
export type KnownKind = Exclude<Message['kind'], 'unknown'>

/**
 * The number of a kind on the wire; never given a second meaning.
 */
export const KIND_NUMBERS: Readonly<Record<KnownKind, number>> = Object.freeze({
  ping: 0,
  ack: 1,
  'ping-request': 2,
  'ping-answer': 3,
  gossip: 4,
  hello: 5,
  'sync-request': 6,
  'sync-reply': 7,
  alerts: 8,
  broadcasts: 9,
  query: 10,
  answer: 11,
  digest: 12,
  'digest-answer': 13,
  'sync-delta': 14,
  'ping-busy': 15,
})

export const KINDS: readonly KnownKind[] = Object.freeze(Object.keys(KIND_NUMBERS) as KnownKind[])

/** What every frame says of its sender, in a form that nodes of all versions read. */
export interface FrameHeader {
  /** In which version the frame is written. */
  readonly version: number
  /** What the sender speaks. */
  readonly versions: VersionRange
  /** Drawn by the sending process at its start: two processes differ in it whatever else they share. 0: not said. */
  readonly nonce: number
  /** Counts the frames of the sending process, from 1. 0: not said. */
  readonly sequence: number
}
