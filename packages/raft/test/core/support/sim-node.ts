import type { LogEntry } from '@dsys/storage'
import type { Message } from '../../../src/core/messages.ts'
import type { Effects, RaftCore } from '../../../src/core/raft-core.ts'
import type { Checker } from './checker.ts'
import type { Knobs } from './knobs.ts'
import type { Schedule } from './schedule.ts'
import type { SimDisk } from './sim-disk.ts'
import { type Arrived, SimSnapshots } from './sim-snapshots.ts'
import type { Trace } from './trace.ts'

/** Moments at which a crash is most telling. */
export type AimedMoment = 'write' | 'vote' | 'leader' | 'ack' | 'commit' | 'snapshot'

/** Ways to be a wrong driver, to see that the checks find it. */
export type DriverBug = 'none' | 'vote-not-persisted' | 'durable-too-early'

/** What surrounds the nodes of a run. */
export interface World {
  readonly schedule: Schedule
  readonly knobs: Knobs
  readonly checker: Checker
  readonly trace: Trace
  readonly bug: DriverBug
  readonly voters: readonly string[]
  readonly makeCore: typeof RaftCore
  readonly count: (what: string) => void
  readonly send: (from: string, to: string, message: Message) => void
  /** Whether to crash now; decided by the seed. */
  readonly aim: (moment: AimedMoment) => boolean
}

/** Folds an entry into the state: any difference in any entry, ever, shows in the digest. */
function fold(digest: number, { index, term, kind, data }: LogEntry): number {
  let hash = digest
  for (const word of [index, term, kind, ...data]) hash = Math.imul(hash ^ word, 0x01000193) + 0x9e3779b9
  return hash >>> 0
}

/** A core, its disk and a small driver. */
export class SimNode {
  readonly id: string
  readonly disk: SimDisk
  core: RaftCore | undefined
  applied = 0
  readonly #world: World
  /** This node's clock has a start of its own, and runs a little fast or slow. */
  readonly #clock: { readonly offsetMs: number; readonly rate: number }
  readonly #reads = new Map<number, number>()
  #digest = 0
  #life = 0
  #snapshots: SimSnapshots | undefined
  #storing = false
  #turnDue = false
  #turnCommit = 0
  #timerDueMs = Number.POSITIVE_INFINITY
  #pausedUntilMs = 0
  #nextTicket = 1
  #restartScheduled = false

  constructor(id: string, world: World, disk: SimDisk, clock: { readonly offsetMs: number; readonly rate: number }) {
    this.id = id
    this.#world = world
    this.disk = disk
    this.#clock = clock
  }

  get pendingReads(): number {
    return this.#reads.size
  }

  #nowMs(): number {
    return this.#clock.offsetMs + this.#world.schedule.nowMs * this.#clock.rate
  }

  start(): void {
    if (this.core !== undefined) return
    const { knobs, makeCore, voters, trace, schedule } = this.#world
    this.#restartScheduled = false
    const restored = this.disk.recover()
    const seed = schedule.steps + this.id.charCodeAt(1)
    this.core = new makeCore({ id: this.id, voters, ...knobs }, restored, seed, this.#nowMs())
    this.#snapshots = new SimSnapshots(this.core, this.disk, knobs.snapshotChunks, knobs.electionTimeoutMs)
    this.applied = restored.snapshot?.index ?? 0
    this.#digest = restored.snapshot?.digest ?? 0
    this.#turnCommit = this.core.commitIndex
    trace.add(schedule.nowMs, 'start', this.id, this.core.term, this.core.log.lastIndex)
    this.#settle()
  }

  crash(restartAfterMs: number): void {
    if (this.core === undefined) return
    const { schedule, trace } = this.#world
    trace.add(schedule.nowMs, 'crash', this.id)
    this.core = undefined
    this.#life++
    this.disk.crash()
    this.#reads.clear()
    this.#storing = false
    this.#turnDue = false
    this.#timerDueMs = Number.POSITIVE_INFINITY
    this.#pausedUntilMs = 0
    if (this.#restartScheduled || restartAfterMs === Number.POSITIVE_INFINITY) return
    this.#restartScheduled = true
    schedule.after(restartAfterMs, () => this.start())
  }

  /** Does nothing until then; what arrives meanwhile is handled afterwards, in one burst. */
  pause(forMs: number): void {
    this.#pausedUntilMs = this.#world.schedule.nowMs + forMs
  }

  resume(): void {
    this.#pausedUntilMs = 0
  }

  /** Runs `action` on the core in this life, later when the node is paused, never when it has crashed meanwhile. */
  #input(action: (core: RaftCore, nowMs: number) => void): void {
    if (this.core === undefined) return
    const { schedule, checker } = this.#world
    if (schedule.nowMs < this.#pausedUntilMs) {
      const life = this.#life
      schedule.at(this.#pausedUntilMs, () => {
        if (life === this.#life) this.#input(action)
      })
      return
    }
    action(this.core, this.#nowMs())
    checker.observe(this)
    this.#settle()
  }

  deliver(from: string, message: Message): void {
    this.#input((core, nowMs) => {
      this.#world.count(`message.${message.type}`)
      core.step(from, message, nowMs)
    })
  }

  propose(data: Uint8Array, onBehalfOf?: string): void {
    this.#input((core) => {
      const refusal = core.propose([{ kind: 1, data }], onBehalfOf)
      this.#world.count(`propose.${refusal ?? 'taken'}`)
    })
  }

  read(): void {
    const floor = this.#world.checker.maxCommit
    this.#input((core) => {
      const ticket = this.#nextTicket++
      if (core.requestRead(ticket)) this.#reads.set(ticket, floor)
    })
  }

  transfer(to: string): void {
    this.#input((core, nowMs) => {
      if (core.transfer(to, nowMs)) this.#world.count('transfer.begun')
    })
  }

  campaign(): void {
    this.#input((core, nowMs) => core.campaign(nowMs))
  }

  /** After an input: a turn is due, now or in a moment, and perhaps another timer. */
  #settle(): void {
    if (this.core === undefined || this.#turnDue) return
    const { schedule, knobs } = this.#world
    this.#turnDue = true
    const life = this.#life
    schedule.after(knobs.turnDelayMs, () => {
      if (life === this.#life) this.#turn()
    })
  }

  #turn(): void {
    this.#turnDue = false
    const { core } = this
    const world = this.#world
    if (core === undefined) return
    const becameLeader = core.takeEvents().some((event) => event.type === 'role' && event.role === 'leader')
    if (becameLeader) world.count('event.leader')
    const effects = core.takeEffects()
    world.checker.observe(this)
    if (!this.#write(core, effects)) return
    // The worst moments: what was decided is on this node alone (Raft figure 8).
    if (becameLeader && this.#crashAimed('leader')) return
    if (core.commitIndex > this.#turnCommit) {
      this.#turnCommit = core.commitIndex
      if (this.#crashAimed('commit')) return
    }
    if (!this.#send(core, effects)) return
    this.#driveSnapshots(core, effects)
    this.#answerReads(core, effects)
    this.#apply(core)
    this.#arm(core)
  }

  #crashAimed(moment: AimedMoment): boolean {
    const { aim, knobs, count } = this.#world
    if (!aim(moment)) return false
    count(`aimed.${moment}`)
    this.crash(knobs.restartDelayMs)
    return true
  }

  /** Returns false when the node crashed over it. */
  #write(core: RaftCore, { write }: Effects): boolean {
    if (write === undefined) return true
    const { trace, schedule, checker, bug } = this.#world
    const { id, hardState, entries } = write
    checker.written(this, entries)
    trace.add(schedule.nowMs, 'write', this.id, hardState?.term ?? -1, entries[0]?.index ?? 0, entries.length)
    const stored = bug === 'vote-not-persisted' && hardState ? { ...hardState, votedFor: undefined } : hardState
    const done = (): void => this.#input((current, nowMs) => current.durable(id, nowMs))
    this.disk.persist(stored, entries, bug === 'durable-too-early' ? () => undefined : done)
    if (bug === 'durable-too-early') core.durable(id, this.#nowMs())
    return !this.#crashAimed('write')
  }

  #send(core: RaftCore, { messages }: Effects): boolean {
    const { trace, schedule, checker, send } = this.#world
    for (const { to, message } of messages) {
      checker.sent(this, to, message)
      trace.add(schedule.nowMs, message.type, `${this.id}>${to}`, message.term, core.log.lastIndex, core.commitIndex)
      send(this.id, to, message)
      if (message.type === 'vote-response' && message.granted && this.#crashAimed('vote')) return false
      if (message.type === 'append-accepted' && this.#crashAimed('ack')) return false
    }
    return true
  }

  #driveSnapshots(core: RaftCore, { snapshotWanted, snapshotTraffic }: Effects): void {
    const snapshots = this.#snapshots as SimSnapshots
    for (const to of snapshotWanted) {
      this.#world.count('snapshot.wanted')
      snapshots.wanted(to, this.#nowMs())
    }
    for (const { from, message } of snapshotTraffic) {
      if (message.type === 'snapshot-progress') snapshots.progress(from, message, this.#nowMs())
      else if (!this.#storing) this.#install(core, snapshots.chunk(from, message))
    }
    if (snapshotWanted.length + snapshotTraffic.length > 0) this.#settle()
  }

  #install(core: RaftCore, arrived: Arrived | undefined): void {
    if (arrived === undefined) return
    const { count } = this.#world
    const { snapshot, from, term } = arrived
    this.#storing = true
    core.installing(true)
    this.disk.saveSnapshot(snapshot, () =>
      this.#input(() => {
        const result = core.snapshotInstalled(snapshot.index, snapshot.term)
        count(`install.${result}`)
        const done = (): void =>
          this.#input(() => {
            this.#storing = false
            core.installing(false)
            if (result !== 'stale') core.snapshotAcknowledged(from, term)
          })
        if (result === 'stale') {
          done()
          return
        }
        this.applied = snapshot.index
        this.#digest = snapshot.digest
        this.#world.checker.applied(this, this.applied, this.#digest)
        if (result === 'reset') this.disk.resetToSnapshot(done)
        else this.disk.compact(snapshot.index, done)
        this.#crashAimed('snapshot')
      }),
    )
  }

  #answerReads(core: RaftCore, { confirmedReads, droppedReads }: Effects): void {
    const { checker, count } = this.#world
    for (const { ticket, index } of confirmedReads) {
      const floor = this.#reads.get(ticket)
      checker.expect(floor !== undefined, 'reads answered once', () => `${this.id} answers ticket ${ticket} again`)
      checker.expect(index <= core.commitIndex, 'reads committed', () => `${this.id} reads beyond its commit ${index}`)
      checker.readConfirmed(this, floor as number, index)
      this.#reads.delete(ticket)
      count('read.confirmed')
    }
    for (const ticket of droppedReads) {
      checker.expect(this.#reads.delete(ticket), 'reads answered once', () => `${this.id} drops ${ticket} again`)
      count('read.dropped')
    }
  }

  #apply(core: RaftCore): void {
    const { knobs, checker } = this.#world
    const upTo = Math.min(core.commitIndex, this.applied + knobs.appliedPerTurn)
    while (this.applied < upTo) {
      const entry = core.log.at(this.applied + 1)
      checker.expect(entry !== undefined, 'log whole', () => `${this.id} lacks ${this.applied + 1} of ${upTo}`)
      this.#digest = fold(this.#digest, entry as LogEntry)
      this.applied++
      checker.applied(this, this.applied, this.#digest)
    }
    if (this.applied < core.commitIndex) this.#settle()
    if (this.applied - core.log.baseIndex >= knobs.snapshotEvery) this.#takeSnapshot(core)
  }

  #takeSnapshot(core: RaftCore): void {
    const index = this.applied
    const term = core.log.termAt(index)
    if (this.#storing || term === undefined || index <= (this.disk.snapshot?.index ?? 0)) return
    this.#storing = true
    this.disk.saveSnapshot({ index, term, digest: this.#digest }, () =>
      this.#input(() => {
        this.#storing = false
        this.#world.count('snapshot.taken')
        const through = Math.min(index - this.#world.knobs.keepEntries, core.durableIndex)
        if (through <= core.log.baseIndex) return
        core.compact(through)
        this.disk.compact(through, () => undefined)
        this.#crashAimed('snapshot')
      }),
    )
  }

  #arm(core: RaftCore): void {
    const { schedule } = this.#world
    const dueMs = (core.nextDueMs - this.#clock.offsetMs) / this.#clock.rate
    if (this.#timerDueMs <= dueMs && this.#timerDueMs > schedule.nowMs) return
    this.#timerDueMs = dueMs
    const life = this.#life
    schedule.at(dueMs + 0.001, () => {
      if (life !== this.#life || this.#timerDueMs !== dueMs) return
      this.#timerDueMs = Number.POSITIVE_INFINITY
      this.#input((current, nowMs) => {
        current.tick(nowMs)
        this.#snapshots?.tick(nowMs)
      })
    })
  }
}
