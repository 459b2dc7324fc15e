import { DsysError, SeededRandom } from '@dsys/runtime'
import { Hosts } from './hosts.ts'
import { isLinearizable, type Operation } from './linearizable.ts'
import { type RegisterCommand, type Registers, registers } from './machines.ts'
import { NetworkFaults, slowSync } from './network-faults.ts'

const ELECTION_TIMEOUT_MS = 300
const HEARTBEAT_INTERVAL_MS = 50
/** The longest that a frame is on its way. */
const MAX_DELAY_MS = 60
const STEPS = 70
const CLIENTS = 6
const CALL_TIMEOUT_MS = 2_000
/** Once everything is healed, each group serves within so many election timeouts. */
const SERVES_WITHIN = 6
const KEY = 'x'

/** What one seed has shown. */
export interface GroupsOutcome {
  readonly certain: number
  readonly all: number
  /** Members that were found asleep, over all steps. */
  readonly asleep: number
  /** Members that were made to fail alone, while their host went on. */
  readonly failed: number
}

/**
 * Hosts with several groups each under faults from one seed, with pauses that are long enough to sleep in. The history of every group must be
 * linearizable, and once all faults have ended, each must serve. Throws what it finds wrong.
 */
export async function simulateGroups(seed: number): Promise<GroupsOutcome> {
  const run = new GroupsSimulation(seed)
  try {
    return await run.run()
  } catch (error) {
    const replay = `RAFT_SEED=${seed} npx vitest run --project unit packages/raft/test/node/groups-simulation.test.ts`
    const story = run.story.slice(-40).join('\n')
    throw new Error(`seed ${seed} failed; replay it by: ${replay}\n${String(error)}\n${story}`, { cause: error })
  }
}

class GroupsSimulation {
  readonly story: string[] = []
  readonly #random: SeededRandom
  readonly #hosts: Hosts<Registers, RegisterCommand, boolean>
  readonly #histories = new Map<string, Operation[]>()
  readonly #madeToFail = new Set<string>()
  #instant = 0
  #values = 0
  #asleep = 0
  #calls = 0

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    const disks = this.#random.stream('disks') as SeededRandom
    this.#hosts = new Hosts(registers, {
      seed,
      size: this.#random.float() < 0.2 ? 5 : 3,
      groups: this.#random.integer(2, 7),
      raft: {
        electionTimeoutMs: ELECTION_TIMEOUT_MS,
        heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
        sleepAfterMs: this.#random.integer(1, 5) * HEARTBEAT_INTERVAL_MS,
        ...(seed % 2 === 0 ? { leaseClockDrift: 0.02 } : {}),
      },
      group: { snapshotEveryBytes: 2_048, keepEntries: this.#random.integer(1, 20) },
      sync: (clock) => slowSync(disks, (delayMs, fire) => clock.setTimer(delayMs, fire)),
    })
    for (const name of this.#hosts.names) this.#histories.set(name, [])
  }

  async run(): Promise<GroupsOutcome> {
    await using hosts = this.#hosts
    for (const id of hosts.ids) await hosts.run(hosts.start(id))
    for (let step = 0; step < STEPS; step++) {
      await this.#fault()
      for (let calls = this.#random.integer(0, 3); calls > 0; calls--) if (this.#calls < CLIENTS) this.#call()
      await hosts.advance(this.#random.float() < 0.3 ? this.#random.integer(200, 1_500) : this.#random.integer(1, 120))
      for (const { groups } of hosts.lives.values()) this.#asleep += groups.status().asleep
    }
    await this.#quiet()
    return this.#verdict()
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random.integer(0, from.length)] as T
  }

  #tell(what: string): void {
    this.story.push(`${this.#hosts.clock.monotonicMs().toFixed(1)} ms: ${what}`)
  }

  #faults(): NetworkFaults {
    const { network, ids } = this.#hosts
    return new NetworkFaults(network, ids, this.#random, (what) => this.#tell(what))
  }

  async #fault(): Promise<void> {
    const { ids, lives, network } = this.#hosts
    const draw = this.#random.float()
    if (draw < 0.05 && lives.size > 0) {
      const id = this.#pick([...lives.keys()])
      const back = this.#random.float() < 0.4
      this.#tell(`${id} crashes${back ? ' and starts at once' : ''}`)
      this.#crash(id)
      if (back) await this.#hosts.run(this.#hosts.start(id))
    } else if (draw < 0.15 && lives.size < ids.length) {
      const id = this.#pick(ids.filter((each) => !lives.has(each)))
      this.#tell(`${id} starts`)
      await this.#hosts.run(this.#hosts.start(id))
    } else if (draw < 0.19) {
      this.#faults().partition()
    } else if (draw < 0.22) {
      this.#faults().cut()
    } else if (draw < 0.34) {
      this.#tell('the network is whole')
      network.heal()
      network.setLink(undefined)
    } else if (draw < 0.38) {
      this.#faults().roughen(MAX_DELAY_MS)
    } else if (draw < 0.46) {
      await this.#failOne()
    } else if (draw < 0.52) {
      await this.#reopen()
    }
  }

  /** What its members have failed by is of a life that is over. */
  #crash(id: string): void {
    const { errors } = this.#hosts
    for (let i = errors.length - 1; i >= 0; i--) if (errors[i]?.member.endsWith(` at ${id}`)) this.#checkError(i)
    this.#hosts.crash(id)
  }

  /** One member fails, or is closed, while its host goes on. */
  async #failOne(): Promise<void> {
    const hosts = this.#hosts
    const name = this.#pick(hosts.names)
    const leader = hosts.leader(name)
    if (leader === undefined) return
    if (this.#random.float() < 0.7) {
      this.#tell(`${name} fails at ${leader}`)
      this.#madeToFail.add(`${name} at ${leader}`)
      hosts.fail(leader, name)
      return
    }
    const id = this.#pick([...hosts.lives.keys()])
    this.#tell(`${name} is closed at ${id}`)
    await hosts.run(hosts.groups(id).close(name))
  }

  /** Members that have failed, or were closed, begin anew. */
  async #reopen(): Promise<void> {
    const hosts = this.#hosts
    for (const [id, { groups }] of hosts.lives) {
      for (const name of hosts.names) {
        const failed = hosts.errors.findIndex(({ member }) => member === `${name} at ${id}`)
        if (failed >= 0) await hosts.run(groups.close(name))
        if (groups.get(name) !== undefined) continue
        if (failed >= 0) this.#checkError(failed)
        this.#tell(`${name} opens at ${id}`)
        await hosts.run(hosts.open(id, name))
      }
    }
  }

  #checkError(at: number): void {
    const [found] = this.#hosts.errors.splice(at, 1)
    if (found !== undefined && !this.#madeToFail.has(found.member)) throw found.error
  }

  /** One call of a client through a random host. */
  #call(): void {
    const name = this.#pick(this.#hosts.names)
    const open = [...this.#hosts.lives].filter(([, { groups }]) => groups.get(name) !== undefined)
    if (open.length === 0) return
    const [id] = this.#pick(open)
    this.#send(id, name)
  }

  #send(id: string, name: string): void {
    const node = this.#hosts.node(id, name)
    const draw = this.#random.float()
    if (draw < 0.5) {
      this.#record(
        `${name}: ${id} reads`,
        name,
        // Where there are no leases it is a linearizable read.
        node.read((state) => state[KEY] ?? 0, { timeoutMs: CALL_TIMEOUT_MS, consistency: 'lease' }),
        (seen) => (value) => (seen === undefined || seen === value ? value : undefined),
      )
      return
    }
    const value = ++this.#values
    const expected = this.#random.integer(Math.max(0, value - 9), value)
    const command: RegisterCommand =
      draw < 0.8 ? { type: 'write', key: KEY, value } : { type: 'swap', key: KEY, expected, value }
    this.#record(
      `${name}: ${id} ${JSON.stringify(command)}`,
      name,
      node.propose(command, { timeoutMs: CALL_TIMEOUT_MS }),
      (done) => (now) => {
        if (command.type === 'write') return value
        const swaps = now === expected
        if (done !== undefined && done !== swaps) return undefined
        return swaps ? value : now
      },
    )
  }

  /** Notes a call in the history of its group. One that certainly had no effect has any that the rest allows: none. */
  #record<T>(
    what: string,
    name: string,
    call: Promise<T>,
    effectOf: (result: T | undefined) => Operation['effect'],
  ): void {
    const calledAt = ++this.#instant
    const history = this.#histories.get(name) as Operation[]
    const open = { calledAt, returnedAt: Number.POSITIVE_INFINITY, certain: false, effect: effectOf(undefined), what }
    const position = history.push(open) - 1
    this.#calls++
    this.#tell(`#${calledAt} ${what}`)
    call.then(
      (result) => {
        this.#calls--
        this.#tell(`#${calledAt} returns ${String(result)}`)
        history[position] = { ...open, returnedAt: ++this.#instant, certain: true, effect: effectOf(result) }
      },
      (error: unknown) => {
        this.#calls--
        this.#tell(`#${calledAt} fails: ${String(error)}`)
        if (error instanceof DsysError && error.outcome === 'not-applied')
          history[position] = { ...open, effect: () => undefined }
      },
    )
    // A caller on a host that crashes never learns more, and takes no room.
    this.#hosts.clock.setTimer(2 * CALL_TIMEOUT_MS, () => {
      if (history[position] === open) this.#calls--
    })
  }

  /** Ends every fault: each group must serve soon, have one state everywhere, and sleep. */
  async #quiet(): Promise<void> {
    const hosts = this.#hosts
    this.#tell('all faults end')
    hosts.network.heal()
    hosts.network.setLink(undefined)
    // What makes a member fail may be on its way.
    await hosts.advance(MAX_DELAY_MS)
    for (const id of hosts.ids) if (!hosts.lives.has(id)) await hosts.run(hosts.start(id))
    await this.#reopen()
    for (const name of hosts.names) for (const id of hosts.ids) this.#send(id, name)
    await this.#allLed()
    await hosts.advance(CALL_TIMEOUT_MS)
    await hosts.asleep(60 * HEARTBEAT_INTERVAL_MS)
    await this.#loseAsleep()
    for (let i = 0; i < hosts.errors.length; ) this.#checkError(i)
    for (const name of hosts.names) {
      const states = await Promise.all(
        hosts.ids.map((id) => hosts.node(id, name).read((state) => JSON.stringify(state), { consistency: 'stale' })),
      )
      if (new Set(states).size !== 1) throw new Error(`the states of ${name} differ: ${states.join(' ')}`)
      this.#send('n1', name)
    }
    await hosts.advance(CALL_TIMEOUT_MS)
  }

  /** Each group has a leader, on a host that is still a member of it, that all of them follow. */
  async #allLed(): Promise<void> {
    const hosts = this.#hosts
    const failed = (name: string, id: string): boolean =>
      hosts.errors.some(({ member }) => member === `${name} at ${id}`) || hosts.groups(id).get(name) === undefined
    const led = (name: string): boolean => {
      const members = hosts.members(name).filter(({ id }) => !failed(name, id))
      const leader = members.find(({ role }) => role === 'leader')?.id
      return leader !== undefined && members.every((each) => each.leader === leader)
    }
    await hosts.waitFor('all lead', () => hosts.names.every(led), SERVES_WITHIN * ELECTION_TIMEOUT_MS)
  }

  /** While all sleep, and nobody asks for anything, leaders fail alone or a host is lost: the groups must find out by themselves. */
  async #loseAsleep(): Promise<void> {
    const hosts = this.#hosts
    const lost = this.#random.float() < 0.5 ? this.#pick(hosts.ids) : undefined
    if (lost !== undefined) {
      this.#tell(`${lost} crashes while all sleep`)
      this.#crash(lost)
    }
    for (const name of lost === undefined ? hosts.names : []) {
      const leader = hosts.leader(name)
      if (leader === undefined || this.#random.float() < 0.5) continue
      this.#tell(`${name} fails at ${leader} while all sleep`)
      this.#madeToFail.add(`${name} at ${leader}`)
      hosts.fail(leader, name)
    }
    await hosts.advance(1)
    await this.#allLed()
    if (lost !== undefined) await hosts.run(hosts.start(lost))
    await this.#reopen()
    await this.#allLed()
    await hosts.asleep(60 * HEARTBEAT_INTERVAL_MS)
  }

  #verdict(): GroupsOutcome {
    let certain = 0
    let all = 0
    for (const [name, history] of this.#histories) {
      certain += history.filter((operation) => operation.certain).length
      all += history.length
      if (!isLinearizable(history, 0)) throw new Error(`the history of ${name} is not linearizable`)
      if (history.at(-1)?.certain !== true) throw new Error(`${name} does not serve at last`)
    }
    return { certain, all, asleep: this.#asleep, failed: this.#madeToFail.size }
  }
}
