import {
  type Effects,
  encodePlaced,
  type Membership,
  type Message,
  type PlacedConfiguration,
  type RaftCore,
} from '@dsys/raft/core'
import type { TimerHandle } from '@dsys/runtime'
import { checksumOf, promise, type SimLife } from '@dsys/simulation'
import type { LogEntry } from '@dsys/storage'
import type { Call } from './client-history.ts'
import { coreConfig } from './core-config.ts'
import type { CoreDisk, Done } from './core-disk.ts'
import type { CoreNode } from './core-node.ts'
import type { RaftWorld } from './core-world.ts'
import type { Moment } from './knobs.ts'
import { MESSAGE_COUNTS } from './message-counts.ts'
import { COMMAND_KIND, encodeCommand, RegisterMachine } from './register-machine.ts'
import { type ArrivedSnapshot, SnapshotExchange } from './snapshot-exchange.ts'

/** A timer is set for this long at least: rounding must not wake it twice in one instant. */
const MIN_TIMER_MS = 0.001

interface AskedRead {
  readonly key: number
  /** What anybody knew to be committed when it was asked. */
  readonly floor: number
  readonly call: Call | undefined
}

interface TakenWrite {
  readonly term: number
  readonly key: number
  readonly call: Call | undefined
}

/** Drives a core through one life of its node: what a program does that brings its own driver. */
export class CoreDriver {
  readonly core: RaftCore
  applied: number
  readonly #world: RaftWorld
  readonly #node: CoreNode
  readonly #incarnation: number | undefined
  readonly #life: SimLife
  readonly #disk: CoreDisk
  readonly #machine: RegisterMachine
  readonly #snapshots: SnapshotExchange
  readonly #reads = new Map<number, AskedRead>()
  #confirmed: { readonly index: number; readonly read: AskedRead }[] = []
  readonly #writes = new Map<number, TakenWrite>()
  readonly #runTurn = (): void => this.#turn()
  #storing = false
  #turnDue = false
  #noted = { term: -1, lastIndex: -1, commitIndex: -1 }
  #timer: TimerHandle | undefined
  #timerDueMs = Number.POSITIVE_INFINITY
  #nextTicket = 1

  constructor(world: RaftWorld, node: CoreNode, life: SimLife) {
    const { knobs, Core, scheduler } = world
    this.#world = world
    this.#node = node
    this.#life = life
    this.#disk = node.disk
    this.#machine = new RegisterMachine(node)
    const restored = node.disk.recover()
    const config = coreConfig(world, node.madeAs)
    this.#incarnation = config.incarnation
    const seed = node.random.integer(0, 2 ** 32)
    this.core = new Core(config, restored, seed, this.#nowMs())
    this.#snapshots = new SnapshotExchange({
      core: this.core,
      disk: node.disk,
      chunks: knobs.snapshotChunks,
      resendAfterMs: knobs.electionTimeoutMs,
    })
    this.applied = restored.snapshot?.index ?? 0
    if (restored.snapshot !== undefined) this.#machine.restore(restored.snapshot.state)
    world.trace.add(scheduler.nowMs, node.id, 'recover', '', this.core.term, this.core.log.lastIndex, this.applied)
    this.#wake()
  }

  /** Reads that were asked for and not answered. */
  get pendingReads(): number {
    return this.#reads.size + this.#confirmed.length
  }

  #nowMs(): number {
    return this.#life.process.clock.monotonicMs()
  }

  /** Gives the core an input in this life, later when the process is paused. */
  #input(action: (core: RaftCore) => void, message?: Message): void {
    const life = this.#life
    life.process.input(() => {
      this.#watched(message, () => action(this.core))
      if (!life.alive) return
      this.#world.checker.observe(this.#node)
      this.#wake()
    })
  }

  #watched(message: Message | undefined, action: () => void): void {
    const { promises } = this.#world
    if (promises === undefined) action()
    else promises.during(this.#node.id, this.core, this.#nowMs(), message, action)
  }

  deliver(from: string, message: Message, incarnation: number | undefined): void {
    this.#input((core) => {
      this.#world.count(MESSAGE_COUNTS[message.type])
      core.step(from, message, this.#nowMs(), incarnation)
    }, message)
  }

  /** A client writes here. */
  write(key: number, value: number, onBehalfOf: string | undefined): void {
    const { count, buggify, history } = this.#world
    this.#input((core) => {
      if (buggify('raft-core.refuse-proposal')) return
      const refusal = core.propose([{ kind: COMMAND_KIND, data: encodeCommand(key, value) }], onBehalfOf)
      count(`propose.${refusal ?? 'taken'}`)
      if (refusal !== undefined) return
      this.#writes.set(core.log.lastIndex, { term: core.term, key, call: history.write(this.#node.id, key, value) })
    })
  }

  /** A client reads here. */
  read(key: number): void {
    const { checker, history, knobs, buggify } = this.#world
    this.#input((core) => {
      if (buggify('raft-core.refuse-read')) return
      const ticket = this.#nextTicket++
      const floor = checker.maxCommit
      const lease = knobs.leaseClockDrift > 0 && ticket % 2 === 0
      const taken = lease ? core.requestLeaseRead(ticket, this.#nowMs()) : core.requestRead(ticket)
      if (taken) this.#reads.set(ticket, { key, floor, call: history.read(this.#node.id, key) })
    })
  }

  /** An operator asks for what `choose` makes of what this node knows. */
  reconfigure(choose: (core: RaftCore) => Membership | undefined): void {
    this.#input((core) => {
      const target = choose(core)
      if (target !== undefined) this.#world.count(`reconfigure.${core.reconfigure(target)}`)
    })
  }

  transfer(to: string): void {
    this.#input((core) => {
      if (core.transfer(to, this.#nowMs())) this.#world.count('transfer.begun')
    })
  }

  campaign(): void {
    this.#input((core) => core.campaign(this.#nowMs()))
  }

  /** A turn is due at the end of this turn of the event loop. */
  #wake(): void {
    if (this.#turnDue) return
    this.#turnDue = true
    this.#life.process.clock.afterIo(this.#runTurn)
  }

  #turn(): void {
    this.#turnDue = false
    const { core } = this
    const world = this.#world
    if (world.buggify('raft-core.late-turn')) {
      this.#wake()
      return
    }
    if (world.buggify('raft-core.early-tick')) core.tick(this.#nowMs())
    let becameLeader = false
    for (const event of core.takeEvents()) {
      if (event.type === 'role' && event.role === 'leader') becameLeader = true
      if (event.type === 'configuration') this.#noteConfiguration(event)
    }
    for (const _ of core.takeStrangers()) world.count('stranger.ignored')
    const effects = core.takeEffects()
    world.checker.observe(this.#node)
    if (!this.#write(effects)) return
    this.#note(becameLeader)
    // The worst moments: what was decided is on this node alone (Raft figure 8).
    if (becameLeader && this.#crashes('leader')) return
    if (this.#committed() && this.#crashes('commit')) return
    if (!this.#send(effects)) return
    if (!this.#driveSnapshots(effects)) return
    if (!this.#answerReads(effects)) return
    this.#apply()
    if (this.#life.alive) this.#arm()
  }

  /** Whether the node crashes at this moment. */
  #crashes(moment: Moment): boolean {
    if (!this.#world.aim.crashes(moment, this.#node.id)) return false
    this.#node.crashAimed()
    return true
  }

  /** An effect is done, another one may follow: whether the node crashes between them. */
  #crashesBetween(): boolean {
    return this.#world.aimsBetween && this.#crashes('effect')
  }

  #committed(): boolean {
    const { commitIndex } = this.core
    const grown = commitIndex > this.#noted.commitIndex
    this.#noted.commitIndex = commitIndex
    return grown
  }

  #note(becameLeader: boolean): void {
    const { term, commitIndex, log } = this.core
    const { trace, scheduler, count } = this.#world
    if (becameLeader) {
      count('event.leader')
      trace.add(scheduler.nowMs, this.#node.id, 'leader', '', term, log.lastIndex, commitIndex)
    }
    const noted = this.#noted
    if (term === noted.term && commitIndex === noted.commitIndex && log.lastIndex === noted.lastIndex) return
    trace.add(scheduler.nowMs, this.#node.id, 'state', '', term, log.lastIndex, commitIndex)
    noted.term = term
    noted.lastIndex = log.lastIndex
  }

  #noteConfiguration(placed: PlacedConfiguration): void {
    const { trace, scheduler, count } = this.#world
    const { outgoing, target } = placed.configuration
    count(`configuration.${target !== undefined ? 'catching-up' : outgoing.length > 0 ? 'joint' : 'simple'}`)
    trace.add(scheduler.nowMs, this.#node.id, 'configuration', '', placed.index)
    trace.content(checksumOf(encodePlaced(placed)))
    if (trace.kept) trace.detail(JSON.stringify(placed.configuration))
  }

  /** Returns false when the node crashed over it; so do the others. */
  #write({ write }: Effects): boolean {
    if (write === undefined) return true
    const { trace, scheduler, checker, bug } = this.#world
    const { id, hardState, entries } = write
    checker.written(this.#node, entries)
    trace.add(
      scheduler.nowMs,
      this.#node.id,
      'write',
      '',
      hardState?.term ?? -1,
      entries[0]?.index ?? 0,
      entries.length,
    )
    const tooEarly = bug === 'durable-too-early'
    const stored = bug === 'vote-not-persisted' && hardState ? { ...hardState, votedFor: undefined } : hardState
    this.#disk.persist(
      { hardState: stored, entries },
      this.#stored((core) => {
        if (!tooEarly) core.durable(id, this.#nowMs())
      }),
    )
    if (tooEarly) this.core.durable(id, this.#nowMs())
    return !this.#crashes('write') && !this.#crashesBetween()
  }

  /** What the disk is to say when it is done: `then` runs in this life, and a failure ends it. */
  #stored(then: (core: RaftCore) => void): Done {
    return (failed) => {
      if (failed) this.#life.process.input(() => this.#node.stopItself())
      else this.#input(then)
    }
  }

  #send({ messages }: Effects): boolean {
    const { checker, send } = this.#world
    for (const { to, message } of messages) {
      checker.sent(this.#node, to, message)
      send(this.#node.id, to, message, this.#incarnation)
      if (message.type === 'vote-response' && message.granted && this.#crashes('vote')) return false
      if (message.type === 'append-accepted' && this.#crashes('ack')) return false
      if (this.#crashesBetween()) return false
    }
    return true
  }

  #driveSnapshots({ snapshotWanted, snapshotTraffic }: Effects): boolean {
    const { count, buggify } = this.#world
    if (buggify('raft-core.resend-chunk')) this.#snapshots.sendAgain(this.#nowMs())
    if (snapshotWanted.length + snapshotTraffic.length === 0) return true
    for (const to of snapshotWanted) {
      count('snapshot.wanted')
      if (buggify('raft-core.no-snapshot-now')) this.core.snapshotFailed(to)
      else this.#snapshots.wanted(to, this.#nowMs())
    }
    for (const { from, message } of snapshotTraffic) {
      if (message.type === 'snapshot-progress') {
        if (buggify('raft-core.no-snapshot-now')) this.#snapshots.giveUp(from)
        else this.#snapshots.progress(from, message, this.#nowMs())
      } else if (!this.#storing) this.#install(this.#snapshots.chunk(from, message))
    }
    this.#wake()
    return !this.#crashesBetween()
  }

  #install(arrived: ArrivedSnapshot | undefined): void {
    if (arrived === undefined) return
    this.#storing = true
    this.core.installing(true)
    const { decodeMs } = this.#world.knobs
    if (decodeMs === 0) this.#store(arrived)
    else this.#life.process.clock.setTimer(decodeMs, () => this.#store(arrived))
  }

  #store(arrived: ArrivedSnapshot): void {
    const { snapshot, from, term } = arrived
    const finish = (core: RaftCore, stale: boolean): void => {
      this.#storing = false
      core.installing(false)
      if (!stale) core.snapshotAcknowledged(from, term)
    }
    this.#disk.saveSnapshot(
      snapshot,
      this.#stored((core) => {
        const result = core.snapshotInstalled(snapshot.index, snapshot.term, snapshot.configuration)
        this.#world.count(`install.${result}`)
        if (result === 'stale') {
          finish(core, true)
          return
        }
        this.#adopt(arrived)
        const done = this.#stored((later) => finish(later, false))
        if (result === 'reset') this.#disk.resetToSnapshot(done)
        else this.#disk.compact(snapshot.index, done)
        this.#crashes('snapshot')
      }),
    )
  }

  #adopt({ snapshot }: ArrivedSnapshot): void {
    this.applied = snapshot.index
    this.#machine.restore(snapshot.state)
    this.#world.checker.applied(this.#node, this.applied, this.#machine.digest)
    for (const [index, { call }] of this.#writes) {
      if (index > snapshot.index) continue
      // It may be in the snapshot; nobody can say.
      call?.unknown()
      this.#writes.delete(index)
    }
  }

  #answerReads({ confirmedReads, droppedReads }: Effects): boolean {
    const { checker, count } = this.#world
    for (const { ticket, index } of confirmedReads) {
      const read = this.#reads.get(ticket)
      promise(read !== undefined, 'reads answered once', () => `${this.#node.id} answers ticket ${ticket} again`)
      promise(
        index <= this.core.commitIndex,
        'reads committed',
        () => `${this.#node.id} reads at ${index}, not committed`,
      )
      checker.readConfirmed(this.#node, read.floor, index)
      this.#reads.delete(ticket)
      this.#confirmed.push({ index, read })
      count('read.confirmed')
      if (this.#crashesBetween()) return false
    }
    for (const ticket of droppedReads) {
      const read = this.#reads.get(ticket)
      promise(read !== undefined, 'reads answered once', () => `${this.#node.id} drops ticket ${ticket} again`)
      this.#reads.delete(ticket)
      read.call?.fail()
      count('read.dropped')
    }
    return true
  }

  #apply(): void {
    const { core } = this
    const { knobs, checker, buggify } = this.#world
    if (this.applied < core.commitIndex) {
      const most = buggify('raft-core.apply-one') ? 1 : knobs.appliedPerTurn
      const upTo = Math.min(core.commitIndex, this.applied + most)
      while (this.applied < upTo) {
        const entry = core.log.at(this.applied + 1)
        promise(entry !== undefined, 'log whole', () => `${this.#node.id} lacks ${this.applied + 1} of ${upTo}`)
        this.#machine.apply(entry)
        this.applied++
        checker.applied(this.#node, this.applied, this.#machine.digest)
        this.#settle(entry)
        if (this.#crashesBetween()) return
      }
      if (this.applied < core.commitIndex) this.#wake()
    }
    if (this.#confirmed.length > 0) this.#serve()
    const grown = this.applied - core.log.baseIndex
    if (grown >= knobs.snapshotEvery || (grown > 0 && buggify('raft-core.early-snapshot'))) this.#takeSnapshot()
  }

  /** Tells whoever wrote the entry that was just applied. */
  #settle(entry: LogEntry): void {
    const write = this.#writes.get(entry.index)
    if (write === undefined) return
    this.#writes.delete(entry.index)
    // Another entry is committed in its place: it was cut away, and can never be applied.
    if (write.term !== entry.term) write.call?.fail()
    // A forgotten register takes no writes, and says so to nobody.
    else if (this.#machine.read(write.key) === undefined) write.call?.unknown()
    else {
      this.#world.served.add('write', write.key)
      write.call?.ok(null)
    }
  }

  #serve(): void {
    const waiting = this.#confirmed
    this.#confirmed = []
    for (const each of waiting) {
      if (each.index > this.applied) {
        this.#confirmed.push(each)
        continue
      }
      const { key, call } = each.read
      const value = this.#machine.read(key)
      if (value === undefined) call?.unknown()
      else {
        this.#world.served.add('read', key)
        call?.ok(value)
      }
    }
  }

  #takeSnapshot(): void {
    const { core } = this
    const index = this.applied
    const term = core.log.termAt(index)
    if (this.#storing || term === undefined || index <= (this.#disk.snapshot?.index ?? 0)) return
    this.#storing = true
    this.#disk.saveSnapshot(
      { index, term, configuration: core.configurationAt(index), state: this.#machine.snapshot() },
      this.#stored(() => {
        this.#storing = false
        this.#world.count('snapshot.taken')
        this.#offerSnapshot()
        const through = Math.min(index - this.#world.knobs.keepEntries, core.durableIndex)
        if (through <= core.log.baseIndex) return
        core.compact(through)
        this.#disk.compact(
          through,
          this.#stored(() => undefined),
        )
        this.#crashes('snapshot')
      }),
    )
  }

  /**
   * A leader may send a snapshot to whom it likes, and late answers make it do so. Right after it was taken its followers mostly
   * have the entries and do not know yet that they are committed, or learn it while they store the snapshot.
   */
  #offerSnapshot(): void {
    const { progress } = this.core
    const { knobs, count } = this.#world
    const rate = knobs.unaskedSnapshotRate
    if (progress === undefined || rate === 0) return
    for (const to of progress.keys()) {
      if (this.#node.random.float() >= rate) continue
      count('snapshot.unasked')
      this.#snapshots.wanted(to, this.#nowMs())
    }
    this.#wake()
  }

  /** Sets the timer for what is due next. One that is set for earlier does: it looks again. */
  #arm(): void {
    const dueMs = this.core.nextDueMs
    if (this.#timerDueMs <= dueMs) return
    this.#timer?.cancel()
    this.#timerDueMs = dueMs
    const { clock } = this.#life.process
    this.#timer = clock.setTimer(Math.max(MIN_TIMER_MS, dueMs - clock.monotonicMs()), () => {
      // Frames that have arrived speak before the clock judges their senders.
      this.#timer = clock.afterIo(() => this.#tick())
    })
  }

  #tick(): void {
    this.#timerDueMs = Number.POSITIVE_INFINITY
    const nowMs = this.#nowMs()
    if (nowMs < this.core.nextDueMs) {
      this.#arm()
      return
    }
    this.#watched(undefined, () => this.core.tick(nowMs))
    this.#snapshots.tick(nowMs)
    this.#world.checker.observe(this.#node)
    this.#wake()
  }
}
