import type { Membership } from '@dsys/raft/core'
import type { Random } from '@dsys/runtime'
import { type Operation, pick, some } from '@dsys/simulation'

/** Who is in the group when it begins, and how often that changes. */
export interface MembersKnobs {
  /** So many of the nodes are voters from the start; the others wait to be added. All, where the members never change. */
  readonly first: number
  /** Between two changes, on average; 0 where there are none. */
  readonly everyMs: number
}

/** How many seeds change the members. */
const CHANGING = 0.3

export function drawMembers(random: Random, nodes: number, electionTimeoutMs: number): MembersKnobs {
  if (nodes < 2 || random.float() >= CHANGING) return { first: nodes, everyMs: 0 }
  return { first: random.integer(1, nodes + 1), everyMs: electionTimeoutMs * pick(random, [2, 5, 12]) }
}

/**
 * What an operator does to the members, as the node sees them through which it is asked: `n` stands for the node that the operation names.
 *
 * - `add`, `remove`: one voter more, or less; `learn`: one learner more.
 * - `replace`: `n` in place of another voter.
 * - `drop-leader`, `demote-leader`: the leader leaves, or becomes a learner.
 * - `to n1,n2/n3`: those voters and those learners, whatever the group is.
 */
const CHANGES = ['add', 'add', 'remove', 'learn', 'replace', 'replace', 'drop-leader', 'demote-leader', 'to'] as const

/** Changes of the members, to be mixed with what clients do; theirs is the number of a client that nobody else has. */
export function drawMemberChanges(
  random: Random,
  {
    nodes,
    chaosMs,
    everyMs,
    client,
    firstNumber,
  }: {
    readonly nodes: number
    readonly chaosMs: number
    readonly everyMs: number
    readonly client: number
    readonly firstNumber: number
  },
): Operation[] {
  if (everyMs === 0) return []
  const operations: Operation[] = []
  const ids = Array.from({ length: nodes }, (_, i) => `n${i + 1}`)
  for (let atMs = everyMs * random.float(); atMs < chaosMs; atMs += everyMs * 2 * random.float()) {
    const change = pick(random, CHANGES)
    const voters = some(random, ids, 0.6)
    if (voters.length === 0) voters.push(pick(random, ids))
    const learners = some(
      random,
      ids.filter((id) => !voters.includes(id)),
      0.3,
    )
    operations.push({
      atMs: Math.round(atMs),
      client,
      node: random.integer(0, nodes),
      verb: 'reconfigure',
      key: change === 'to' ? `to ${voters}/${learners}` : change,
      number: firstNumber + operations.length,
      abortAfterMs: random.float() < 0.1 ? random.integer(1, 300) : 0,
    })
  }
  return operations
}

/**
 * The members that `change` wants of `now`, where it can be had. Amid a joint configuration a voter that becomes a learner is among both: as
 * long as it is a voter it is not named as a learner.
 */
export function targetOf(
  change: string,
  node: string,
  { voters, learners, leader }: Membership & { readonly leader: string | undefined },
): Membership | undefined {
  const without = (ids: readonly string[], id: string): string[] => ids.filter((each) => each !== id)
  const withVoters = (ids: readonly string[], others = learners): Membership | undefined =>
    ids.length === 0 ? undefined : { voters: ids, learners: others.filter((id) => !ids.includes(id)) }
  switch (change) {
    case 'add':
      return withVoters([...without(voters, node), node])
    case 'remove':
      return withVoters(without(voters, node))
    case 'learn':
      return voters.includes(node) ? undefined : withVoters(voters, [...without(learners, node), node])
    case 'replace':
      return withVoters([...without(voters, node).slice(1), node])
    case 'drop-leader':
      return leader === undefined ? undefined : withVoters(without(voters, leader))
    case 'demote-leader':
      return leader === undefined
        ? undefined
        : withVoters(without(voters, leader), [...without(learners, leader), leader])
    default: {
      const [wanted = '', aside = ''] = change.slice('to '.length).split('/')
      const list = (text: string): string[] => text.split(',').filter(Boolean)
      return { voters: list(wanted), learners: list(aside) }
    }
  }
}
