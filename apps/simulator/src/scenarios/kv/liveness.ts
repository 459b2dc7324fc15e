import type { Random } from '@dsys/runtime'
import type { Nemesis, Scheduler, SimLinks, SimWorld } from '@dsys/simulation'
import type { Clients } from './clients.ts'
import type { KvKnobs } from './knobs.ts'
import type { KvService } from './kv-program.ts'
import type { LostDisks } from './lost-disks.ts'
import type { Verdict } from './verdict.ts'

/** What the end of a run works with. */
export interface LivenessParts {
  readonly scheduler: Scheduler
  readonly world: SimWorld
  readonly nemesis: Nemesis
  readonly verdict: Verdict
  readonly clients: Clients
  readonly random: Random
  readonly service: (id: string) => KvService | undefined
  readonly links: Pick<SimLinks<unknown>, 'underWayUntilMs'>
  readonly knobs: Pick<KvKnobs, 'raft' | 'link' | 'disk' | 'members' | 'callTimeoutMs' | 'coreShare'>
  /** Nodes that come back last, and with empty disks. */
  readonly lostDisks: LostDisks
}

/** A healed core takes writes within so many election timeouts; the most of some thousand seeds is half of it ... */
const PROGRESS_TIMEOUTS = 12
/** ... and as many round trips as it takes to bring what somebody may lack to all, in messages of one entry in the worst case. */
const SYNCS_PER_ROUND_TRIP = 2
/** Whoever is not of the core may lead it, over links that lose frames; see the scenario raft. */
const HEARTBEATS_PER_LOSS = 25
const PROBE_PAUSE_MS = 50

/**
 * What must happen once faults end: a core of nodes makes progress while the others stay broken, then all come to the same
 * state, and whoever reads then sees what was acknowledged.
 */
export class Liveness {
  readonly #parts: LivenessParts
  #isBack = false

  constructor(parts: LivenessParts) {
    this.#parts = parts
  }

  async run(): Promise<void> {
    const { nemesis, random, verdict, scheduler, lostDisks } = this.#parts
    const core = this.#drawCore()
    const healRest = nemesis.healCore(core, random)
    if (this.#changing) await this.#gather(this.#parts.world.ids)
    if (!verdict.broken) await this.#progress(core)
    healRest()
    await this.#agree()
    if (lostDisks.ids.length > 0 && !verdict.broken) {
      await this.#bringBack()
      await this.#agree()
    }
    // What is under way, a late frame for instance, must do no harm either.
    await scheduler.runAsync(scheduler.nowMs + this.#electionTimeoutMs, () => verdict.broken)
  }

  /**
   * Who has lost its disk is back under its id with an empty one. Where the group knows it by its disk it must stop itself, and until then
   * count for nothing (P-30). It is removed then, and added again.
   */
  async #bringBack(): Promise<void> {
    const { lostDisks, verdict, world } = this.#parts
    lostDisks.begin()
    await this.#until(
      'lost disks',
      () => lostDisks.settled,
      () => `${lostDisks.ids.join(', ')} neither stop nor take part with empty disks`,
    )
    const { stopped, removed } = lostDisks
    if (stopped.length + removed.length > 0 && !verdict.broken) {
      await this.#gather(world.ids.filter((id) => !stopped.includes(id)))
      lostDisks.restart()
      if (!verdict.broken) await this.#gather(world.ids)
    }
    this.#isBack = true
  }

  /** All nodes have the same, and say so to whoever reads. */
  async #agree(): Promise<void> {
    const { verdict, clients } = this.#parts
    if (verdict.broken) return
    await this.#until(
      'convergence',
      () => this.#converged(),
      () => 'the nodes do not come to the same log',
    )
    if (verdict.broken) return
    this.#compareStates()
    const unread = new Set<string>()
    this.#readAll(unread)
    await this.#until(
      'last reads',
      () => unread.size === 0 && clients.open === 0,
      () => (unread.size > 0 ? `nobody answers reads of ${[...unread].join(', ')}` : `${clients.open} calls never end`),
      this.#parts.knobs.callTimeoutMs,
    )
  }

  #alive(): string[] {
    const { world, lostDisks } = this.#parts
    return world.ids.filter((id) => this.#isBack || !(lostDisks.ids.includes(id) || world.node(id).lost))
  }

  #drawCore(): string[] {
    const { world, random, knobs } = this.#parts
    const alive = this.#alive()
    // Nobody can say which nodes are a majority while the members change.
    if (this.#changing) return alive
    const size = Math.min(
      alive.length,
      Math.max(Math.floor(world.ids.length / 2) + 1, Math.floor(knobs.coreShare * world.ids.length)),
    )
    const core: string[] = []
    while (core.length < size) core.push(...alive.splice(random.integer(0, alive.length), 1))
    return core
  }

  get #changing(): boolean {
    return this.#parts.knobs.members.everyMs > 0
  }

  /** Whatever became of the changes that were under way: these nodes can be made the voters, and then are. */
  async #gather(voters: readonly string[]): Promise<void> {
    const gathered = new Set<string>()
    for (const id of this.#alive()) this.#call(id, 'all', gathered, (found) => this.#gatherBy(found, voters))
    await this.#until(
      'members',
      () => gathered.size > 0,
      () => `nobody makes voters of ${voters.join(', ')}`,
      PROGRESS_TIMEOUTS * this.#electionTimeoutMs,
    )
  }

  #gatherBy({ raft }: KvService, voters: readonly string[]): Promise<unknown> {
    return raft.reconfigure({ voters, learners: [] }, { timeoutMs: 4 * this.#electionTimeoutMs })
  }

  /** Every node of the core gets a write through, and then a read, within the bound. */
  async #progress(core: readonly string[]): Promise<void> {
    const done = new Set<string>()
    for (const id of core) this.#probe(id, done)
    await this.#until(
      'progress',
      () => done.size === core.length,
      () =>
        `${core.filter((id) => !done.has(id)).join(', ')} of the healed core ${core.join(', ')} get no write and read through`,
    )
  }

  #probe(id: string, done: Set<string>): void {
    this.#call(id, id, done, ({ life, keyspace }, attempt) => {
      const options = { timeoutMs: 4 * this.#electionTimeoutMs }
      return keyspace
        .put(`probe-${id}`, `p${id}-${life.generation}-${attempt}`, options)
        .then(() => keyspace.get(`probe-${id}`, options))
    })
  }

  /** Asks the node `id` by `action`, again and again, until that succeeds; then `name` is `done`. */
  #call(
    id: string,
    name: string,
    done: Set<string>,
    action: (service: KvService, attempt: number) => Promise<unknown>,
    attempt = 1,
  ): void {
    const { scheduler, service, verdict } = this.#parts
    let ended = false
    const again = (): void => {
      if (ended || verdict.broken || done.has(name)) return
      ended = true
      scheduler.after(PROBE_PAUSE_MS, () => this.#call(id, name, done, action, attempt + 1))
    }
    const found = service(id)
    if (found === undefined) {
      again()
      return
    }
    const { life } = found
    life.onEnd(again)
    life.process.input(() => {
      action(found, attempt).then(
        () => {
          if (!life.alive) return
          ended = true
          done.add(name)
        },
        () => {
          if (life.alive) again()
        },
      )
    })
  }

  #converged(): boolean {
    const statuses = this.#alive().map((id) => this.#parts.service(id)?.raft.status())
    const [first] = statuses
    if (first === undefined) return false
    return statuses.every((status) => {
      return status !== undefined && status.lastIndex === first.lastIndex && status.lastApplied === first.lastIndex
    })
  }

  #compareStates(): void {
    const { verdict, service } = this.#parts
    const states = new Map<string, string>()
    for (const id of this.#alive()) {
      void service(id)?.raft.read(
        (state) => {
          const entries = [...(state.keyspaces.get('default')?.entries ?? [])]
          const text = entries.map(([key, { value, revision, createRevision }]) => {
            return `${key}=${Buffer.from(value).toString('latin1').trim()}@${revision},${createRevision}`
          })
          states.set(id, `${state.keyspaces.get('default')?.revision} ${text.sort().join(' ')}`)
        },
        { consistency: 'stale' },
      )
    }
    const [first] = states
    for (const [id, state] of states) {
      verdict.keep(state === first?.[1], 'equal states', () => `${first?.[0]} has ${first?.[1]}, ${id} has ${state}`)
    }
  }

  /** A last read of every key, through all nodes in turns, each again until it is answered. */
  #readAll(unread: Set<string>): void {
    const nodes = this.#alive()
    // So many that every node has to answer.
    const keys = [...this.#parts.clients.keys, ...nodes.map((id) => `last-${id}`)]
    for (const [turn, key] of keys.entries()) {
      unread.add(key)
      this.#readLast(key, turn, unread)
    }
  }

  #readLast(key: string, turn: number, unread: Set<string>): void {
    const { clients, scheduler, verdict } = this.#parts
    const nodes = this.#alive()
    const done = (answered: boolean): void => {
      if (answered) unread.delete(key)
      else if (!verdict.broken) scheduler.after(PROBE_PAUSE_MS, () => this.#readLast(key, turn, unread))
    }
    clients.readLast(key, nodes[turn % nodes.length] as string, turn, done)
  }

  get #electionTimeoutMs(): number {
    return this.#parts.knobs.raft.electionTimeoutMs
  }

  /** How long it may take from now on until all have what any of them has. */
  #boundMs(): number {
    const { scheduler, links, knobs, world, service } = this.#parts
    const { raft, link, disk } = knobs
    const statuses = world.ids.map((id) => service(id)?.raft.status())
    const last = Math.max(0, ...statuses.map((status) => status?.lastIndex ?? 0))
    // Of whoever is still starting nobody knows what it has.
    const applied = Math.min(...this.#alive().map((id) => service(id)?.raft.status().lastApplied ?? 0))
    const syncMs = disk.syncMs?.[1] ?? 0
    const lossMs = HEARTBEATS_PER_LOSS * (link.lossRate ?? 0) * raft.heartbeatIntervalMs
    const entryMs = 2 * link.delayMs + SYNCS_PER_ROUND_TRIP * syncMs + lossMs
    // A late word of an old leader renews the patience of those who hear it, so nobody is elected before the last one.
    const lateMs = Math.max(0, links.underWayUntilMs - scheduler.nowMs)
    return lateMs + PROGRESS_TIMEOUTS * this.#electionTimeoutMs + (last - applied) * entryMs
  }

  /** @param extraMs what `condition` may take besides. */
  async #until(rule: string, condition: () => boolean, message: () => string, extraMs = 0): Promise<void> {
    const { scheduler, verdict } = this.#parts
    const withinMs = this.#boundMs() + extraMs
    let held = condition()
    if (!held) {
      await scheduler.runAsync(scheduler.nowMs + withinMs, () => {
        held ||= condition()
        return held || verdict.broken
      })
    }
    if (held || verdict.broken) return
    verdict.break(rule, `${message()} within ${Math.round(withinMs)} ms\n${this.#describe()}`)
  }

  #describe(): string {
    const { world, service } = this.#parts
    return world.ids
      .map((id) => {
        const status = service(id)?.raft.status()
        return `${id}: ${status === undefined ? (world.node(id).lost ? 'lost' : 'down') : JSON.stringify(status)}`
      })
      .join('\n')
  }
}
