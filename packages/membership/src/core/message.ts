import type { Rumor } from './record.ts'

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
  /** Nothing but rumors. */
  | { readonly kind: 'gossip' }
  /** "Here I am: tell me what you know." About `answers` of the receivers shall answer; 0 means all. */
  | { readonly kind: 'hello'; readonly answers: number }
  /** Part of all that the sender knows; after the last part the receiver answers with all that it knows. */
  | { readonly kind: 'sync-request'; readonly last: boolean }
  | { readonly kind: 'sync-reply'; readonly last: boolean }

/** The number of a kind on the wire is its position in here: append only. */
export const KINDS: readonly Message['kind'][] = Object.freeze([
  'ping',
  'ack',
  'ping-request',
  'ping-answer',
  'gossip',
  'hello',
  'sync-request',
  'sync-reply',
])
