import type { RestoredState } from '../../../src/core/begin.ts'
import type { Configuration } from '../../../src/core/configuration.ts'
import type { AppendRequest, Message, VoteRequest } from '../../../src/core/messages.ts'
import { configurationEntry, coreOf, type Driven, entriesOf } from './cluster.ts'

type Sent = readonly { readonly to: string; readonly message: Message }[]

/** n1 leads term 1 and has committed its first entry. */
export function leader(config: Parameters<typeof coreOf>[1] = {}): Driven {
  const node = coreOf(undefined, config)
  node.lead('n2')
  node.have('n2')
  return node
}

/** A node whose log, in term 1, is one entry and then these configurations. */
export function withConfigurations(...configurations: Configuration[]): RestoredState {
  const entries = configurations.map((configuration, i) => configurationEntry(2 + i, 1, configuration))
  return { hardState: { term: 1, votedFor: undefined }, snapshot: undefined, entries: [...entriesOf([1]), ...entries] }
}

/** Both configurations are in force. */
export const joint = (voters: string[], outgoing: string[], learners: string[] = []): Configuration => ({
  voters,
  outgoing,
  learners,
  target: undefined,
})

export const catchingUp = (voters: string[], learners: string[], target: string[]): Configuration => ({
  voters,
  learners,
  outgoing: [],
  target: { voters: target, learners: [] },
})

export const append = (
  term: number,
  prev: [number, number],
  entries: AppendRequest['entries'],
  commitIndex = 0,
): AppendRequest => ({
  type: 'append-request',
  term,
  prevIndex: prev[0],
  prevTerm: prev[1],
  commitIndex,
  round: 0,
  entries,
})

/** The same with entries of these terms. */
export const appendTerms = (
  term: number,
  prev: [number, number],
  terms: readonly number[],
  commitIndex = 0,
): AppendRequest => append(term, prev, entriesOf(terms, prev[0] + 1), commitIndex)

/** From a candidate whose log is better than any, unless said otherwise. */
export const voteRequest = (term: number, more: Partial<VoteRequest> = {}): VoteRequest => ({
  type: 'vote-request',
  term,
  preVote: false,
  transfer: false,
  lastTerm: 9,
  lastIndex: 9,
  ...more,
})

export const receivers = (sent: Sent, type: Message['type']): string[] => [
  ...new Set(sent.filter(({ message }) => message.type === type).map(({ to }) => to)),
]

/** Asks for pre-votes and has those of `voters`. Returns the role that comes of it. */
export function preVotes(node: Driven, ...voters: string[]): string {
  node.core.campaign(node.nowMs)
  node.settle()
  const term = node.core.term + 1
  for (const from of voters) node.step(from, { type: 'vote-response', term, preVote: true, granted: true })
  return node.core.role
}

export const last = (node: Driven): number => node.core.log.lastIndex
