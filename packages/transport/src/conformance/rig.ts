import { ok } from 'node:assert/strict'
import { type Clock, delay, Pending, type StartOptions, systemClock } from '@dsys/runtime'
import type { Destination, PeerAddress, Transport, TransportEvent } from '../port.ts'
import type { ConformanceDeclaration } from './suite.ts'

/** The two functions that every test runner has. */
export interface ConformanceRunner {
  describe(name: string, body: () => void): unknown
  test(name: string, body: () => Promise<void>): unknown
}

/** A network for one case. */
export interface TransportFixture {
  /** A transport that has not been started, for one life of a node. */
  endpoint(self: PeerAddress): Transport
  /**
   * Takes the network from every endpoint, also from one that starts meanwhile where the network can do that, as a broker
   * does that ends. Resolves when it is gone; the function that it resolves with brings it back. Called only where
   * `outages` is declared.
   */
  interrupt?(): Promise<() => Promise<void>>
  /** The clock by which the network runs. Only for one in virtual time, which must go on by itself. Default: that of the system. */
  readonly clock?: Clock
  /** Called after the case, when all its endpoints are stopped. */
  dispose?(): Promise<void>
}

export type TransportFactory = () => Promise<TransportFixture> | TransportFixture

/** What the parts of the suite share. */
export interface Suite {
  readonly runner: ConformanceRunner
  readonly factory: TransportFactory
  readonly declaration: ConformanceDeclaration
}

export interface Received {
  readonly frame: Uint8Array
  readonly from: PeerAddress
}

/** What each step of a case must be done in; only a failing one needs it. Nothing here waits without it. */
const STEP_TIMEOUT_MS = 10_000
/** How long an outage lasts at least, so that what is under way meets it. */
const OUTAGE_MS = 5
const BARRIER_CHANNEL = 'conformance-barrier'

/** A promise of the adapter or of its fixture, which may never settle. */
function within<T>(clock: Clock, what: string, promised: PromiseLike<T> | T): Promise<T> {
  const onTimeout = (): Error => new Error(`waited for ${what}`)
  const pending = new Pending<T>({ clock, timeoutMs: STEP_TIMEOUT_MS, onTimeout })
  Promise.resolve(promised).then(
    (value) => pending.resolve(value),
    (error) => pending.reject(error),
  )
  return pending.promise
}

/** Collects things and lets a case wait until there are enough of them. */
export class Collector<T> {
  readonly items: T[] = []
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(item: T): void {
    this.items.push(item)
    for (const check of this.#waiting) check()
  }

  /** Resolves with all items once there are `count` that match. */
  async until(count: number, what: string, matches: (item: T) => boolean = () => true): Promise<readonly T[]> {
    const pending = new Pending<readonly T[]>({
      clock: this.#clock,
      timeoutMs: STEP_TIMEOUT_MS,
      onTimeout: () => new Error(`waited for ${count} of ${what}, got ${this.items.filter(matches).length}`),
    })
    const check = (): void => {
      if (this.items.filter(matches).length >= count) pending.resolve(this.items)
    }
    this.#waiting.add(check)
    check()
    try {
      return await pending.promise
    } finally {
      this.#waiting.delete(check)
    }
  }
}

/** One endpoint of a case, with what came in. */
export class Node {
  readonly transport: Transport
  readonly inbox: Collector<Received>
  readonly events: Collector<TransportEvent>
  readonly barrier: Collector<Received>
  readonly #clock: Clock

  constructor(transport: Transport, clock: Clock) {
    this.transport = transport
    this.#clock = clock
    this.inbox = new Collector(clock)
    this.events = new Collector(clock)
    this.barrier = new Collector(clock)
    transport.observe((event) => this.events.add(event))
    transport.listen(BARRIER_CHANNEL, (frame, from) => {
      this.barrier.add({ frame, from })
      if (frame[0] === 1 && transport.connection === 'connected')
        transport.send(from, BARRIER_CHANNEL, Uint8Array.of(0))
    })
  }

  start(options?: StartOptions): Promise<void> {
    return within(this.#clock, `the start of ${this.transport.self.id}`, this.transport.start(options))
  }

  stop(): Promise<void> {
    return within(this.#clock, `the stop of ${this.transport.self.id}`, this.transport.stop())
  }

  dispose(): Promise<void> {
    return within(this.#clock, `the disposal of ${this.transport.self.id}`, this.transport[Symbol.asyncDispose]())
  }

  listen(channel = 'test'): Collector<Received> {
    this.transport.listen(channel, (frame, from) => this.inbox.add({ frame, from }))
    return this.inbox
  }

  /** Sends, and insists that the frame was taken. */
  send(to: Destination, bytes: Uint8Array | readonly number[], channel = 'test'): void {
    ok(this.transport.send(to, channel, Uint8Array.from(bytes)), 'send must return true on a healthy connection')
  }

  /** The same for a frame on the channel `test` that has a tag. */
  tagged(to: Destination, bytes: readonly number[], tag: number): void {
    ok(this.transport.send(to, 'test', Uint8Array.from(bytes), tag), 'send must return true on a healthy connection')
  }

  /**
   * Resolves when a frame has gone to `peer` and back, twice: what was sent before it has arrived or is lost, in any
   * network that keeps the order of two frames a round trip apart.
   */
  async settled(peer: Node): Promise<void> {
    for (let round = 0; round < 2; round++) {
      const before = this.barrier.items.length
      this.send(peer.transport.self, [1], BARRIER_CHANNEL)
      await this.barrier.until(before + 1, 'answers to a barrier frame')
    }
  }
}

/** The network and the nodes of one case; everything is stopped at its end. */
export class Rig {
  readonly #fixture: TransportFixture
  readonly #clock: Clock
  readonly #nodes: Node[] = []

  constructor(fixture: TransportFixture) {
    this.#fixture = fixture
    this.#clock = fixture.clock ?? systemClock
  }

  /** A node that has not been started. */
  create(id: string, generation = 1): Node {
    const node = new Node(this.#fixture.endpoint({ id, generation }), this.#clock)
    this.#nodes.push(node)
    return node
  }

  /** A started node that listens on the channel `test`. */
  async node(id: string, generation = 1): Promise<Node> {
    const node = this.create(id, generation)
    node.listen()
    await node.start()
    return node
  }

  /** Takes the network from every node; the returned function brings it back. */
  async interrupt(): Promise<() => Promise<void>> {
    if (this.#fixture.interrupt === undefined)
      throw new TypeError('with outages declared, the fixture needs interrupt()')
    const restore = await within(this.#clock, 'the network to go', this.#fixture.interrupt())
    return async () => {
      await delay(this.#clock, OUTAGE_MS)
      await within(this.#clock, 'the network to come back', restore())
    }
  }

  /** Asks again and again until `done` says yes. */
  async until(what: string, done: () => boolean): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + STEP_TIMEOUT_MS
    while (!done()) {
      if (this.#clock.monotonicMs() > deadlineMs) throw new Error(`waited for ${what}`)
      await delay(this.#clock, 1)
    }
  }

  async dispose(): Promise<void> {
    const stops = await Promise.allSettled(this.#nodes.map((node) => node.stop()))
    await within(this.#clock, 'the network to be disposed', this.#fixture.dispose?.())
    for (const stop of stops) if (stop.status === 'rejected') throw stop.reason
  }
}

/** Registers one case. */
export function defineCase(suite: Suite, name: string, body: (rig: Rig) => Promise<void>): void {
  suite.runner.test(name, async () => {
    const rig = new Rig(await within(systemClock, 'the fixture', suite.factory()))
    try {
      await body(rig)
    } catch (error) {
      // What went wrong says more than what cannot be cleaned up after it.
      await rig.dispose().catch(() => undefined)
      throw error
    }
    await rig.dispose()
  })
}
