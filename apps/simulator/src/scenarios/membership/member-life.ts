import { type Member, Membership, type MembershipEvent, type Metadata, type PeerStorage } from '@dsys/membership'
import { decodeMessage, type Message } from '@dsys/membership/wire'
import type { Buggify, Random } from '@dsys/runtime'
import type { Aim, Scheduler, SimLife, Trace } from '@dsys/simulation'
import { Accusations } from './accusations.ts'
import { describedBy } from './described-by.ts'
import { type EventExcuses, EventOrder } from './event-order.ts'
import { branchLogger, branchMeter, type InstrumentSink } from './instruments.ts'
import type { Knobs } from './knobs.ts'
import type { Measure } from './measure.ts'
import { momentsOf } from './moments.ts'
import type { Severed } from './severed.ts'
import { type Address, Sightings } from './sightings.ts'
import { type Said, Talk } from './talk.ts'
import type { Verdict } from './verdict.ts'
import { type Transport, WatchedTransport } from './watched-transport.ts'

/** What all lives of a run share. */
export interface Surroundings {
  readonly knobs: Knobs
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly random: Random
  readonly buggify: Buggify
  readonly verdict: Verdict
  readonly aim: Aim
  /** Whether any crash is aimed at all; else no frame needs to be read before it leaves. */
  readonly aimed: boolean
  readonly measure: Measure
  readonly excuses: EventExcuses
  readonly said: Said
  readonly severed: Severed
  readonly count: (what: string) => void
  /** Promises may have become ready. */
  readonly stirred: () => void
  /** A life crashes at a moment that was aimed at. */
  readonly crash: (id: string) => void
}

/** What one life is made of. */
export interface LifeParts {
  readonly life: SimLife
  readonly transport: Transport
  readonly cluster: string
  readonly seeds: readonly string[]
  readonly metadata: Metadata
  readonly peers: PeerStorage | undefined
}

const TALK: ReadonlySet<Message['kind']> = new Set(['broadcasts', 'query', 'answer'])
/** What whoever was asked for a sign of life, or for help, says to that. */
const ANSWERS: ReadonlySet<Message['kind']> = new Set(['ack', 'ping-answer', 'ping-busy'])

/** More than this, over a life, is two doubles that answer each other without a pause. */
const REFUTATIONS = 200
const REFUTATIONS_A_SECOND = 100

/** One life of a member: the product over a watched transport, and the checks of what it sees. */
export class MemberLife {
  readonly self: Address
  readonly life: SimLife
  readonly membership: Membership
  readonly talk: Talk
  /** What this process says of itself. */
  metadata: Metadata
  /** Starting or stopping: promises are on their way. */
  unsettled = false
  leaving = false
  readonly #around: Surroundings
  readonly #cluster: string
  readonly #transport: Transport
  readonly #sightings: Sightings
  readonly #accusations: Accusations
  readonly #streams: EventOrder[] = []
  readonly #bornMs: number
  #refutations = 0
  #expired = 0
  #started = false

  constructor(around: Surroundings, { life, transport, cluster, seeds, metadata, peers }: LifeParts) {
    this.#around = around
    this.#cluster = cluster
    this.life = life
    this.self = transport.self
    this.metadata = metadata
    this.#bornMs = around.scheduler.nowMs
    this.#transport = new WatchedTransport(transport, {
      sends: (frame) => this.#sends(frame),
      receives: (frame, from, deliver) => this.#receives(frame, from, deliver),
    })
    const { options } = around.knobs
    this.#accusations = new Accusations(
      this.self.id,
      life.process.clock,
      () => around.scheduler.nowMs,
      options,
      around.verdict,
    )
    this.#accusations.follow(transport)
    const sink: InstrumentSink = {
      count: (what) => {
        if (what === 'branch.refutations') this.#refutations++
        if (what === 'branch.expired_frames') this.#expired++
        around.count(what)
      },
      stirred: around.stirred,
      defect: (message) => around.verdict.broken('no defect', `${this.self.id}: ${message}`),
    }
    const random = around.random.stream(`${this.self.id} life ${life.generation}`)
    this.membership = new Membership(
      {
        clock: this.#accusations.clock,
        random,
        logger: branchLogger(sink),
        meter: branchMeter(sink),
        transport: this.#transport,
        buggify: around.buggify,
        ...(peers === undefined ? {} : { peers }),
      },
      { ...options, cluster, seeds, ...describedBy(metadata) },
    )
    this.talk = new Talk({
      self: this.self,
      membership: this.membership,
      clock: life.process.clock,
      random: random.stream('talk'),
      said: around.said,
      verdict: around.verdict,
      count: around.count,
      stirred: around.stirred,
      alive: () => life.alive,
    })
    this.#sightings = new Sightings(this.self, this.membership, options, around.verdict, (id) =>
      around.excuses.hasTwin(id),
    )
  }

  /** Ready for operations: it has joined, or begun alone, and has not been told to leave. */
  get running(): boolean {
    return this.#started && this.life.alive && !this.leaving
  }

  /** A later life of this node has taken over, so this one is silent for good. */
  get superseded(): boolean {
    return (this.membership.member(this.self.id)?.generation ?? 0) > this.self.generation
  }

  /** To be called inside a step of the process. */
  start(onRefused: () => void): void {
    this.watch()
    this.talk.listen()
    this.#settling(async () => {
      try {
        await this.#transport.start()
        await this.membership.start()
        this.#started = true
      } catch (error) {
        // A broker that stays away is the only reason: then the process ends, and whoever runs it starts another.
        if ((error as { readonly code?: string }).code !== 'DSYS_SIMULATION_UNREACHABLE')
          this.#around.verdict.broken('it starts', `${this.self.id} did not start: ${String(error)}`)
        onRefused()
      }
    })
  }

  /** To be called inside a step of the process. The process ends afterwards. */
  leave(): void {
    this.leaving = true
    this.#settling(async () => {
      await this.membership.stop()
      const own = this.membership.member(this.self.id)
      if (own !== undefined && own.generation === this.self.generation && own.state !== 'left')
        this.#around.verdict.broken('who leaves says so', `${this.self.id} has left, and says that it is ${own.state}`)
      await this.#transport.stop()
      this.life.end()
    })
  }

  /** A stream of events is opened, and checked as long as it runs. */
  watch(): void {
    const isFirst = this.#streams.length === 0
    const name = `${this.self.id}/${this.self.generation}${isFirst ? '' : ' (late stream)'}`
    const order = new EventOrder(name, !isFirst, this.#around.verdict, this.#around.excuses)
    this.#streams.push(order)
    this.#follow(this.membership.events(), order, isFirst).catch((error: unknown) => {
      this.#around.verdict.broken('a stream ends well', `${this.self.id}: ${String(error)}`)
    })
    this.#around.stirred()
  }

  /** Looks at everything at once, when no promise is on its way. */
  check(): void {
    if (!this.life.alive || this.leaving) return
    const members = this.membership.members()
    const { view } = this.membership.status()
    this.#sightings.checkAll(members, this.life.process.clock.monotonicMs())
    const seconds = (this.#around.scheduler.nowMs - this.#bornMs) / 1_000
    if (this.#refutations > REFUTATIONS + REFUTATIONS_A_SECOND * seconds)
      this.#around.verdict.broken('bounds', `${this.self.id} has refuted ${this.#refutations} times in ${seconds} s`)
    for (const order of this.#streams) {
      const how = order.differs(members, view)
      if (how !== undefined) this.#around.verdict.broken('events tell the whole truth', `${this.self.id}: ${how}`)
    }
    for (const { id } of members) {
      if (id.startsWith('x')) this.#around.verdict.broken('clusters do not mix', `${this.self.id} knows ${id}`)
    }
  }

  async #follow(stream: AsyncIterable<MembershipEvent>, order: EventOrder, isFirst: boolean): Promise<void> {
    const { trace, scheduler, measure, count } = this.#around
    for await (const event of stream) {
      order.add(event)
      if (!isFirst) continue
      count(`event.${event.type}`)
      if (event.type === 'Synced') continue
      if (event.type === 'ViewStale' || event.type === 'ViewFresh') {
        this.#accusations.view(event.type === 'ViewStale', event.evidence.because === 'gave-up')
        trace.add(scheduler.nowMs, this.self.id, event.type)
        trace.detail(event.why)
        continue
      }
      if (event.type === 'MemberConflict') {
        trace.add(scheduler.nowMs, this.self.id, event.type, event.member.id, event.member.generation)
        trace.detail(event.why)
        continue
      }
      measure.event(event)
      this.#accusations.event(event, this.#others())
      if (this.life.alive && !this.leaving) this.#sightings.told(event.member, this.life.process.clock.monotonicMs())
      const { id, generation, incarnation } = event.member
      trace.add(scheduler.nowMs, this.self.id, event.type, id, generation, incarnation)
      trace.detail(event.why)
    }
  }

  #others(): number {
    const isThere = ({ id, state }: Member): boolean =>
      id !== this.self.id && (state === 'alive' || state === 'suspect')
    return this.membership.members().filter(isThere).length
  }

  #settling(work: () => Promise<void>): void {
    this.unsettled = true
    const done = (): void => {
      this.unsettled = false
    }
    work().then(done, (error: unknown) => {
      done()
      this.#around.verdict.broken('no defect', `${this.self.id}: ${String(error)}`)
    })
    this.life.onEnd(done)
    this.#around.stirred()
  }

  /** A process that crashes at an aimed moment does so before the frame leaves. */
  #sends(frame: Uint8Array): boolean {
    const { aim, aimed, crash } = this.#around
    if (!this.life.alive) return false
    if (!aimed || this.life.impostor) return true
    for (const moment of momentsOf(this.#read(frame), this.self.id)) {
      if (!aim.crashes(moment, this.self.id)) continue
      crash(this.self.id)
      return false
    }
    return true
  }

  #receives(frame: Uint8Array, from: Address, deliver: () => void): void {
    if (this.#around.severed.has(from.id, this.self.id)) return
    const decoded = decodeMessage(frame, this.#cluster)
    if (!decoded.ok) {
      deliver()
      return
    }
    const { message } = decoded
    this.#around.count(`message.${message.kind}`)
    if (ANSWERS.has(message.kind)) this.#accusations.answered()
    const nowMs = this.life.process.clock.monotonicMs()
    const silent = this.superseded || this.leaving
    const stale = this.#sightings.isStale(from)
    const expired = this.#expired
    const before = stale ? JSON.stringify(this.membership.members()) : ''
    this.#sightings.beforeDelivery(message, from)
    deliver()
    // The application has something to read.
    if (TALK.has(message.kind)) this.#around.stirred()
    if (silent || !this.life.alive) return
    // It was too old, and refused.
    if (this.#expired > expired) return
    if (!stale) this.#sightings.afterDelivery(message, nowMs)
    else if (JSON.stringify(this.membership.members()) !== before)
      this.#around.verdict.broken(
        'an earlier life changes nothing',
        `${this.self.id} changed its view by ${message.kind} of ${from.id}/${from.generation}`,
      )
  }

  #read(frame: Uint8Array): Message {
    const decoded = decodeMessage(frame, this.#cluster)
    if (!decoded.ok) throw new Error(`a frame of one's own was not understood: ${decoded.why}`)
    return decoded.message
  }
}
