import type { Random } from '@dsys/runtime'
import { type Nemesis, promise, type Scheduler, type SimLinks, type Trace } from '@dsys/simulation'
import type { Checker } from './checker.ts'
import type { CoreNode } from './core-node.ts'
import type { RaftKnobs } from './knobs.ts'
import { isStranger, tend } from './lost-disks.ts'
import type { ClientOperation } from './operations.ts'
import type { Served } from './served.ts'

/** A healed core serves a write and a read within this many election timeouts, and a node that flaps costs it a few more ... */
const PROGRESS_TIMEOUTS = 12
/** ... and as many round trips and turns as it takes to bring what somebody may lack to all of the core, one by one. */
const ROUND_TRIP_MS = 3
/** In a slow process frames, ends of writes and turns wait in turn, and what is committed is applied turn by turn. */
const TURNS_PER_ROUND_TRIP = 8
/**
 * Whoever is not of the core may lead it, if its log is ahead, over links that still lose frames. What one entry then costs, for a
 * loss of all frames; measured: seven heartbeats at a loss of three in ten, since the word that a frame is missing is lost as well.
 */
const HEARTBEATS_PER_LOSS = 25
/** Somebody writes after one of these, and a leader whose disk does not take that leads for two more at the most. */
const STALLED_TIMEOUTS = 4
/** By then every node has what every other has. A lost word about a snapshot costs a few timeouts more. */
const CONVERGENCE_TIMEOUTS = 60

/** What a {@link Liveness} works with. */
export interface LivenessParts {
  readonly scheduler: Scheduler
  readonly links: Pick<SimLinks<unknown>, 'underWayUntilMs'>
  readonly trace: Trace
  readonly nemesis: Nemesis
  readonly checker: Checker
  readonly served: Served
  readonly knobs: RaftKnobs
  readonly nodes: readonly CoreNode[]
  readonly random: Random
  /** Who the voters are may be unlike what the plan began with. */
  readonly votersChange: boolean
  /** Nodes whose disk is gone for good. */
  readonly lost: ReadonlySet<string>
  readonly count: (what: string) => void
  readonly ask: (operation: Pick<ClientOperation, 'type' | 'key' | 'value'>) => void
  /** The first register and value that no operation of the plan has. */
  readonly nextKey: number
  readonly nextValue: number
}

/**
 * What must come true once enough is healed. First a core of nodes, just a majority or more, is healed for good while each of the
 * others stays broken in its own way: the core must elect, commit and agree. Then everything is healed that is not lost.
 */
export class Liveness {
  readonly #parts: LivenessParts
  #key: number
  #value: number

  constructor(parts: LivenessParts) {
    this.#parts = parts
    this.#key = parts.nextKey
    this.#value = parts.nextValue
  }

  run(): void {
    const { nemesis, nodes, lost, votersChange, random, count, trace, scheduler } = this.#parts
    const able = nodes.filter(({ id }) => !lost.has(id))
    // Nobody can say which nodes are a majority while a change is on its way.
    const core = votersChange ? able : this.#drawCore(able)
    count(core.length === nodes.length ? 'core.everybody' : 'core.some')
    trace.add(scheduler.nowMs, '', 'heal', '', core.length)
    for (const { disk } of nodes) disk.hurry()
    const healRest = nemesis.healCore(
      core.map(({ id }) => id),
      random,
    )
    const stalled = this.#stallLeader(core)
    this.#progress(core.filter((node) => node !== stalled?.node))
    stalled?.end()
    healRest()
    trace.add(scheduler.nowMs, '', 'heal', '', able.length)
    this.#progress(able)
    // A node that begins anew beside a leader that has nothing to say must find out by itself that it has everything.
    const leader = able.find((node) => node.core?.role === 'leader')
    const follower = able.find(({ id }) => leader?.core?.progress?.has(id) === true)
    follower?.machine.crash({ unsynced: 'kept', disk: 'kept' })
    follower?.machine.restart()
    this.#converge(able, 0)
    this.#takeBack()
    this.#knowDisks()
  }

  /** Whoever has lost its disk and stays out is removed and added again, as an operator does it, and is a voter like any other. */
  #takeBack(): void {
    const { scheduler, knobs, nodes, count } = this.#parts
    const out = nodes.filter(({ machine, disk }) => disk.replaced > 0 && !machine.lost)
    for (const node of out) {
      const untilMs = scheduler.nowMs + CONVERGENCE_TIMEOUTS * knobs.electionTimeoutMs
      const back = (): boolean => {
        const core = leaderOf(nodes)?.core
        return core?.configuration.configuration.voters.includes(node.id) === true && !isStranger(core, node)
      }
      if (back()) count('lost-disk.back-before')
      const ask = (): void => {
        if (back()) return
        tend(node, nodes)
        scheduler.after(knobs.electionTimeoutMs, ask)
      }
      ask()
      scheduler.run(untilMs, back)
      promise(back(), 'a new disk', () => `${node.id} is not taken back with its new disk: ${this.#describe()}`)
      count('lost-disk.back')
    }
    if (out.length === 0) return
    const { lost } = this.#parts
    const gone = nodes.filter(({ id, machine }) => lost.has(id) && machine.lost)
    this.#progress(nodes.filter((node) => !gone.includes(node)))
  }

  /** In the end the group knows each of its voters by its disk, unless one of its members has never told (P-30). */
  #knowDisks(): void {
    const { scheduler, knobs, nodes, count } = this.#parts
    if (knobs.withoutIncarnation > 0 || nodes.some(({ machine }) => machine.lost)) return
    const known = (): boolean => {
      const { voters, pins = [] } = leaderOf(nodes)?.core?.configuration.configuration ?? { voters: [] }
      const incarnations = new Map(nodes.map(({ id, disk }) => [id, disk.hardState.incarnation]))
      return (
        voters.length > 0 && voters.every((id) => pins.some(([to, by]) => to === id && incarnations.get(id) === by))
      )
    }
    scheduler.run(scheduler.nowMs + CONVERGENCE_TIMEOUTS * knobs.electionTimeoutMs, known)
    promise(known(), 'known by their disks', () => `the group does not know all of its voters: ${this.#describe()}`)
    count('voters.known')
  }

  /** At times whoever leads the core cannot write any more; if the others are a majority, they go on without it (P-44). */
  #stallLeader(core: readonly CoreNode[]): { readonly node: CoreNode; readonly end: () => void } | undefined {
    const { nodes, random, votersChange, count, scheduler, knobs } = this.#parts
    const node = leaderOf(core)
    const spared = core.length > Math.floor(nodes.length / 2) + 1
    if (votersChange || !spared || node === undefined || random.stream('stall').float() >= 0.3) return undefined
    count('rest.stalled-disk')
    const restore = node.disk.faults.stall()
    const untilMs = scheduler.nowMs + STALLED_TIMEOUTS * knobs.electionTimeoutMs
    return {
      node,
      end: () => {
        scheduler.run(untilMs)
        promise(node.core?.role !== 'leader', 'stalled leader', () => `${node.id} leads on without its disk`)
        restore()
      },
    }
  }

  #drawCore(able: readonly CoreNode[]): CoreNode[] {
    const { nodes, random, knobs } = this.#parts
    const majority = Math.floor(nodes.length / 2) + 1
    const size = random.integer(majority, able.length + 1)
    const left = [...able]
    const core = Array.from({ length: size }, () => left.splice(random.integer(0, left.length), 1)[0] as CoreNode)
    // One that hears nobody, and begins elections without asking first, disturbs all others for ever (P-07): so it is healed with them.
    return [...core, ...left.filter((node) => nodes.indexOf(node) < knobs.withoutPreVote)]
  }

  /**
   * In time, something new is committed, and clients get a new write and a new read through; and then `group` agrees on everything.
   * What a new leader commits by itself, or what was asked for before, shows too little: it may refuse all that it is asked.
   */
  #progress(group: readonly CoreNode[]): void {
    const { scheduler, links, checker, served, knobs } = this.#parts
    const { electionTimeoutMs } = knobs
    const floor = checker.maxCommit
    const key = this.#key++
    const backlogMs = this.#backlog(group) * this.#entryMs(group)
    const allowedMs = PROGRESS_TIMEOUTS * electionTimeoutMs + backlogMs
    // A word of an old leader that arrives late renews the patience of those who hear it, so nobody is elected before the last one.
    const startMs = links.underWayUntilMs
    const done = (): boolean => checker.maxCommit > floor && served.since('write', key) && served.since('read', key)
    const ask = (): void => {
      if (done()) return
      this.#ask(key)
      scheduler.after(electionTimeoutMs, ask)
    }
    scheduler.after(electionTimeoutMs, ask)
    scheduler.run(startMs + allowedMs, done)
    promise(done(), 'progress', () => {
      const lacking =
        checker.maxCommit === floor
          ? 'entry was committed'
          : served.since('write', key)
            ? 'read was served'
            : 'write was acknowledged'
      return `no new ${lacking} within ${allowedMs} ms after ${describeAll(group)} were healed: ${this.#describe()}`
    })
    this.#converge(group, backlogMs)
  }

  /** The most entries that one of `group` may need from another node, also from one that is down just now. */
  #backlog(group: readonly CoreNode[]): number {
    const ends = this.#parts.nodes.map(({ core, disk }) => core?.log.lastIndex ?? disk.lastIndex)
    // What is committed may wait long until it is applied, and only then is a write acknowledged.
    const known = group.map(({ driver, disk }) => driver?.applied ?? disk.snapshot?.index ?? 0)
    return Math.max(...ends) - Math.min(...known)
  }

  /** How long one entry takes to reach a node of `group`, at the most and on average. */
  #entryMs(group: readonly CoreNode[]): number {
    const { knobs, nodes, lost } = this.#parts
    const { turnDelayMs, lossRate, heartbeatIntervalMs } = knobs
    const healed = nodes.every((node) => group.includes(node) || lost.has(node.id))
    const lossMs = healed ? 0 : HEARTBEATS_PER_LOSS * lossRate * heartbeatIntervalMs
    return ROUND_TRIP_MS + TURNS_PER_ROUND_TRIP * turnDelayMs + lossMs
  }

  #ask(key: number): void {
    const { ask } = this.#parts
    ask({ type: 'write', key, value: this.#value++ })
    ask({ type: 'read', key, value: 0 })
  }

  #converge(group: readonly CoreNode[], extraMs: number): void {
    const { scheduler, knobs, nodes } = this.#parts
    const untilMs = scheduler.nowMs + CONVERGENCE_TIMEOUTS * knobs.electionTimeoutMs + extraMs
    scheduler.run(untilMs, () => agree(group, nodes))
    promise(agree(group, nodes), 'convergence', () => `${describeAll(group)} do not agree: ${this.#describe()}`)
  }

  #describe(): string {
    return this.#parts.nodes
      .map(({ id, core, driver, machine }) => {
        if (core === undefined) return `${id} is ${machine.lost ? 'lost' : 'down'}`
        const followers = [...(core.progress ?? [])].map(
          ([to, { state, match, next }]) => `${to}:${state} ${match}/${next}`,
        )
        const { voters, outgoing, learners, target } = core.configuration.configuration
        const of = `of ${voters}/${outgoing}/${learners}${target ? ` to ${target.voters}` : ''}`
        const log = `${of} log ${core.log.baseIndex}..${core.log.lastIndex} commit ${core.commitIndex} applied ${driver?.applied}`
        return `${id} ${core.role} under ${core.leader} term ${core.term} ${log} [${followers.join(', ')}]`
      })
      .join('; ')
  }
}

/** The one of the highest term that leads. */
function leaderOf(nodes: readonly CoreNode[]): CoreNode | undefined {
  const leaders = nodes.filter(({ core }) => core?.role === 'leader')
  return leaders.sort((a, b) => (b.core?.term ?? 0) - (a.core?.term ?? 0))[0]
}

const describeAll = (group: readonly CoreNode[]): string => group.map(({ id }) => id).join(', ')

/**
 * All of `group` follow one leader and have applied everything that it has, and nobody waits for a read. The leader may be one of
 * the others, as long as it is well enough to lead. One that has lost its disk, and was not taken back, has nothing to agree to.
 */
function agree(group: readonly CoreNode[], all: readonly CoreNode[]): boolean {
  const leader = leaderOf(all)
  const id = leader?.id
  const { core, driver } = leader ?? {}
  if (core?.role !== 'leader' || driver === undefined || driver.pendingReads > 0) return false
  if (core.transferTarget !== undefined) return false
  const { lastIndex } = core.log
  const { configuration } = core.configuration
  if (configuration.target !== undefined || configuration.outgoing.length > 0) return false
  for (const node of group) {
    const { id: member, core: each, driver: its } = node
    if (member !== id && core.progress?.has(member) !== true) continue
    if (node.disk.replaced > 0 && isStranger(core, node)) continue
    if (each?.leader !== id || each?.term !== core.term) return false
    if (its?.applied !== lastIndex || each.commitIndex !== lastIndex) return false
  }
  return true
}
