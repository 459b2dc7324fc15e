import type { HardState, LogEntry } from '@dsys/storage'
import type { Configuration } from '../../../src/core/configuration.ts'
import type { Message } from '../../../src/core/messages.ts'
import type { WriteEffect } from '../../../src/core/outbox.ts'
import { RaftCore } from '../../../src/core/raft-core.ts'
import { STRIPPED_KIND } from '../../../src/core/witness.ts'
import { ELECTION_TIMEOUT_MS, entriesOf, HEARTBEAT_INTERVAL_MS } from './cluster.ts'

interface StoryNode {
  readonly id: string
  core: RaftCore
  hardState: HardState
  entries: LogEntry[]
  pending: WriteEffect[]
}

interface OnItsWay {
  readonly from: string
  readonly to: string
  readonly message: Message
}

type Command = (words: readonly string[], options: ReadonlyMap<string, string>) => void

/** A cluster that does exactly what the lines of a story say, and tells what came of it. */
export class Story {
  readonly #nodes = new Map<string, StoryNode>()
  #ids: string[] = []
  /** Whom the group begins with; the other nodes wait to be added. */
  #voters: string[] = []
  #network: OnItsWay[] = []
  #lines: string[] = []
  #nowMs = 0
  /** The nodes that are made as witnesses. */
  #witnesses: string[] = []
  #maxAppendBytes = 1_000
  #nextTicket = 1

  readonly #commands: Readonly<Record<string, Command>> = {
    // cluster 5 append=1 voters=3: nodes n1 to n5, with empty disks; appends of about so many bytes, one entry at least. The
    // group begins with so many of them, by default with all. With witnesses=n3,n4 these hold no data.
    cluster: ([count], options) => {
      this.#witnesses = (options.get('witnesses') ?? '').split(',').filter(Boolean)
      this.#maxAppendBytes = Number(options.get('append') ?? 1_000)
      this.#ids = Array.from({ length: Number(count) }, (_, i) => `n${i + 1}`)
      this.#voters = this.#ids.slice(0, Number(options.get('voters') ?? count))
      for (const id of this.#ids) this.#begin(id, { term: 0, votedFor: undefined }, [])
    },
    // disk n1 log=1,1,2 term=3: what n1 begins with.
    disk: ([id], options) => {
      const terms = (options.get('log') ?? '').split(',').filter(Boolean).map(Number)
      const term = Number(options.get('term') ?? terms.at(-1) ?? 0)
      this.#begin(id as string, { term, votedFor: options.get('vote') }, entriesOf(terms))
    },
    campaign: ([id]) => this.#node(id).core.campaign(this.#nowMs),
    // elect n1 *>n2: it campaigns when no leader was heard for long, and all settles. Links that are named lose all.
    elect: ([id, ...lost]) => {
      this.#nowMs += 2 * ELECTION_TIMEOUT_MS
      this.#node(id).core.campaign(this.#nowMs)
      this.#settle(lost)
    },
    propose: ([id, ...values]) => {
      const items = values.map((value) => ({ kind: 1, data: new TextEncoder().encode(value) }))
      this.#say(this.#node(id).core.propose(items) ?? 'taken')
    },
    transfer: ([id, to]) => this.#say(this.#node(id).core.transfer(to as string, this.#nowMs) ? 'begun' : 'refused'),
    // reconfigure n1 voters=n1,n2,n3 learners=n4 witnesses=n3
    reconfigure: ([id], options) => {
      const ids = (name: string): string[] => (options.get(name) ?? '').split(',').filter(Boolean)
      const witnesses = ids('witnesses')
      const members = { voters: ids('voters'), learners: ids('learners') }
      const target = witnesses.length > 0 ? { ...members, witnesses } : members
      const result = this.#node(id).core.reconfigure(target)
      this.#say(result)
    },
    read: ([id]) => this.#say(this.#node(id).core.requestRead(this.#nextTicket++) ? 'asked' : 'refused'),
    // pass 10 n1 n2: so many milliseconds, and the timers of these nodes.
    pass: ([ms, ...ids]) => {
      this.#nowMs += Number(ms)
      for (const id of ids) this.#node(id).core.tick(this.#nowMs)
    },
    sync: (ids) => {
      for (const id of ids.length > 0 ? ids : this.#ids) this.#sync(this.#node(id))
    },
    // deliver n1>n2 ...: what is on its way there; without links, all of it.
    deliver: (links) => this.#deliver(links),
    drop: (links) => {
      for (const each of this.#take(links)) this.#say(`drop ${describeMessage(each)}`)
    },
    // settle: everything is delivered and durable until nothing is left. Links that are named lose all.
    settle: (links) => this.#settle(links),
    // crash n1: it begins anew with what is durable.
    crash: (ids) => {
      for (const id of ids) {
        const { hardState, entries } = this.#node(id)
        this.#begin(id, hardState, [...entries])
      }
    },
    state: (ids) => {
      for (const id of ids.length > 0 ? ids : this.#ids) this.#say(this.#describe(this.#node(id)))
    },
  }

  /** Runs one line, and returns what happened, line by line. */
  run(line: string): string {
    const [name = '', ...words] = line.trim().split(/\s+/)
    const command = this.#commands[name]
    if (command === undefined)
      throw new Error(`"${name}" is no command; there are ${Object.keys(this.#commands).join(', ')}`)
    this.#lines = []
    const options = new Map(
      words.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]),
    )
    command(
      words.filter((word) => !word.includes('=')),
      options,
    )
    this.#collectAll()
    return this.#lines.length === 0 ? 'ok' : this.#lines.join('\n')
  }

  #say(line: string): void {
    this.#lines.push(line)
  }

  #node(id: string | undefined): StoryNode {
    const node = this.#nodes.get(id ?? '')
    if (node === undefined) throw new Error(`there is no node "${id}"`)
    return node
  }

  #begin(id: string, hardState: HardState, entries: LogEntry[]): void {
    const config = {
      id,
      voters: this.#voters.includes(id) ? this.#voters : [],
      witness: this.#witnesses.includes(id),
      electionTimeoutMs: ELECTION_TIMEOUT_MS,
      heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
      maxAppendBytes: this.#maxAppendBytes,
      maxInflightAppends: 8,
      maxInflightBytes: 1 << 20,
      maxUncommittedBytes: 1 << 20,
    }
    const core = new RaftCore(config, { hardState, snapshot: undefined, entries }, this.#nodes.size + 1, this.#nowMs)
    this.#nodes.set(id, { id, core, hardState, entries, pending: [] })
  }

  /** Takes the effects of all nodes; what is to be written waits for `sync`. */
  #collectAll(): void {
    for (const node of this.#nodes.values()) {
      for (const event of node.core.takeEvents()) {
        // Not why, which is a sentence for people: it may change, and a story must not.
        if (event.type === 'role') this.#say(`${node.id} is ${event.role} in term ${event.term}`)
        if (event.type === 'configuration')
          this.#say(`${node.id} has configuration ${event.index}: ${describeMembers(event.configuration)}`)
      }
      const { write, messages, confirmedReads, droppedReads } = node.core.takeEffects()
      if (write !== undefined) node.pending.push(write)
      for (const { to, message } of messages) this.#network.push({ from: node.id, to, message })
      for (const { ticket, index } of confirmedReads) this.#say(`${node.id} may serve read ${ticket} at ${index}`)
      for (const ticket of droppedReads) this.#say(`${node.id} gives read ${ticket} back`)
    }
  }

  #sync(node: StoryNode): void {
    for (const { id, hardState, entries } of node.pending.splice(0)) {
      if (hardState !== undefined) node.hardState = hardState
      const first = entries[0]
      if (first !== undefined) node.entries.splice(first.index - 1, Number.POSITIVE_INFINITY, ...entries)
      node.core.durable(id, this.#nowMs)
    }
  }

  #take(links: readonly string[]): OnItsWay[] {
    const wanted = ({ from, to }: OnItsWay): boolean =>
      links.length === 0 || links.some((link) => link === `${from}>${to}` || link === `${from}>*` || link === `*>${to}`)
    const taken = this.#network.filter(wanted)
    this.#network = this.#network.filter((each) => !wanted(each))
    return taken
  }

  #deliver(links: readonly string[]): void {
    for (const each of this.#take(links)) {
      this.#say(describeMessage(each))
      this.#node(each.to).core.step(each.from, each.message, this.#nowMs)
    }
  }

  #settle(lost: readonly string[] = []): void {
    for (let round = 0; round < 100; round++) {
      this.#collectAll()
      if (lost.length > 0) this.#take(lost)
      const pending = [...this.#nodes.values()].some((node) => node.pending.length > 0)
      if (!pending && this.#network.length === 0) return
      for (const node of this.#nodes.values()) this.#sync(node)
      this.#collectAll()
      if (lost.length > 0) this.#take(lost)
      for (const { from, to, message } of this.#take([])) this.#node(to).core.step(from, message, this.#nowMs)
    }
    throw new Error('the cluster does not settle')
  }

  #describe({ id, core }: StoryNode): string {
    const { log } = core
    const terms = Array.from({ length: log.lastIndex }, (_, i) => log.termAt(i + 1)).join(',')
    return `${id} ${core.role} term=${core.term} vote=${core.votedFor ?? '-'} leader=${core.leader ?? '-'} log=[${terms}] durable=${core.durableIndex} commit=${core.commitIndex}${members(core)}`
  }
}

/** Nothing where the group is as it began. */
function members({ configuration: { index, configuration } }: RaftCore): string {
  return index === 0 ? '' : ` configuration=${index} ${describeMembers(configuration)}`
}

function describeMembers({ voters, outgoing, learners, target, witnesses = [] }: Configuration): string {
  const lists = { voters, outgoing, learners, target: target?.voters ?? [], witnesses }
  return Object.entries(lists)
    .filter(([, ids]) => ids.length > 0)
    .map(([name, ids]) => `${name}=${ids.join(',')}`)
    .join(' ')
}

function describeMessage({ from, to, message }: OnItsWay): string {
  const fields = Object.entries(message)
    .filter(([name]) => name !== 'type')
    .map(([name, value]) => `${name}=${describeField(value)}`)
  return `${from}>${to} ${message.type} ${fields.join(' ')}`
}

/** Of entries their terms, of the reason for a refusal its name. */
function describeField(value: unknown): unknown {
  if (Array.isArray(value)) return `[${value.map(describeEntry).join(',')}]`
  return typeof value === 'object' && value !== null && 'reason' in value ? value.reason : value
}

/** Its term, and in brackets that its data was left out. */
const describeEntry = ({ term, kind }: LogEntry): string => (kind === STRIPPED_KIND ? `(${term})` : `${term}`)
