import { CONFIGURATION_KIND, type Configuration, type Message, type RaftCore, STRIPPED_KIND } from '@dsys/raft/core'
import { BrokenPromise } from '@dsys/simulation'
import type { LogEntry } from '@dsys/storage'
import type { CoreDisk } from './core-disk.ts'

/** A node as the checker sees it. */
export interface Observed {
  readonly id: string
  /** It holds no data. */
  readonly witness: boolean
  /** Another one for each disk that the node has had. */
  readonly identity: string
  /** Absent while the node is down. */
  readonly core: RaftCore | undefined
  readonly disk: CoreDisk
}

/** A committed entry. */
interface Chosen {
  readonly term: number
  /** The term of the node that knew it first. */
  readonly byTerm: number
}

interface Written {
  readonly term: number
  readonly prevTerm: number
  readonly data: Uint8Array
  readonly kind: number
}

interface Seen {
  core: RaftCore
  commitIndex: number
  term: number
  leaderOf: number
  /** While it leads: the end of its log, which only grows (leader append-only). */
  leaderLast: number
  /** The index of the configuration in force. */
  configuration: number
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/**
 * Knows what was ever promised, over all crashes, and throws BrokenPromise once a node breaks a promise: the properties of
 * Raft figure 3, one vote a term, and reads that miss nothing.
 *
 * With `direct` it also looks at the disk whenever a message leaves that claims something of it; without, a bug must show as a
 * user would meet it.
 *
 * A disk that is lost counts as the holder that it was: its node never votes again as the one that it was, so what it had
 * helped to commit stays on a disk of every majority that can still vote.
 */
export class Checker {
  /** The highest index that anybody has known to be committed. */
  maxCommit = 0
  /** The newest configuration that anybody has known to be committed. */
  members: Configuration | undefined
  readonly #nodes: readonly Observed[]
  readonly #direct: boolean
  readonly #leaders = new Map<number, string>()
  readonly #votes = new Map<string, Map<number, string>>()
  readonly #written: Written[][] = []
  readonly #chosen: (Chosen | undefined)[] = []
  readonly #digests: number[] = []
  readonly #seen = new Map<Observed, Seen>()

  constructor(nodes: readonly Observed[], direct: boolean) {
    this.#nodes = nodes
    this.#direct = direct
  }

  /** Call after every input of a node. */
  observe(node: Observed): void {
    const { core } = node
    if (core === undefined) return
    const seen = this.#seenOf(node, core)
    const { term, commitIndex } = core
    if (term !== seen.term) {
      if (term < seen.term) broken('term monotone', `${node.id} went from ${seen.term} to ${term}`)
      seen.term = term
    }
    if (core.role === 'leader') {
      const { lastIndex } = core.log
      if (seen.leaderOf !== term) {
        seen.leaderOf = term
        this.#elected(node, core)
      } else if (lastIndex < seen.leaderLast) {
        broken('leader append-only', `${node.id} leads ${term} and cut its log from ${seen.leaderLast} to ${lastIndex}`)
      }
      seen.leaderLast = lastIndex
    }
    if (core.configuration.index !== seen.configuration || core.log.lastIndex < seen.configuration) {
      this.#reconfigured(node, core, seen)
    }
    if (commitIndex === seen.commitIndex) return
    if (commitIndex < seen.commitIndex || commitIndex > core.log.lastIndex) {
      const message = `${node.id} has commit ${commitIndex} after ${seen.commitIndex}, last entry ${core.log.lastIndex}`
      broken('commit monotone', message)
    }
    this.#committed(node, core, seen.commitIndex)
    seen.commitIndex = commitIndex
  }

  /** The configuration in force is that of an entry of the log (P-28). */
  #reconfigured({ id }: Observed, core: RaftCore, seen: Seen): void {
    const { log, configuration } = core
    const { index } = configuration
    if (index > log.baseIndex && log.at(index)?.kind !== CONFIGURATION_KIND) {
      broken('configuration of the log', `${id} has that of entry ${index}, in a log that ends at ${log.lastIndex}`)
    }
    if (core.role === 'leader' && index > seen.configuration) mayReconfigure(id, core, seen.configuration)
    seen.configuration = index
  }

  #seenOf(node: Observed, core: RaftCore): Seen {
    const known = this.#seen.get(node)
    if (known?.core === core) return known
    const seen = { core, commitIndex: core.commitIndex, term: core.term, leaderOf: -1, leaderLast: 0, configuration: 0 }
    this.#seen.set(node, seen)
    return seen
  }

  #elected(node: Observed, core: RaftCore): void {
    const { id, disk } = node
    const other = this.#leaders.get(core.term)
    if (other !== undefined && other !== id) broken('election safety', `${id} and ${other} lead term ${core.term}`)
    this.#leaders.set(core.term, id)
    if (this.#direct) {
      const { term, votedFor } = disk.hardState
      if (term < core.term || (term === core.term && votedFor !== id)) {
        broken('own vote durable', `${id} leads ${core.term} and its disk has a vote for ${votedFor} in ${term}`)
      }
    }
    for (let index = core.log.baseIndex + 1; index <= this.maxCommit; index++) {
      const chosen = this.#chosen[index]
      if (chosen !== undefined && chosen.byTerm < core.term) mustHold(node, core, index, chosen)
    }
  }

  #committed(node: Observed, core: RaftCore, from: number): void {
    const { log, commitIndex } = core
    for (let index = Math.max(from, log.baseIndex) + 1; index <= commitIndex; index++) {
      const term = log.termAt(index) as number
      const known = this.#chosen[index]
      if (known === undefined) {
        this.#choose(index, { term, byTerm: core.term })
      } else if (known.term !== term) {
        const message = `${node.id} commits entry ${index} of term ${term}, chosen was that of ${known.term}`
        broken('committed never lost', message)
      }
    }
    if (commitIndex <= this.maxCommit) return
    this.maxCommit = commitIndex
    this.members = core.committedConfiguration.configuration
    const term = log.termAt(commitIndex)
    if (term === undefined || !this.#direct) return
    const { voters, outgoing, pins = [] } = core.configuration.configuration
    const incarnationOf = (id: string): number | undefined => pins.find(([pinned]) => pinned === id)?.[1]
    const holders = this.#nodes
      .filter(({ id, disk }) => disk.holds(commitIndex, term, incarnationOf(id)))
      .map(({ id }) => id)
    const halves = outgoing.length > 0 ? [voters, outgoing] : [voters]
    if (halves.every((half) => half.filter((id) => holders.includes(id)).length * 2 > half.length)) return
    const where = `on the disks of ${holders} for voters ${voters} ${outgoing}`
    broken('quorum durable', `${node.id} commits ${commitIndex} of term ${term}, ${where}`)
  }

  /** Whether the entry at `index` is known to be committed, and is of `term`. */
  hasChosen(index: number, term: number): boolean {
    return this.#chosen[index]?.term === term
  }

  #choose(index: number, chosen: Chosen): void {
    this.#chosen[index] = chosen
    for (const other of this.#nodes) {
      const { core } = other
      if (core?.role === 'leader' && core.term > chosen.byTerm) mustHold(other, core, index, chosen)
    }
  }

  /** The node hands `entries` to its disk. */
  written(node: Observed, entries: readonly LogEntry[]): void {
    const first = entries[0]
    const log = node.core?.log
    if (first === undefined || log === undefined) return
    let prevTerm = log.termAt(first.index - 1) ?? 0
    for (const entry of entries) {
      const { index, term } = entry
      const { kind, data } = this.#comparable(node, entry)
      let terms = this.#written[index]
      if (terms === undefined) {
        terms = []
        this.#written[index] = terms
      }
      const known = terms.find((each) => each.term === term)
      if (known === undefined) terms.push({ term, prevTerm, data, kind })
      else if (known.prevTerm !== prevTerm || known.kind !== kind || !sameBytes(known.data, data)) {
        broken('log matching', `entry ${index} of term ${term} is not the same on ${node.id}`)
      }
      prevTerm = term
    }
  }

  /** What the entry must be on every node: of the one that a witness has, only the place and the term are known. */
  #comparable(node: Observed, { index, term, kind, data }: LogEntry): Pick<LogEntry, 'kind' | 'data'> {
    const isStripped = kind === STRIPPED_KIND
    if (kind !== CONFIGURATION_KIND && isStripped !== node.witness) {
      const has = isStripped ? 'has no data' : 'has data'
      broken(
        'witnesses hold no data',
        `entry ${index} ${has} on ${node.id}, which is ${node.witness ? 'a' : 'no'} witness`,
      )
    }
    return isStripped ? (this.#written[index]?.find((each) => each.term === term) ?? { kind, data }) : { kind, data }
  }

  /** `message` leaves the node. */
  sent(node: Observed, to: string, message: Message): void {
    switch (message.type) {
      case 'vote-request':
        if (!message.preVote) this.#voted(node, message.term, node.id, false)
        return
      case 'vote-response':
        if (message.granted && !message.preVote) this.#voted(node, message.term, to, true)
        return
      case 'append-accepted':
        if (this.#direct) this.#acknowledged(node, message.term, message.matchIndex)
        return
      default:
    }
  }

  #acknowledged(node: Observed, term: number, matchIndex: number): void {
    const { core, disk, id } = node
    if (core === undefined || core.term !== term || matchIndex === 0) return
    const entryTerm = core.log.termAt(matchIndex)
    if (entryTerm === undefined || disk.holds(matchIndex, entryTerm)) return
    broken('ack after durable', `${id} acknowledges entry ${matchIndex}, which its disk does not have`)
  }

  #voted(node: Observed, term: number, candidate: string, given: boolean): void {
    const { id, identity, disk } = node
    let votes = this.#votes.get(identity)
    if (votes === undefined) {
      votes = new Map()
      this.#votes.set(identity, votes)
    }
    const before = votes.get(term)
    if (before !== undefined && before !== candidate) {
      broken('one vote a term', `${id} votes for ${before}, then for ${candidate}, in term ${term}`)
    }
    votes.set(term, candidate)
    if (!this.#direct) return
    const { hardState } = disk
    if (hardState.term > term || (hardState.term === term && hardState.votedFor === candidate)) return
    const has = `its disk has ${hardState.votedFor} in ${hardState.term}`
    broken('vote after durable', `${id} ${given ? 'gives' : 'asks as'} ${candidate} a vote in ${term}; ${has}`)
  }

  /** The state machine of a node has reached `index` and its digest is now `digest`. */
  applied(node: Observed, index: number, digest: number): void {
    if (node.witness) return
    const known = this.#digests[index]
    if (known === undefined) this.#digests[index] = digest
    else if (known !== digest) {
      broken('state machine safety', `${node.id} has another state at ${index} than the one that was there first`)
    }
  }

  /** A read that was asked for when `floor` was known to be committed may be served at `index`. */
  readConfirmed(node: Observed, floor: number, index: number): void {
    if (index >= floor) return
    const message = `${node.id} may read at ${index}, though ${floor} was committed before the read was asked for`
    broken('linearizable reads', message)
  }
}

/**
 * A leader adds a configuration only once it has committed an entry of its term (P-26), and the configuration before (P-27); and
 * nobody counts as a voter who has nothing of the log (P-31). The first leader begins its term with the one that all have been given.
 */
function mayReconfigure(id: string, core: RaftCore, before: number): void {
  const { log, commitIndex, term, progress, configuration: placed } = core
  const { index, configuration } = placed
  if (before > commitIndex) {
    broken('one change at a time', `${id} adds configuration ${index} to ${before}, which is not committed`)
  }
  if (log.termAt(commitIndex) !== term && log.termAt(index - 1) === term) {
    broken('changes after a commit', `${id} adds configuration ${index} before it has committed in term ${term}`)
  }
  const { voters, outgoing } = configuration
  if (outgoing.length === 0) return
  for (const voter of voters) {
    if (voter === id || outgoing.includes(voter) || (progress?.get(voter)?.match ?? 0) > 0) continue
    broken('voters have the log', `${id} makes ${voter} a voter, which has nothing yet`)
  }
}

function mustHold(node: Observed, core: RaftCore, index: number, chosen: Chosen): void {
  if (index <= core.log.baseIndex || core.log.termAt(index) === chosen.term) return
  const entry = `entry ${index} of term ${chosen.term}, committed in ${chosen.byTerm}`
  broken('leader completeness', `${node.id} leads ${core.term} without ${entry}`)
}

function broken(rule: string, message: string): never {
  throw new BrokenPromise(rule, message)
}
