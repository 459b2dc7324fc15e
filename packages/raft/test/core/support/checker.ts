import type { LogEntry } from '@dsys/storage'
import type { Message } from '../../../src/core/messages.ts'
import type { RaftCore } from '../../../src/core/raft-core.ts'
import type { SimDisk } from './sim-disk.ts'

/** A rule of Raft was broken. */
export class Violation extends Error {
  override readonly name = 'Violation'
  /** The short name of the rule. */
  readonly rule: string

  constructor(rule: string, message: string) {
    super(`${rule}: ${message}`)
    this.rule = rule
  }
}

/** A node as the checker sees it. */
export interface Observed {
  readonly id: string
  readonly core: RaftCore | undefined
  readonly disk: SimDisk
}

interface Chosen {
  readonly term: number
  /** The term of the leader that committed it first. */
  readonly byTerm: number
}

interface Known {
  readonly prevTerm: number
  readonly data: Uint8Array
  readonly kind: number
}

interface Seen {
  core: RaftCore
  commitIndex: number
  term: number
  leaderOf: number
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a === b || Buffer.compare(a, b) === 0

/**
 * Knows what was ever promised, over all crashes, and throws {@link Violation} once a node breaks a promise.
 *
 * With `direct` it also looks at the disk whenever a message leaves that claims something of it; without, only the
 * properties of the paper are judged (Raft figure 3), as a user would meet them.
 */
export class Checker {
  /** The highest index that anybody has known to be committed. */
  maxCommit = 0
  readonly #nodes: readonly Observed[]
  readonly #direct: boolean
  readonly #leaders = new Map<number, string>()
  readonly #votes = new Map<string, string>()
  readonly #entries = new Map<number, Map<number, Known>>()
  readonly #chosen: (Chosen | undefined)[] = []
  readonly #digests = new Map<number, number>()
  readonly #seen = new Map<string, Seen>()

  constructor(nodes: readonly Observed[], direct: boolean) {
    this.#nodes = nodes
    this.#direct = direct
  }

  #assert(condition: boolean, rule: string, message: () => string): asserts condition {
    if (!condition) throw new Violation(rule, message())
  }

  #holds(node: Observed, index: number, term: number): boolean {
    return node.core !== undefined && (index <= node.core.log.baseIndex || node.core.log.termAt(index) === term)
  }

  /** Call after every input of a node. */
  observe(node: Observed): void {
    const { core, id } = node
    if (core === undefined) return
    let seen = this.#seen.get(id)
    if (seen?.core !== core) {
      seen = { core, commitIndex: core.commitIndex, term: core.term, leaderOf: -1 }
      this.#seen.set(id, seen)
    }
    this.#assert(core.term >= seen.term, 'term monotone', () => `${id} went from ${seen.term} to ${core.term}`)
    seen.term = core.term
    if (core.role === 'leader' && seen.leaderOf !== core.term) {
      seen.leaderOf = core.term
      this.#elected(node, core)
    }
    this.#assert(
      core.commitIndex >= seen.commitIndex && core.commitIndex <= core.log.lastIndex,
      'commit monotone',
      () => `${id} has commit ${core.commitIndex} after ${seen.commitIndex}, last entry ${core.log.lastIndex}`,
    )
    if (core.commitIndex > seen.commitIndex) {
      this.#committed(node, core, seen.commitIndex)
      seen.commitIndex = core.commitIndex
    }
  }

  #elected(node: Observed, core: RaftCore): void {
    const { id, disk } = node
    const other = this.#leaders.get(core.term)
    this.#assert(other === undefined || other === id, 'election safety', () => `${id}, ${other} lead ${core.term}`)
    this.#leaders.set(core.term, id)
    if (this.#direct) {
      const { term, votedFor } = disk.hardState
      this.#assert(
        term > core.term || (term === core.term && votedFor === id),
        'own vote durable',
        () => `${id} leads ${core.term} and its disk has a vote for ${votedFor} in ${term}`,
      )
    }
    for (let index = core.log.baseIndex + 1; index <= this.maxCommit; index++) {
      const chosen = this.#chosen[index]
      if (chosen !== undefined && chosen.byTerm < core.term) this.#mustHold(node, index, chosen)
    }
  }

  #mustHold(node: Observed, index: number, chosen: Chosen): void {
    this.#assert(this.#holds(node, index, chosen.term), 'leader completeness', () => {
      const { core } = node
      return `${node.id} leads ${core?.term} without entry ${index} of term ${chosen.term}, committed in ${chosen.byTerm}`
    })
  }

  #committed(node: Observed, core: RaftCore, from: number): void {
    for (let index = Math.max(from, core.log.baseIndex) + 1; index <= core.commitIndex; index++) {
      const term = core.log.termAt(index) as number
      const known = this.#chosen[index]
      if (known !== undefined) {
        this.#assert(
          known.term === term,
          'committed never lost',
          () => `${node.id} commits entry ${index} of term ${term}, chosen was that of ${known.term}`,
        )
        continue
      }
      const chosen = { term, byTerm: core.term }
      this.#chosen[index] = chosen
      for (const other of this.#nodes) {
        if (other.core?.role === 'leader' && other.core.term > chosen.byTerm) this.#mustHold(other, index, chosen)
      }
    }
    if (core.commitIndex <= this.maxCommit) return
    this.maxCommit = core.commitIndex
    const term = core.log.termAt(core.commitIndex)
    if (term === undefined || !this.#direct) return
    const holders = this.#nodes.filter((each) => each.disk.holds(core.commitIndex, term)).length
    this.#assert(
      holders * 2 > this.#nodes.length,
      'quorum durable',
      () =>
        `${node.id} commits ${core.commitIndex} of term ${term}, on the disks of ${holders} of ${this.#nodes.length}`,
    )
  }

  /** The node hands `entries` to its disk. */
  written(node: Observed, entries: readonly LogEntry[]): void {
    const log = node.core?.log
    const first = entries[0]
    if (first === undefined || log === undefined) return
    let prevTerm = log.termAt(first.index - 1) ?? 0
    for (const { index, term, kind, data } of entries) {
      let terms = this.#entries.get(index)
      if (terms === undefined) {
        terms = new Map()
        this.#entries.set(index, terms)
      }
      const known = terms.get(term)
      if (known === undefined) terms.set(term, { prevTerm, data, kind })
      else {
        const same = known.prevTerm === prevTerm && known.kind === kind && sameBytes(known.data, data)
        this.#assert(same, 'log matching', () => `entry ${index} of term ${term} is not the same on ${node.id}`)
      }
      prevTerm = term
    }
  }

  /** `message` leaves the node. */
  sent(node: Observed, to: string, message: Message): void {
    if (message.type === 'vote-request' && !message.preVote) this.#voted(node, message.term, node.id)
    if (message.type === 'vote-response' && message.granted && !message.preVote) this.#voted(node, message.term, to)
    if (!this.#direct || node.core === undefined) return
    if (message.type === 'append-accepted' && message.term === node.core.term) {
      const { matchIndex } = message
      const term = node.core.log.termAt(matchIndex)
      this.#assert(
        term === undefined || matchIndex === 0 || node.disk.holds(matchIndex, term),
        'ack after durable',
        () => `${node.id} acknowledges entry ${matchIndex}, which its disk does not have`,
      )
    }
  }

  #voted(node: Observed, term: number, candidate: string): void {
    const key = `${node.id}/${term}`
    const before = this.#votes.get(key)
    const rule = 'one vote a term'
    this.#assert(before === undefined || before === candidate, rule, () => `${key}: ${before}, then ${candidate}`)
    this.#votes.set(key, candidate)
    if (!this.#direct) return
    const { hardState } = node.disk
    this.#assert(
      hardState.term > term || (hardState.term === term && hardState.votedFor === candidate),
      'vote after durable',
      () => `${node.id} gives ${candidate} a vote in ${term}; its disk has ${hardState.votedFor} in ${hardState.term}`,
    )
  }

  /** The state machine of a node has reached `index` and its digest is now `digest`. */
  applied(node: Observed, index: number, digest: number): void {
    const known = this.#digests.get(index)
    this.#assert(
      known === undefined || known === digest,
      'state machine safety',
      () => `${node.id} has another state at ${index} than the one that was there first`,
    )
    this.#digests.set(index, digest)
  }

  /** A read that was asked for when `floor` was known to be committed may be served at `index`. */
  readConfirmed(node: Observed, floor: number, index: number): void {
    this.#assert(
      index >= floor,
      'linearizable reads',
      () => `${node.id} may read at ${index}, though ${floor} was committed before the read was asked for`,
    )
  }

  /** What is true whenever nothing runs. */
  expect(condition: boolean, rule: string, message: () => string): void {
    this.#assert(condition, rule, message)
  }
}
