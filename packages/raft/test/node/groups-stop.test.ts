import { SeededRandom } from '@dsys/runtime'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CHANNEL } from '../../src/groups/host-channel.ts'
import { Hosts } from './support/hosts.ts'
import { LifeClock } from './support/life.ts'
import { type Add, type CounterState, counter } from './support/machines.ts'
import { failsOnlyWith } from './support/open-outcomes.ts'

const STEPS = 120
/** `RAFT_STOP_SEEDS=500` runs so many. */
const SEEDS = Number(process.env.RAFT_STOP_SEEDS ?? 4)

/** Timers of all hosts that are set, and where. */
const timers = new Set<Error>()
const unhandled: unknown[] = []
const noteUnhandled = (error: unknown): void => void unhandled.push(error)

beforeEach(() => {
  timers.clear()
  unhandled.length = 0
  process.on('unhandledRejection', noteUnhandled)
  const { setTimer } = LifeClock.prototype
  vi.spyOn(LifeClock.prototype, 'setTimer').mockImplementation(function (this: LifeClock, delayMs, callback) {
    const timer = new Error(`a timer of ${delayMs} ms`)
    timers.add(timer)
    const handle = setTimer.call(this, delayMs, () => {
      timers.delete(timer)
      callback()
    })
    return {
      cancel: () => {
        timers.delete(timer)
        handle.cancel()
      },
    }
  })
})

afterEach(() => {
  vi.restoreAllMocks()
  process.off('unhandledRejection', noteUnhandled)
})

/** How a call may end that races with a stop. */
const tolerated = failsOnlyWith(
  'AbortError',
  'RangeError',
  'DSYS_NOT_RUNNING',
  'DSYS_RAFT_GROUP_OPEN',
  'DSYS_RAFT_MEMBERSHIP_CONFLICT',
  'DSYS_RAFT_NO_LEADER',
  'DSYS_RAFT_OUTCOME_UNKNOWN',
  'DSYS_RAFT_READ_TIMEOUT',
  'DSYS_RAFT_RECONFIGURATION_PENDING',
  'DSYS_RAFT_TRANSFER_FAILED',
)

class Chaos {
  readonly hosts: Hosts<CounterState, Add, number>
  readonly #random: SeededRandom
  #commands = 0

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.hosts = new Hosts(counter, {
      seed,
      groups: 3,
      raft: { electionTimeoutMs: 300, heartbeatIntervalMs: 50, sleepAfterMs: 100 },
      group: { snapshotEveryBytes: 2_048, keepEntries: 2 },
      network: { link: { lossRate: 0.05, duplicateRate: 0.05, reorderRate: 0.1, maxDelayMs: 20 } },
    })
  }

  #add(): Add {
    return { id: `${this.#commands++}`, by: 1 }
  }

  /** A signal that fires at once, later, or never, and a deadline that may be over already. */
  #limits(): { readonly signal: AbortSignal; readonly timeoutMs: number } {
    const controller = new AbortController()
    const draw = this.#random.float()
    if (draw < 0.05) controller.abort()
    else if (draw < 0.3) this.hosts.clock.setTimer(this.#random.integer(0, 200), () => controller.abort())
    return { signal: controller.signal, timeoutMs: this.#random.integer(0, 800) }
  }

  /** One call, or frame, at a random place. */
  step(): Promise<unknown> | undefined {
    const { hosts } = this
    const id = `n${this.#random.integer(1, 4)}`
    const name = `g${this.#random.integer(1, 4)}`
    const [groups, limits] = [hosts.groups(id), this.#limits()]
    const node = groups.get(name)
    const calls = [
      () => node?.propose(this.#add(), limits),
      () => node?.proposeAll([this.#add(), this.#add()], limits),
      () => node?.read(({ total }: CounterState) => total, limits),
      () => node?.openClient(limits),
      () => node?.transferLeadership(limits),
      () => node?.reconfigure({ voters: hosts.ids.filter(() => this.#random.float() < 0.8) }, limits),
      () => groups.open({ group: name, voters: hosts.ids }, counter, { signal: limits.signal }),
      () => groups.close(name),
      () => (this.#random.float() < 0.5 ? node?.stop() : undefined),
      () => (this.#random.float() < 0.2 ? groups.stop() : undefined),
      () => this.#noise(id),
    ]
    return calls[this.#random.integer(0, calls.length)]?.()
  }

  /** Bytes that look like a message of a host, or not even that. */
  #noise(to: string): undefined {
    const noise = Buffer.from(this.#random.bytes(this.#random.integer(8, 80)))
    if (this.#random.float() < 0.8) {
      noise.set([1, 0, this.#random.integer(1, 6)])
      noise.writeUInt32BE(noise.length - 7, 3)
    }
    for (const { transport } of this.hosts.lives.values()) transport.send({ id: to }, CHANNEL, noise)
  }

  pause(): Promise<void> {
    return this.hosts.advance(this.#random.float() < 0.3 ? 0 : this.#random.integer(0, 150))
  }
}

test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
  'whatever goes on when hosts stop, every call ends, and no timer and no error is left: seed %i',
  async (seed) => {
    const chaos = new Chaos(seed)
    await using hosts = chaos.hosts
    for (const id of hosts.ids) await hosts.start(id)
    const calls: Promise<unknown>[] = []
    for (let step = 0; step < STEPS; step++) {
      const call = chaos.step()
      if (call !== undefined) calls.push(call.catch(tolerated))
      await chaos.pause()
    }
    const stopped = Promise.all(hosts.ids.map((id) => hosts.groups(id).stop()))
    await hosts.run(stopped)
    await hosts.run(Promise.all(calls))
    await hosts.advance(0)
    expect(hosts.ids.flatMap((id) => hosts.groups(id).list())).toEqual([])
    expect([...timers]).toEqual([])
    expect(hosts.errors).toEqual([])
    expect(unhandled).toEqual([])
  },
)
